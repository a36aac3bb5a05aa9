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

    /// Keeps the file from being replaced, or others from using it, for as long as the value lives.
    func lock(_ kind: FileLock.Kind) throws -> FileLock {
        let path = try path()
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

    /// The database with its schema up to date.
    ///
    /// - Parameter mustExist: refuse to make a file, so that a mistyped path does not look like
    ///   empty data.
    /// - Parameter migrates: false leaves the schema as it is.
    func open(mustExist: Bool = false, migrates: Bool = true) throws -> SQLiteDatabase {
        let path = try path()
        if mustExist, !FileManager.default.fileExists(atPath: path) {
            throw Failure(
                "There is no database at \(path). Start the server or `tribute demo` once, or check --database."
            )
        }
        do {
            let database = try SQLiteDatabase(path: path)
            if migrates, let obstacle = try database.bringUpToDate() {
                printError("\(path) can only be read for now: \(obstacle.detail)")
            }
            return database
        } catch let error as MigrationError {
            throw Failure("\(error)")
        } catch SQLError.corrupt(let detail) {
            throw Failure(
                """
                \(path) is not a database of Tribute, or is damaged (\(detail)). If it was one: \
                keep a copy, and restore the newest backup with `tribute restore`.
                """)
        } catch SQLError.full(let detail) {
            throw Failure(
                "The disk of \(path) is full (\(detail)). Make room: the log needs 100 MB at times."
            )
        } catch let error as SQLError {
            throw Failure(
                """
                The database \(path) can't be opened (\(error.detail)). The directory must exist; \
                it and the file must be writable, for verifying and listing too.
                """)
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
