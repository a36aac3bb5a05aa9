import Foundation
import GRDB
import GRDBSQLite
import Ledger

/// The default engine: one file, one writer, readers beside it (write-ahead log).
package final class SQLiteDatabase: SQLDatabase {
    private let pool: DatabasePool
    private let watch: RegistryWatch
    private let checkpointer: Checkpointer

    /// Opens or makes the file. Directories above it must exist.
    package init(path: String) throws {
        var configuration = Configuration()
        // Another process that writes (an import beside the server) leaves short gaps between its
        // transactions; SQLite's own growing pauses would miss them, a millisecond's don't.
        configuration.busyMode = .callback { tries in
            usleep(1_000)
            return tries < 10_000
        }
        configuration.maximumReaderCount = 4
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { connection in
            try connection.execute(
                sql: """
                    PRAGMA cache_size = -65536;
                    PRAGMA wal_autocheckpoint = 0;
                    PRAGMA temp_store = MEMORY
                    """)
        }
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
            // The pool has set NORMAL for its writer by now, which does not fsync on commit: an
            // acknowledged sale could be lost with the power. So FULL is set last, and read back.
            try pool.writeWithoutTransaction { connection in
                try connection.execute(sql: "PRAGMA synchronous = FULL")
            }
            watch = try RegistryWatch(path: path)
            checkpointer = try Checkpointer(path: path)
            pool.writeWithoutTransaction { [checkpointer] connection in
                checkpointer.watch(connection.sqliteConnection)
            }
        } catch { throw SQLError(error) }
        guard try synchronousMode() == 2 else {
            throw SQLError.other("SQLite did not accept synchronous=FULL")
        }
    }

    /// `PRAGMA synchronous` of the writing connection; 2 is FULL.
    package func synchronousMode() throws -> Int {
        try pool.writeWithoutTransaction { connection in
            try Int.fetchOne(connection, sql: "PRAGMA synchronous") ?? -1
        }
    }

    package func write<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value {
        do {
            var value: Value?
            try pool.writeWithoutTransaction { connection in
                try connection.inTransaction(.immediate) {
                    value = try body(SQLiteTransaction(connection: connection))
                    return .commit
                }
            }
            guard let value else { throw SQLError.other("the transaction did not run") }
            return value
        } catch { throw SQLError.translated(error) }
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLTransaction) throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.read { connection in
                try body(SQLiteTransaction(connection: connection))
            }
        } catch { throw SQLError.translated(error) }
    }

    package func registryRevision() throws -> Int64 { try watch.revision() }

    /// Moves the log into the file and closes; statements that still run make it fail.
    package func close() throws {
        try? pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        watch.close()
        checkpointer.close()
        try pool.close()
    }
}

extension SQLError {
    static func translated(_ error: any Error) -> any Error {
        error is GRDB.DatabaseError ? Self(error) : error
    }

    init(_ error: any Error) {
        guard let error = error as? GRDB.DatabaseError else {
            self = .other("\(error)")
            return
        }
        let detail = "SQLite \(error.extendedResultCode.rawValue): \(error.message ?? "")"
        switch error.resultCode {
        case .SQLITE_CONSTRAINT: self = .constraint(detail)
        case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY,
            .SQLITE_CANTOPEN, .SQLITE_NOMEM, .SQLITE_PROTOCOL:
            self = .unavailable(detail)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt(detail)
        default: self = .other(detail)
        }
    }
}
