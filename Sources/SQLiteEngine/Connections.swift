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
    private let checkpointer: Checkpointer
    private let isSettled = Atomic<Bool>(false)
    private let failed = Atomic<Bool>(false)
    /// Links followed: the log lies beside the file that they lead to.
    private let path: String
    private let file: FileIdentity?
    /// Since the file is settled.
    private let log = Mutex<FileIdentity?>(nil)

    /// - Throws: `SQLError`.
    init(path: String) throws {
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
            watch = try RegistryWatch(path: path)
            checkpointer = try Checkpointer(path: path)
            self.path = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
            file = FileIdentity(path: path)
            pool.writeWithoutTransaction { [checkpointer] connection in
                checkpointer.watch(connection.sqliteConnection)
            }
        } catch { throw SQLError.translated(error) }
    }

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
            try connection.execute(
                sql: """
                    PRAGMA cache_size = -65536;
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
        log.withLock { $0 = FileIdentity(path: path + "-wal") }
        isSettled.store(true, ordering: .relaxed)
    }

    /// - Throws: `SQLError.unavailable` if the file or its log is not where it was: what is written
    ///   to it would be lost.
    func demandFiles() throws {
        guard FileIdentity(path: path) == file else { throw Self.missing(path) }
        if let log = log.withLock({ $0 }), FileIdentity(path: path + "-wal") != log {
            throw Self.missing(path + "-wal")
        }
    }

    private static func missing(_ path: String) -> SQLError {
        .unavailable(
            "\(path) was removed or replaced while it was in use: put it back, or start anew")
    }

    func noteFailure() { failed.store(true, ordering: .relaxed) }

    /// Whether the disk has failed a transaction or a checkpoint.
    var hasFailed: Bool { failed.load(ordering: .relaxed) || checkpointer.hasFailed }

    func close() throws {
        watch.close()
        checkpointer.close()
        try pool.close()
    }
}
