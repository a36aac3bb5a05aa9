import ArgumentParser
import Foundation
import Ledger
import SQLiteEngine

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup in the place of the database.",
        discussion: """
            Stop the server first: unlike the other commands, this one can't run beside it. The \
            backup is checked before anything is touched, and is not changed; a database \
            that is there already is replaced only with --force, and kept beside as \
            NAME.replaced-TIME. What was recorded after the backup is not in it: calls that were \
            acknowledged since must be sent again, which their invoiceId makes safe.

            Mode and owner stay those of the database that is replaced, the owner as far as the \
            system permits. Where there is none the mode is the backup's, and the owner who runs \
            this: run it as the server's user.

              tribute restore /backups/tribute-2026-11-26.db --database sqlite:tribute.db --force
            """)

    @Argument(help: "A file that `tribute backup` made.") var file: String
    @Flag(help: "Replace the database that is there; it is kept under another name.")
    var force = false
    @OptionGroup var database: DatabaseOptions

    private func databaseFile() throws -> DatabaseFile {
        try database.file(instead: "Servers have their own tools: docs/operate/postgresql.md.")
    }

    func run() async throws {
        let lock = try databaseFile().lock(.exclusive)
        defer { withExtendedLifetime(lock) {} }
        // A link leads to the file that is replaced, and whose log lies beside it.
        let path = FileMoves.target(of: try databaseFile().path)
        guard FileManager.default.fileExists(atPath: file) else {
            throw Failure("There is no file \(file).")
        }
        guard FileMoves.isRegular(file) else { throw Failure("\(file) is no file of a backup.") }
        let isThere = FileManager.default.fileExists(atPath: path)
        if isThere, !FileMoves.isRegular(path) {
            throw Failure("\(path) is no file that could be replaced. Check --database.")
        }
        if isThere, !force {
            throw Failure(
                "There is a database at \(path). To replace it say --force; it is kept beside.")
        }
        let part = path + ".restoring"
        try? FileManager.default.removeItem(atPath: part)
        do {
            try checkDigest()
            // Before it has its name, so that the server can open it as soon as it is there.
            try FileMoves.copy(file, to: part, isThere ? FileAccess(of: path) : nil)
            try await checkContent(part)
            let hasLog = FileManager.default.fileExists(atPath: path + "-wal")
            let kept = isThere || hasLog ? try setAside(path) : nil
            // Also one whose file is gone.
            for suffix in ["-wal", "-shm", "-journal"] {
                try? FileManager.default.removeItem(atPath: path + suffix)
            }
            try FileMoves.rename(part, to: path)
            print("\(path) is \(file) again\(kept.map { "; the one before is \($0)" } ?? "")")
        } catch {
            try? FileManager.default.removeItem(atPath: part)
            switch error {
            case let error as SQLError: throw Failure("Nothing was restored: \(error.detail).")
            case NameTaken.isThere(let name):
                throw Failure("Nothing was restored: \(name) is there already.")
            default: throw error
            }
        }
    }

    private func checkDigest() throws {
        guard let checksum = BackupChecksum(of: file) else {
            printError("There is no \(file).sha256: only the content is checked.")
            return
        }
        if let mistake = try checksum.mistake() {
            throw Failure(
                "Nothing was restored: \(mistake). It is damaged; take another backup.")
        }
    }

    private func checkContent(_ part: String) async throws {
        let found = try await CopyCheck(path: part).run()
        if found.isSound { return }
        throw Failure(
            "Nothing was restored: \(file) is damaged, or no backup.\n\(found.reasons)")
    }

    /// Copies what is there, log included, and then leaves the old file complete without a log:
    /// with another file a log would be read as that one's. At every moment there is a whole
    /// database.
    private func setAside(_ path: String) throws -> String {
        let name = "\(path).replaced-\(Int(Date().timeIntervalSince1970))"
        let names = [name] + (2...100).map { "\(name)-\($0)" }
        let kept = names.first { !FileMoves.isThere($0) && !FileMoves.isThere($0 + "-wal") } ?? name
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileMoves.copy(path + suffix, to: kept + suffix)
        }
        // One that is too damaged to be opened can't be completed; its copy is all there is.
        if FileManager.default.fileExists(atPath: path), let old = try? SQLiteDatabase(path: path) {
            try? old.close()
        }
        return kept
    }
}
