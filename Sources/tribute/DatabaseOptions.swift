import ArgumentParser
import Foundation
import Ledger
import SQLiteEngine

/// Where the data is: `--database`, else `TRIBUTE_DATABASE`, else a file in this directory.
struct DatabaseOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the data is: sqlite:PATH, or postgres://USER@HOST/NAME. (env: TRIBUTE_DATABASE; default: sqlite:tribute.db)",
            valueName: "url"))
    var database: String?

    var url: String {
        database ?? ProcessInfo.processInfo.environment["TRIBUTE_DATABASE"] ?? "sqlite:tribute.db"
    }

    /// - Throws: `ValidationError` if the URL names no database.
    func place() throws -> DatabasePlace { try DatabasePlace(url) }

    /// For what can be done with a file only.
    ///
    /// - Parameter instead: what to use with a server.
    func file(instead: String) throws -> DatabaseFile {
        switch try place() {
        case .file(let file): return file
        case .server: throw ValidationError("This is for databases in a file. \(instead)")
        }
    }

    /// The database with its schema up to date, to be written to.
    ///
    /// - Parameter mustExist: refuse to make one, so that a mistyped name does not look like empty
    ///   data.
    func open(mustExist: Bool = false) async throws -> any SQLDatabase {
        try await place().open(mustExist: mustExist)
    }

    /// The database, to be read only. A backup is left as it is, to the byte.
    func openForReading() async throws -> any SQLDatabase {
        let place = try place()
        let database: any SQLDatabase =
            switch place {
            case .file(let file): try await file.openForReading()
            case .server(let server): try await server.openForReading()
            }
        if case .unfinished(let source) = try await database.read({ try $0.moveMark() }) {
            throw unfinishedMove(from: source, to: place.text)
        }
        return database
    }
}

extension SQLDatabase {
    /// - Throws: `Failure` if the data is elsewhere, or not all here yet.
    func demandNoMark(_ place: String) async throws {
        switch try await read({ try $0.moveMark() }) {
        case nil: return
        case .moving(let target):
            throw Failure(
                """
                The data of \(place) is being moved to \(target). If that was interrupted, run it \
                again: tribute move --from \(quoted(place)) --to \(quoted(target)). To give it up, \
                and go on with this one: tribute move --unmark --from \(quoted(place))
                """)
        case .moved(let target):
            throw Failure(
                """
                The data of \(place) was moved to \(target). Start with that one. To go on with \
                this one: tribute move --unmark --from \(quoted(place))
                """)
        case .unfinished(let source): throw unfinishedMove(from: source, to: place)
        }
    }
}

func unfinishedMove(from source: String, to target: String) -> Failure {
    Failure(
        """
        The move from \(source) to \(target) was not finished. Run it again: \
        tribute move --from \(quoted(source)) --to \(quoted(target)). To give it up, remove \
        \(target) (the file, the database or the schema) and go on with the other: \
        tribute move --unmark --from \(quoted(source))
        """)
}
