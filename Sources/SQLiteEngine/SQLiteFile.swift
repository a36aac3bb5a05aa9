import Foundation
import GRDB
import Ledger

/// A file of SQLite's, however it was opened.
package protocol SQLiteFile: SQLDatabase {
    /// A read on SQLite's own terms.
    ///
    /// - Throws: `SQLError`, or what the body throws.
    func reading<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value
}

/// A file that nobody changes, opened so that nothing is written to it nor beside it: SQLite takes
/// no lock, looks for no log and makes none. What a log beside it holds is not seen.
package final class SealedFile: SQLiteFile {
    private let queue: DatabaseQueue

    /// - Throws: `SQLError`.
    package init(path: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.prepareDatabase { connection in
            try connection.execute(
                sql: "PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY")
        }
        do {
            queue = try DatabaseQueue(
                path: fileURI(path, "immutable=1"), configuration: configuration)
        } catch { throw SQLError.translated(error) }
    }

    package func reading<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        do { return try await queue.read(body) } catch { throw SQLError.translated(error) }
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLTransaction) throws -> Value
    ) async throws -> Value {
        try await reading { try body(SQLiteTransaction(connection: $0)) }
    }

    package func write<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value {
        throw SQLError.unavailable("the file is open for reading only")
    }

    /// Nothing changes.
    package func registryRevision() throws -> Int64 { 0 }

    package func close() throws { try queue.close() }
}

/// Whose tables a file has.
package enum FileContent: Sendable {
    case nothing, ours, foreign

    /// Looks without changing the file.
    ///
    /// - Parameter isSealed: nobody changes it, and what lies beside it is not looked at.
    /// - Throws: whatever SQLite says of a file that is none of its own.
    package init(ofFile path: String, isSealed: Bool) throws {
        var configuration = Configuration()
        configuration.readonly = true
        // Tables may be in a log that was not moved into the file yet.
        let hasLog = !isSealed && FileManager.default.fileExists(atPath: path + "-wal")
        let queue = try DatabaseQueue(
            path: fileURI(path, hasLog ? "mode=ro" : "immutable=1"), configuration: configuration)
        let tables = try queue.read {
            try String.fetchAll(
                $0, sql: "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
        }
        self = tables.isEmpty ? .nothing : tables.contains("schema_migration") ? .ours : .foreign
    }
}

/// The path as SQLite reads it with options, whatever characters are in it.
func fileURI(_ path: String, _ options: String) -> String {
    let plain = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "/._-"))
    let path = URL(fileURLWithPath: path).path
    return "file://\(path.addingPercentEncoding(withAllowedCharacters: plain) ?? path)?\(options)"
}
