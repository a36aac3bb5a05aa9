import ArgumentParser
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

    /// nil on a server.
    var file: String? { server == nil ? "\(folder)/bench.db" : nil }

    /// Copies of a file that nobody has open.
    func copies(of file: String, _ names: [String]) throws -> [String] {
        try names.map { name in
            let copy = "\(folder)/\(name).db"
            try FileManager.default.copyItem(atPath: file, toPath: copy)
            return copy
        }
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: folder)
        try? server?.run(script: "DROP SCHEMA \(name) CASCADE")
    }
}

/// Where a bench keeps its data, and how much there is before it begins.
struct BenchPlaceOptions: ParsableArguments {
    @Option(help: "Where the scratch file is made: the disk that is measured.")
    var directory: String = NSTemporaryDirectory()
    @Option(
        help: ArgumentHelp(
            "Measure on a PostgreSQL server, in a schema that is made and removed.",
            valueName: "url"))
    var database: String?
    @Option(parsing: .unconditional, help: "Customers whose sales are recorded.") var customers =
        10_000
    @Option(parsing: .unconditional, help: "Links that they came by.") var links = 100

    func validate() throws {
        guard customers > 0, links > 0 else {
            throw ValidationError("--customers, --links: at least 1")
        }
    }

    func place() throws -> BenchPlace {
        try BenchPlace(database: database, directory: directory)
    }
}
