import Foundation
import Ledger
import SQLiteEngine

/// A database that is a file, as the command line handles it.
struct DatabaseFile {
    let path: String

    var text: String { "sqlite:\(path)" }
    /// From the root, whichever links lead there.
    var fullText: String { "sqlite:\(FileMoves.target(of: path))" }

    /// The checksum beside the file, which says that it is a backup: opened as a database its bytes
    /// would change, and it would be taken for damaged. nil for any other file.
    var checksum: BackupChecksum? { BackupChecksum(of: path) }

    private func demandNoBackup() throws {
        guard let checksum = checksum?.file else { return }
        guard FileMoves.isThere(path) else {
            throw Failure(
                """
                There is a checksum at \(checksum): a database made at \(path) would be taken for \
                a backup. Remove the checksum, or choose another path. Nothing was changed.
                """)
        }
        throw Failure(
            """
            \(path) is a backup, because \(checksum) lies beside it. Backups are only read; \
            nothing was changed. Restore it first: \
            tribute restore \(quoted(path)) --database sqlite:PATH. \
            If it is to be a database from now on, remove \(checksum).
            """)
    }

    /// Keeps the file from being replaced, or others from using it, for as long as the value lives.
    func lock(_ kind: FileLock.Kind) throws -> FileLock {
        try demandNoBackup()
        do throws(FileLockError) { return try FileLock(path: path, kind) } catch {
            switch error {
            case .taken:
                throw Failure(
                    kind == .shared
                        ? "The database \(path) is being restored or moved. Start the server when that is done."
                        : "A server uses the database \(path). Stop it first; nothing was changed.")
            case .unusable(let lockPath, let reason):
                throw Failure(
                    """
                    The database \(path) can't be opened: \(lockPath) can't be written \
                    (\(reason)). The directory must exist and be writable.
                    """)
            }
        }
    }

    /// The database with its schema up to date, to be written to.
    ///
    /// - Parameter mustExist: refuse to make a file, so that a mistyped path does not look like
    ///   empty data.
    /// - Parameter anyMark: whatever a move says of it.
    func open(mustExist: Bool = false, anyMark: Bool = false) async throws -> SQLiteDatabase {
        try demandNoBackup()
        if mustExist { try demandFile() }
        try demandOwn(isRead: false)
        let database = try opened(migrates: true)
        if !anyMark { try await database.demandNoMark(text) }
        return database
    }

    /// The database, to be read only. A backup is left as it is, to the byte.
    ///
    /// - Parameter anySchema: leave the schema of a database as it is, and take any.
    func openForReading(anySchema: Bool = false) async throws -> any SQLiteFile {
        try demandFile()
        try demandOwn(isRead: true)
        guard checksum != nil else { return try opened(migrates: !anySchema) }
        do {
            let backup = try SealedFile(path: path)
            if !anySchema { try await demandSchema(of: backup) }
            return backup
        } catch { throw failure(error) }
    }

    private func demandFile() throws {
        if !FileManager.default.fileExists(atPath: path) {
            throw Failure(
                "There is no database at \(path). Start the server or `tribute demo` once, or check --database."
            )
        }
    }

    /// Another program's file is left alone.
    ///
    /// - Parameter isRead: nothing is expected to be made.
    private func demandOwn(isRead: Bool) throws {
        // What can't be looked into is told of when it is opened.
        switch try? FileContent(ofFile: path, isSealed: checksum != nil) {
        case .foreign:
            throw Failure(
                "\(path) is another program's database: nothing was changed. Check --database.")
        case .nothing where isRead:
            throw Failure("\(path) holds no data of Tribute. Check --database.")
        default: break
        }
    }

    private func opened(migrates: Bool) throws -> SQLiteDatabase {
        do {
            let database = try patiently { try SQLiteDatabase(path: path) }
            if migrates, let obstacle = try database.bringUpToDate() {
                printError("\(path) can only be read for now: \(obstacle.detail)")
            }
            return database
        } catch { throw failure(error) }
    }

    /// Another process that opens the file in the same moment keeps it for an instant, in which
    /// SQLite itself does not wait.
    private func patiently<Value>(_ body: () throws -> Value) throws -> Value {
        for _ in 0..<50 {
            do { return try body() } catch SQLError.busy { usleep(100_000) }
        }
        return try body()
    }

    /// A backup's schema can't be brought up to date.
    private func demandSchema(of backup: SealedFile) async throws {
        let newest = SQLStatement(once: "SELECT max(version) FROM schema_migration")
        let found = try await backup.read { try $0.rows(newest).first?.optionalInteger(0) } ?? 0
        let known = Migration.all.last?.version ?? 0
        if found > known { throw MigrationError.newerSchema(found: found, known: known) }
        guard found < known else { return }
        throw Failure(
            """
            The backup \(path) has the schema version \(found) of an older tribute, this one reads \
            version \(known). A backup is not changed: restore it to another place \
            (tribute restore \(quoted(path)) --database sqlite:PATH) and use that, which brings \
            it up to date.
            """)
    }

    /// What a person can do about a file that can't be opened.
    private func failure(_ error: any Error) -> any Error {
        return switch error {
        case let error as MigrationError: Failure("\(error)")
        case SQLError.corrupt(let detail):
            Failure(
                """
                \(path) is not a database of Tribute, or is damaged (\(detail)). If it was one: \
                keep a copy, and restore the newest backup with `tribute restore`.
                """)
        case SQLError.full(let detail):
            Failure(
                "The disk of \(path) is full (\(detail)). Make room: the log needs 100 MB at times."
            )
        case SQLError.failedDisk(let detail):
            Failure(
                """
                The database \(path) can't be opened (\(detail)): its disk fails, or is full. \
                Make room, or check the disk.
                """)
        case let error as SQLError:
            Failure(
                """
                The database \(path) can't be opened (\(error.detail)). The directory must exist; \
                it and the file must be writable, for verifying and listing too.
                """)
        default: error
        }
    }
}
