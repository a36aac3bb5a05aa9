import ArgumentParser
import Attribution
import Foundation
import Ledger
import SQLiteEngine
import Wire

/// Where the data is: `--database`, else `TRIBUTE_DATABASE`, else a file in this directory.
struct DatabaseOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the data is: sqlite:PATH. (env: TRIBUTE_DATABASE; default: sqlite:tribute.db)",
            valueName: "url"))
    var database: String?

    var url: String {
        database ?? ProcessInfo.processInfo.environment["TRIBUTE_DATABASE"] ?? "sqlite:tribute.db"
    }

    /// What is wrong with the URL; nil if nothing is.
    static func mistake(in url: String) -> String? {
        if url.hasPrefix("sqlite:"), url.count > "sqlite:".count { return nil }
        if url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") {
            return "--database: PostgreSQL is not supported yet; use sqlite:PATH"
        }
        return "--database: '\(url)' is not a database URL; use sqlite:PATH, e.g. sqlite:tribute.db"
    }

    /// The file's path.
    ///
    /// - Throws: `ValidationError` if the URL names none.
    func path() throws -> String {
        if let mistake = Self.mistake(in: url) { throw ValidationError(mistake) }
        return String(url.dropFirst("sqlite:".count))
    }

    /// The checksum beside the file, which says that it is a backup: opened as a database its bytes
    /// would change, and it would be taken for damaged. nil for any other file.
    func checksum() throws -> String? { BackupChecksum(of: try path())?.file }

    private func demandNoBackup() throws {
        guard let checksum = try checksum() else { return }
        let path = try path()
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
            nothing was changed. Restore it first: tribute restore \(path) --database sqlite:PATH. \
            If it is to be a database from now on, remove \(checksum).
            """)
    }

    /// Keeps the file from being replaced, or others from using it, for as long as the value lives.
    func lock(_ kind: FileLock.Kind) throws -> FileLock {
        let path = try path()
        try demandNoBackup()
        do throws(FileLockError) { return try FileLock(path: path, kind) } catch {
            switch error {
            case .taken:
                throw Failure(
                    kind == .shared
                        ? "The database \(path) is being restored. Start the server when that is done."
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
    func open(mustExist: Bool = false) throws -> SQLiteDatabase {
        try demandNoBackup()
        if mustExist { try demandFile() }
        try demandOwn(isRead: false)
        return try opened(migrates: true)
    }

    /// The database, to be read only. A backup is left as it is, to the byte.
    ///
    /// - Parameter anySchema: leave the schema of a database as it is, and take any.
    func openForReading(anySchema: Bool = false) async throws -> any SQLiteFile {
        try demandFile()
        try demandOwn(isRead: true)
        guard try checksum() != nil else { return try opened(migrates: !anySchema) }
        let path = try path()
        do {
            let backup = try SealedFile(path: path)
            if !anySchema { try await demandSchema(of: backup) }
            return backup
        } catch { throw failure(error) }
    }

    private func demandFile() throws {
        let path = try path()
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
        let path = try path()
        // What can't be looked into is told of when it is opened.
        switch try? FileContent(ofFile: path, isSealed: try checksum() != nil) {
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
            let path = try path()
            let database = try SQLiteDatabase(path: path)
            if migrates, let obstacle = try database.bringUpToDate() {
                printError("\(path) can only be read for now: \(obstacle.detail)")
            }
            return database
        } catch { throw failure(error) }
    }

    /// A backup's schema can't be brought up to date.
    private func demandSchema(of backup: SealedFile) async throws {
        let newest = SQLStatement("SELECT max(version) FROM schema_migration")
        let found = try await backup.read { try $0.rows(newest).first?.optionalInteger(0) } ?? 0
        let known = Migration.all.last?.version ?? 0
        if found > known { throw MigrationError.newerSchema(found: found, known: known) }
        guard found < known else { return }
        let path = try path()
        throw Failure(
            """
            The backup \(path) has the schema version \(found) of an older tribute, this one reads \
            version \(known). A backup is not changed: restore it to another place \
            (tribute restore \(path) --database sqlite:PATH) and use that, which brings it up to \
            date.
            """)
    }

    /// What a person can do about a file that can't be opened.
    private func failure(_ error: any Error) -> any Error {
        let path = (try? path()) ?? url
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

/// A message for the person at the terminal; ends the program with status 1.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension Ledger {
    /// Commits one command of the command line; what is refused becomes a message.
    func perform(_ command: Command) async throws -> Outcome {
        let outcome: Outcome
        do throws(LedgerError) { outcome = try await submit(command) } catch {
            throw Failure("The database could not be written (\(error)). Nothing was changed.")
        }
        if case .refused(let refusal) = outcome { throw Failure(refusal.message) }
        return outcome
    }
}

extension Refusal {
    /// What to tell the person at the terminal.
    var message: String {
        switch self {
        case .slugTaken(let slug):
            "A workspace with the slug '\(slug)' exists already. See `tribute workspace list`."
        case .workspaceNotFound(let slug):
            "There is no workspace '\(slug)'. See `tribute workspace list`."
        case .tokenNotFound(let id):
            "This workspace has no token '\(id)'. See `tribute token list`."
        case .tokenLimitReached(let max):
            "A workspace can have at most \(max) tokens. Revoke one that is not used any more."
        case .clickRequired: "the customer is unknown and no clickId is given"
        case .clickIDTaken(let id): "the click id \(id) belongs to a click of another link"
        case .clickNotFound(let id): "there is no click \(id)"
        case .linkOfClickNotFound(let id): "the link of click \(id) is gone"
        case .linkOfClickForeign(_, let id): "click \(id) belongs to another workspace"
        case .linkOfClickDisabled(let link, let id, _): "link \(link) of click \(id) is disabled"
        case .linkOfCustomerNotFound: "the customer has no link"
        case .linkOfCustomerDisabled(let link, _): "the customer's link \(link) is disabled"
        case .leadNotFound(_, let name):
            name.map { "the customer has no lead named '\($0)' by then" }
                ?? "the customer has no lead by then"
        case .linkNotFound: "there is no such link"
        case .totalTooLarge: "a total would no longer fit"
        default: "refused: \(self)"
        }
    }
}

/// Prints one JSON object on a line of its own.
func printJSON(_ members: (inout JSONWriter) -> Void) {
    var writer = JSONWriter()
    writer.object(members)
    print(writer.text)
}

/// Tells whoever watches how far a long command is; says nothing where nobody does.
func printProgress(_ text: String) {
    if isatty(2) == 1 { printError(text) }
}

func printError(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
