import Ledger
import SQLiteEngine

/// Whether a copy of a database can be served from. It is only read.
struct CopyCheck {
    let path: String

    func run() async throws -> FileCheck.Found {
        do { return try await Self.found(in: SealedFile(path: path)) } catch let error as SQLError {
            return FileCheck.Found(damages: [error.detail])
        }
    }

    static func found(in file: any SQLiteFile) async throws -> FileCheck.Found {
        let isUpToDate = try await file.read { try $0.isUpToDate() }
        // An older schema has not everything that can be added up.
        guard isUpToDate else {
            return FileCheck.Found(
                damages: try await file.damages(), verification: Verification())
        }
        return try await FileCheck(file: file, isDeep: true).run()
    }
}

extension FileCheck.Found {
    /// The first things that are wrong, a line each.
    var reasons: String {
        let all = damages + (verification?.differences ?? []).map(\.text)
        return all.prefix(10).map { "  \($0)" }.joined(separator: "\n")
    }
}
