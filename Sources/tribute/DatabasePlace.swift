import ArgumentParser
import Ledger
import SQLiteEngine

/// What a database's URL leads to.
enum DatabasePlace {
    case file(DatabaseFile)
    case server(DatabaseServer)

    /// - Throws: `ValidationError`, which never repeats a password.
    init(_ url: String) throws {
        if url.hasPrefix("sqlite:"), url.count > "sqlite:".count {
            self = .file(DatabaseFile(path: String(url.dropFirst("sqlite:".count))))
        } else if url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") {
            self = .server(try DatabaseServer(url))
        } else {
            throw ValidationError(
                """
                --database: '\(url.prefix { $0.isLetter || $0.isNumber })…' is not a database URL; \
                use sqlite:PATH, e.g. sqlite:tribute.db, or postgres://USER@HOST:PORT/NAME
                """)
        }
    }

    /// Keeps servers away for as long as the value lives; nil for a server, which says itself who
    /// is there.
    func lockAlone() throws -> FileLock? {
        switch self {
        case .file(let file): return try file.lock(.exclusive)
        case .server(let server):
            try server.demandNobodyElse()
            return nil
        }
    }

    /// The database with its schema up to date, to be written to.
    ///
    /// - Parameters:
    ///   - mustExist: refuse to make one.
    ///   - anyMark: whatever mark a move has left.
    func open(mustExist: Bool = false, anyMark: Bool = false) async throws -> any SQLDatabase {
        switch self {
        case .file(let file): try await file.open(mustExist: mustExist, anyMark: anyMark)
        case .server(let server): try await server.open(mustExist: mustExist, anyMark: anyMark)
        }
    }

    /// For people and logs, without a password.
    var text: String {
        switch self {
        case .file(let file): file.text
        case .server(let server): server.text
        }
    }

    /// The same from whichever directory.
    var fullText: String {
        switch self {
        case .file(let file): file.fullText
        case .server(let server): server.text
        }
    }

    /// Equal where the data is the same, however it is reached.
    var identity: String {
        switch self {
        case .file: fullText
        case .server(let server): server.identity
        }
    }
}
