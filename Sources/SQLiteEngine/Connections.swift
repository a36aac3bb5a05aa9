import CSQLiteConfig
import Foundation
import GRDB
import GRDBSQLite
import Ledger
import Synchronization

/// Everything that is open on a file: one writer, readers beside it, the watch of the registry, the
/// thread of the checkpoints. After a failed write they are left together and opened anew.
final class Connections: Sendable {
    let pool: DatabasePool
    let watch: RegistryWatch
    /// For the thread that decides ahead: who reads long must not keep it from reading.
    private let decidersReader = Mutex<DatabaseQueue?>(nil)
    private let checkpointer: Checkpointer
    private let isSettled = Atomic<Bool>(false)
    private let failed = Atomic<Bool>(false)
    private let files: DatabaseFiles

    /// - Throws: `SQLError`.
    init(path: String) throws {
        _ = Self.isConfigured
        do {
            pool = try DatabasePool(path: path, configuration: Self.configuration)
            // The pool has set NORMAL for its writer by now, which does not fsync on commit: an
            // acknowledged sale could be lost with the power. So FULL is set last, and read back.
            try pool.writeWithoutTransaction { connection in
                try connection.execute(sql: "PRAGMA synchronous = FULL")
            }
            guard try Self.synchronousMode(pool) == 2 else {
                throw SQLError.other("SQLite did not accept synchronous=FULL")
            }
            try pool.writeWithoutTransaction { try GatheredLog.install(on: $0.sqliteConnection) }
            watch = try RegistryWatch(path: path)
            files = DatabaseFiles(path: path)
            checkpointer = try Checkpointer(path: path, files)
            pool.writeWithoutTransaction { [checkpointer] connection in
                checkpointer.watch(connection.sqliteConnection)
            }
        } catch { throw SQLError.translated(error) }
    }

    /// SQLite counts the memory that it takes, under a lock, for questions that nobody asks here: a
    /// twentieth of a commit. Only before the process opens its first file.
    private static let isConfigured =
        sqlite3_config_without_memory_statistics() == SQLITE_OK

    private static var configuration: Configuration {
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
            // KiB. Readers lose what they keep whenever something is written.
            let cache = connection.configuration.readonly ? 16_384 : 65_536
            try connection.execute(
                sql: """
                    PRAGMA cache_size = -\(cache);
                    PRAGMA wal_autocheckpoint = 0;
                    PRAGMA temp_store = MEMORY
                    """)
        }
        return configuration
    }

    /// `PRAGMA synchronous` of the writing connection; 2 is FULL.
    static func synchronousMode(_ pool: DatabasePool) throws -> Int {
        try pool.writeWithoutTransaction { connection in
            try Int.fetchOne(connection, sql: "PRAGMA synchronous") ?? -1
        }
    }

    /// Runs the body on a snapshot, with a connection that nobody else reads by.
    func readAhead<Value>(_ body: (Database) throws -> Value) throws -> Value {
        let reader = try decidersReader.withLock { reader in
            if let reader { return reader }
            var configuration = Self.configuration
            configuration.readonly = true
            let opened = try DatabaseQueue(path: pool.path, configuration: configuration)
            reader = opened
            return opened
        }
        return try reader.read(body)
    }

    /// Writes the log into the file, and both to the disk. What others still read of older moments
    /// stays in the log: whoever they are, they have settled it before. Done once.
    ///
    /// - Throws: `SQLError`.
    func settle() throws {
        if isSettled.load(ordering: .relaxed) { return }
        do {
            _ = try pool.writeWithoutTransaction { try $0.checkpoint(.passive) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            // Another process moves it at this moment.
        } catch {
            let error = SQLError.translated(error)
            if case SQLError.failedDisk = error { noteFailure() }
            throw error
        }
        files.noteLog()
        isSettled.store(true, ordering: .relaxed)
    }

    /// - Throws: `SQLError.unavailable` if a file is not where it was.
    func demandFiles() throws { try files.demand() }

    func noteFailure() { failed.store(true, ordering: .relaxed) }

    /// Whether the disk has failed a transaction or a checkpoint.
    var hasFailed: Bool { failed.load(ordering: .relaxed) || checkpointer.hasFailed }

    /// Closes; a last checkpoint first, if asked for. Of files that others may have replaced,
    /// nothing is moved or removed: SQLite does both when it closes, so it is left open until the
    /// process ends.
    ///
    /// - Throws: `SQLError`.
    func close(movesLog: Bool = false) throws {
        watch.close()
        checkpointer.close()
        let reader = decidersReader.withLock { reader in
            defer { reader = nil }
            return reader
        }
        guard files.areThere else {
            _ = Unmanaged.passRetained(pool)
            if let reader { _ = Unmanaged.passRetained(reader) }
            return
        }
        try? reader?.close()
        if movesLog {
            _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        }
        do { try pool.close() } catch { throw SQLError.translated(error) }
    }
}
