import GRDB
import GRDBSQLite
import Ledger
import Synchronization

/// The default engine: one file, one writer, readers beside it (write-ahead log).
///
/// What the log holds when the file is opened may be in the system's memory only: a process that
/// was killed after a failed fsync leaves such pages behind, and reading them back looks like any
/// commit. So the first write moves the log into the file, and goes on when the disk has said that
/// it did.
///
/// The same after the disk has failed a write: the system forgets what it could not write and
/// reports it once. The next write opens everything anew first.
package final class SQLiteDatabase: SQLiteFile, SingleWriterDatabase {
    private struct State {
        var connections: Connections
        var isClosed = false
        /// A small write may still find room where a larger one did not: readiness would flicker.
        var isFull = false
    }

    private let path: String
    /// Transactions begun, and times that the file was opened anew.
    private let writes = Atomic<Int64>(0)
    private let state: Mutex<State>
    /// Held while the file is opened anew; when that was tried last.
    private let opening = Mutex<ContinuousClock.Instant?>(nil)
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
            let value = try connections.pool.writeWithoutTransaction { connection in
                // Here, in the order in which they write.
                let own = writes.add(1, ordering: .relaxed).newValue
                var transaction = SQLiteTransaction(connection: connection)
                return try transaction.committing { transaction in
                    transaction.history = WriteHistory(
                        others: try transaction.dataVersion(), own: own)
                    return try body(transaction)
                }
            }
            // Files that went during the commit: others may have written in the same place.
            try connections.demandFiles()
            return value
        } catch {
            let error = SQLError.translated(error)
            switch error {
            case SQLError.failedDisk, SQLError.corrupt: connections.noteFailure()
            case SQLError.full: state.withLock { $0.isFull = true }
            default: break
            }
            throw error
        }
    }

    /// The open connections, with a log that is on disk; new ones after a failed write. Writers
    /// wait for each other here; whoever reads goes on with the connections that there are.
    private func trusted() throws -> Connections {
        try opening.withLock { lastTry in
            if state.withLock({ $0.isFull }) {
                try Room.demand(beside: path)
                state.withLock { $0.isFull = false }
            }
            let connections = connections
            try connections.demandFiles()
            if connections.hasFailed { return try reopened(&lastTry) }
            try connections.settle()
            return connections
        }
    }

    private func reopened(_ lastTry: inout ContinuousClock.Instant?) throws -> Connections {
        let now = ContinuousClock.now
        if let last = lastTry, now - last < Self.pause {
            throw SQLError.failedDisk("the disk has failed a write; trying again")
        }
        lastTry = now
        let fresh = try Connections(path: path)
        do { try fresh.settle() } catch {
            try? fresh.close()
            throw error
        }
        let old = state.withLock { state in
            defer { state.connections = fresh }
            return state.connections
        }
        writes.add(1, ordering: .relaxed)
        // Reads may still run on the old ones; they end by themselves.
        try? old.close()
        lastTry = nil
        return fresh
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLTransaction) throws -> Value
    ) async throws -> Value {
        try await reading { try body(SQLiteTransaction(connection: $0)) }
    }

    package var singleWriter: (any SingleWriterDatabase)? { self }

    package func readHere<Value>(
        _ body: (any SQLTransaction) throws -> Value
    ) throws -> Value {
        do {
            return try connections.readAhead { try body(SQLiteTransaction(connection: $0)) }
        } catch { throw SQLError.translated(error) }
    }

    package func registryRevision() throws -> Int64 { try connections.watch.revision() }

    package var registryNow: (@Sendable () -> Int64?)? {
        { [self] in connections.watch.revisionNow() }
    }

    package func reading<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        do { return try await connections.pool.read(body) } catch {
            throw SQLError.translated(error)
        }
    }

    /// Brings the schema up to date. If it is, a disk that can't be written now is no obstacle:
    /// there is something to read.
    ///
    /// - Returns: why it can't be written now.
    package func bringUpToDate() throws -> SQLError? {
        let isUpToDate = try? connections.pool.read {
            try SQLiteTransaction(connection: $0).isUpToDate()
        }
        guard isUpToDate == true else {
            try migrate()
            return nil
        }
        do {
            // What a killed process left in the log is made durable before anybody reads it.
            try write { _ in }
            return nil
        } catch let error as SQLError {
            switch error {
            case .full, .failedDisk, .busy: return error
            default: throw error
            }
        }
    }

    /// Moves the log into the file and closes; statements that still run make it fail.
    package func close() throws {
        let wasClosed = state.withLock { state in
            defer { state.isClosed = true }
            return state.isClosed
        }
        if wasClosed { return }
        try connections.close(movesLog: true)
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
        let detail = "SQLite \(error.extendedResultCode.rawValue): \(Self.words(error))"
        switch error.resultCode {
        case .SQLITE_CONSTRAINT: self = .constraint(detail)
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(detail)
        case .SQLITE_IOERR: self = .failedDisk(detail)
        case .SQLITE_FULL: self = .full(detail)
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_NOMEM, .SQLITE_PROTOCOL:
            self = .unavailable(detail)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt(detail)
        default: self = .other(detail)
        }
    }

    /// Where the connection has nothing to say, what the code stands for.
    private static func words(_ error: GRDB.DatabaseError) -> String {
        if let message = error.message, !message.isEmpty, message != "not an error" {
            return message
        }
        return String(cString: sqlite3_errstr(error.extendedResultCode.rawValue))
    }
}
