import GRDBSQLite
import Ledger
import Synchronization

/// Tells whether anything that is cached has changed, in this process or in another.
///
/// SQLite's `data_version` says whether another connection has committed; only then is the
/// registry's revision read. SQLite's files are never opened beside SQLite: closing any descriptor
/// of one would drop the locks that the whole process holds on it.
final class RegistryWatch: Sendable {
    private struct State {
        var connection: OpaquePointer?
        var dataVersion: OpaquePointer?
        var revision: OpaquePointer?
        var seen: Int64 = -1
        var current: Int64 = -1
    }

    // Used under the lock only; SQLite handles are not bound to a thread.
    private nonisolated(unsafe) var state = State()
    private let lock = Mutex(())

    /// Milliseconds.
    private static let busyTimeout: Int32 = 5_000

    init(path: String) throws {
        var connection: OpaquePointer?
        guard sqlite3_open_v2(path, &connection, SQLITE_OPEN_READONLY, nil) == SQLITE_OK else {
            throw SQLError.unavailable("can't open \(path)")
        }
        sqlite3_busy_timeout(connection, Self.busyTimeout)
        state.connection = connection
    }

    func revision() throws -> Int64 { try lock.withLock { _ in try read() } }

    /// For threads that must not wait.
    ///
    /// - Returns: nil if it can't be told at once.
    func revisionNow() -> Int64? {
        let revision = lock.withLockIfAvailable { _ -> Int64? in
            // It may have been closed in the meantime.
            if state.connection == nil { return nil }
            sqlite3_busy_timeout(state.connection, 0)
            defer { sqlite3_busy_timeout(state.connection, Self.busyTimeout) }
            return try? read()
        }
        return revision ?? nil
    }

    private func read() throws -> Int64 {
        if state.revision == nil { try prepare() }
        // The version is taken before the revision is read: a commit in between is seen by the
        // next call.
        let version = try number(state.dataVersion)
        if version != state.seen {
            state.current = try number(state.revision)
            state.seen = version
        }
        return state.current
    }

    private func prepare() throws {
        state.dataVersion = try prepared("PRAGMA data_version")
        state.revision = try prepared("SELECT revision FROM registry")
    }

    private func prepared(_ sql: String) throws -> OpaquePointer? {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(state.connection, sql, -1, &statement, nil) == SQLITE_OK else {
            throw failure()
        }
        return statement
    }

    private func number(_ statement: OpaquePointer?) throws -> Int64 {
        defer { sqlite3_reset(statement) }
        guard sqlite3_step(statement) == SQLITE_ROW else { throw failure() }
        return sqlite3_column_int64(statement, 0)
    }

    private func failure() -> SQLError {
        .unavailable(String(cString: sqlite3_errmsg(state.connection)))
    }

    func close() {
        lock.withLock { _ in
            sqlite3_finalize(state.dataVersion)
            sqlite3_finalize(state.revision)
            sqlite3_close_v2(state.connection)
            state = State()
        }
    }
}
