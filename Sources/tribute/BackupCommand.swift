import ArgumentParser
import Foundation
import Ledger
import SQLiteEngine

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the database to a file, while the server goes on.",
        discussion: """
            The copy is the database at one moment, complete and on disk when the command ends. It \
            is checked (page by page, and every counter against its events), and FILE.sha256 is \
            written beside it, so that a damaged copy is found before it is needed. Who may use \
            the database may use the copy. Neither file may be there yet; of two backups to one \
            name one is made. The schema is copied as it is: make one before an upgrade.

            A file beside which FILE.sha256 lies is taken for a backup by every command: it can be \
            verified, listed and restored, and is never changed.

              tribute backup /backups/tribute-2026-11-26.db --database sqlite:tribute.db
              tribute verify --deep --database sqlite:/backups/tribute-2026-11-26.db
              tribute restore /backups/tribute-2026-11-26.db --database sqlite:tribute.db
            """)

    @Argument(help: "The file to make. Neither it nor FILE.sha256 may be there yet.") var file:
        String
    @Flag(help: "Don't check the copy: quicker for large files.") var noVerify = false
    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        // Whoever reads the checksum's file could not tell its name.
        if file.unicodeScalars.contains(where: { $0.value < 32 || $0 == "\\" }) {
            throw ValidationError("The name of a backup has no control characters or backslashes.")
        }
    }

    func run() async throws {
        let source = try await databaseFile().openForReading(anySchema: true)
        do {
            let name = try BackupName(file)
            do { try await make(name, of: source) } catch {
                name.discard()
                throw error
            }
        } catch { throw try failure(error) }
        let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int64
        print("\(file): \(size ?? 0) bytes\(noVerify ? "" : ", checked")")
    }

    private func databaseFile() throws -> DatabaseFile {
        try database.file(instead: "Use pg_basebackup or pg_dump: docs/operate/postgresql.md.")
    }

    private func make(_ name: BackupName, of source: any SQLiteFile) async throws {
        try await source.backup(to: name.part) { done, all in
            printProgress("copied \(done) of \(all) pages")
        }
        if !noVerify { try await check(name, of: source) }
        try name.publish(
            digest: try digest(ofFile: name.part), try FileAccess(of: try databaseFile().path))
    }

    /// A copy that is not whole is of a database that is not, or on a disk that does not keep what
    /// is written.
    private func check(_ name: BackupName, of source: any SQLiteFile) async throws {
        let copied = try await CopyCheck(path: name.part).run()
        if copied.isSound { return }
        let path = try databaseFile().path
        printProgress("the copy is not whole: checking the database itself")
        let found = try await CopyCheck.found(in: source)
        if found.isSound {
            throw Failure(
                """
                No backup was made: the copy is damaged, and \(path) is whole. Check the disk of \
                \(FileMoves.directory(of: file)) and the memory of this machine.
                \(copied.reasons)
                """)
        }
        let isBackup = try databaseFile().checksum != nil
        throw Failure(
            """
            No backup was made: the database \(path) itself is not right.
            \(found.reasons)
            \(found.advice(isDeep: true, isBackup: isBackup))
            To copy it as it is: --no-verify.
            """)
    }

    /// In words that say what can be done.
    private func failure(_ error: any Error) throws -> any Error {
        let path = try databaseFile().path
        let directory = FileMoves.directory(of: file)
        return switch error {
        case NameTaken.isBeingMade:
            Failure("Another backup to \(file) is running. Nothing was changed.")
        case NameTaken.isThere(let name) where name == file:
            Failure("\(file) is there already. Choose another name; nothing was changed.")
        case NameTaken.isThere(let name):
            Failure(
                """
                \(name) is there already, without \(file): a backup that was interrupted at its \
                very end leaves it. Remove it, or choose another name; nothing was changed.
                """)
        case CopyFailure.source(.busy(let detail)):
            Failure("No backup was made: \(path) was busy for too long (\(detail)). Try again.")
        case CopyFailure.source(let error):
            Failure(
                """
                No backup was made: the database \(path) can't be read (\(error.detail)). It or \
                its disk is damaged: see `tribute verify --deep`, and restore the newest backup.
                """)
        case CopyFailure.target(.full(let detail)), SQLError.full(let detail):
            Failure("No backup was made: the disk of \(directory) is full (\(detail)). Make room.")
        case CopyFailure.target(let error):
            Failure(
                """
                No backup was made: the copy can't be written to \(directory) (\(error.detail)). \
                There is no room, or the disk fails.
                """)
        case let error as SQLError: Failure("No backup was made: \(error.detail).")
        default: error
        }
    }
}
