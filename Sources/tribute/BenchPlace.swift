import Foundation
import Ledger

/// Where a bench keeps its data while it runs: a file, or a schema on a server.
struct BenchPlace {
    let url: String
    private let name = "tribute_bench_\(ProcessInfo.processInfo.processIdentifier)"
    private let folder: String
    private let server: DatabaseServer?

    /// - Parameters:
    ///   - database: a PostgreSQL URL; nil for a file.
    ///   - directory: of the file.
    init(database: String?, directory: String) throws {
        folder = "\(directory)/\(name)"
        guard let database else {
            (url, server) = ("sqlite:\(folder)/bench.db", nil)
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            return
        }
        guard case .server(let server) = try DatabasePlace(database) else {
            throw Failure("--database: a PostgreSQL URL; a file is made in --directory")
        }
        url = database + (database.contains("?") ? "&" : "?") + "options=-csearch_path%3D\(name)"
        self.server = server
        try server.run(script: "CREATE SCHEMA \(name)")
    }

    func open() async throws -> any SQLDatabase {
        switch try DatabasePlace(url) {
        case .file(let file): try await file.open()
        // It is verified at the end.
        case .server(let server): try await server.open(readSeconds: 600)
        }
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: folder)
        try? server?.run(script: "DROP SCHEMA \(name) CASCADE")
    }
}
