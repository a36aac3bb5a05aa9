import GRDB
import Ledger
import Synchronization

/// The default engine: one file, one writer, readers beside it (write-ahead log).
///
/// Once the disk has failed a write, nothing that the process or the system holds in memory is
/// trusted to be on it: the system forgets what it could not write and reports it once. The next
/// write opens everything anew, and goes on only when all of the log has been written again and the
/// disk has said so.
package final class SQLiteDatabase: SQLDatabase {
    private struct State {
        var connections: Connections
        var hasFailed = false
        var lastTry: ContinuousClock.Instant?
    }

    private let path: String
    private let state: Mutex<State>
    /// Between two attempts to open a file whose disk fails.
    private static let pause = Duration.milliseconds(200)

    /// Opens or makes the file. Directories above it must exist.
    package init(path: String) throws {
        self.path = path
        state = Mutex(State(connections: try Connections(path: path)))
    }

    private var connections: Connections { state.withLock { $0.connections } }

    /// `PRAGMA synchronous` of the writing connection; 2 is FULL.
    package func synchronousMode() throws -> Int {
        try Connections.synchronousMode(connections.pool)
    }

    package func write<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value {
        let connections = try trusted()
        do {
            var value: Value?
            try connections.pool.writeWithoutTransaction { connection in
                try connection.inTransaction(.immediate) {
                    value = try body(SQLiteTransaction(connection: connection))
                    return .commit
                }
            }
            guard let value else { throw SQLError.other("the transaction did not run") }
            return value
        } catch {
            let error = SQLError.translated(error)
            if case SQLError.failedDisk = error { state.withLock { $0.hasFailed = true } }
            throw error
        }
    }

    /// The open connections, or new ones after a failed write.
    private func trusted() throws -> Connections {
        try state.withLock { state in
            guard state.hasFailed || state.connections.hasFailed else { return state.connections }
            let now = ContinuousClock.now
            if let last = state.lastTry, now - last < Self.pause {
                throw SQLError.unavailable("the disk has failed a write; trying again")
            }
            state.lastTry = now
            let fresh = try Connections(path: path)
            do { try fresh.settle() } catch {
                try? fresh.close()
                throw SQLError.translated(error)
            }
            // Reads may still run on the old ones; they end by themselves.
            try? state.connections.close()
            state.connections = fresh
            (state.hasFailed, state.lastTry) = (false, nil)
            return fresh
        }
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLTransaction) throws -> Value
    ) async throws -> Value {
        do {
            return try await connections.pool.read { connection in
                try body(SQLiteTransaction(connection: connection))
            }
        } catch { throw SQLError.translated(error) }
    }

    package func registryRevision() throws -> Int64 { try connections.watch.revision() }

    /// Makes what was found in the log after a crash durable: a process that was killed may have
    /// left there what never reached the disk. Another process that reads may keep some of it back.
    package func settle() throws {
        do { try connections.settle() } catch {
            let error = SQLError.translated(error)
            if case SQLError.busy = error { return }
            throw error
        }
    }

    /// A read on SQLite's own terms.
    func reading<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        try await connections.pool.read(body)
    }

    /// Moves the log into the file and closes; statements that still run make it fail.
    package func close() throws {
        let connections = connections
        _ = try? connections.pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        try connections.close()
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
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(detail)
        case .SQLITE_IOERR: self = .failedDisk(detail)
        case .SQLITE_FULL, .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_NOMEM, .SQLITE_PROTOCOL:
            self = .unavailable(detail)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt(detail)
        default: self = .other(detail)
        }
    }
}
