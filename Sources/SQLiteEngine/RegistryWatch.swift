import Foundation
import GRDBSQLite
import Glibc
import Ledger
import Synchronization

/// Tells whether anything that is cached has changed, in this process or in another, without a
/// system call as long as nobody commits.
///
/// Every commit rewrites the header of the log's shared index (the `-shm` file, which SQLite
/// itself compares for the same purpose). While its bytes are the same, nothing was committed;
/// when they differ, the registry's revision is read.
final class RegistryWatch: Sendable {
    private struct State {
        var connection: OpaquePointer?
        var statement: OpaquePointer?
        /// The index's header, mapped; nil until the file is there.
        var header: UnsafeRawPointer?
        var seen = Header()
        var current: Int64 = -1
    }

    /// The first of the header's two copies: 48 bytes.
    private struct Header: Equatable {
        var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)
        static func == (a: Header, b: Header) -> Bool {
            (a.words.0, a.words.1, a.words.2, a.words.3, a.words.4, a.words.5)
                == (b.words.0, b.words.1, b.words.2, b.words.3, b.words.4, b.words.5)
        }
    }

    private static let mappedBytes = 4_096

    // Used under the lock only; SQLite handles are not bound to a thread.
    private nonisolated(unsafe) var state = State()
    private let lock = Mutex(())
    private let path: String

    init(path: String) throws {
        self.path = path
        var connection: OpaquePointer?
        guard sqlite3_open_v2(path, &connection, SQLITE_OPEN_READONLY, nil) == SQLITE_OK else {
            throw SQLError.unavailable("can't open \(path)")
        }
        sqlite3_busy_timeout(connection, 5_000)
        state.connection = connection
    }

    func revision() throws -> Int64 {
        try lock.withLock { _ in
            if state.header == nil { map() }
            // The header is taken before the revision is read: a commit in between is seen by the
            // next call.
            let header = state.header?.loadUnaligned(as: Header.self)
            if let header, header == state.seen, state.current >= 0 { return state.current }
            state.current = try readRevision()
            state.seen = header ?? Header()
            return state.current
        }
    }

    private func map() {
        let file = open(path + "-shm", O_RDONLY)
        guard file >= 0 else { return }
        defer { Glibc.close(file) }
        var information = stat()
        guard fstat(file, &information) == 0, information.st_size >= Self.mappedBytes else {
            return
        }
        let address = mmap(nil, Self.mappedBytes, PROT_READ, MAP_SHARED, file, 0)
        if let address, address != MAP_FAILED { state.header = UnsafeRawPointer(address) }
    }

    private func readRevision() throws -> Int64 {
        if state.statement == nil {
            let sql = "SELECT revision FROM registry"
            guard sqlite3_prepare_v2(state.connection, sql, -1, &state.statement, nil) == SQLITE_OK
            else { throw failure() }
        }
        defer { sqlite3_reset(state.statement) }
        guard sqlite3_step(state.statement) == SQLITE_ROW else { throw failure() }
        return sqlite3_column_int64(state.statement, 0)
    }

    private func failure() -> SQLError {
        .unavailable(String(cString: sqlite3_errmsg(state.connection)))
    }

    func close() {
        lock.withLock { _ in
            if let header = state.header {
                munmap(UnsafeMutableRawPointer(mutating: header), Self.mappedBytes)
            }
            sqlite3_finalize(state.statement)
            sqlite3_close_v2(state.connection)
            state = State()
        }
    }
}
