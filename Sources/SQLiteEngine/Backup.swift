import GRDB
import Ledger

/// What could not be read or written while a database was copied.
package enum CopyFailure: Error {
    case source(SQLError)
    case target(SQLError)
}

extension SQLiteFile {
    /// Copies one moment of the database, while the server goes on, over an empty file. The copy
    /// is on disk when this returns. Meanwhile the log grows by what is written.
    ///
    /// - Parameter progress: pages copied, and pages in all.
    /// - Throws: `CopyFailure`.
    package func backup(
        to path: String, progress: @escaping @Sendable (_ done: Int, _ all: Int) -> Void
    ) async throws {
        let target: DatabaseQueue
        do { target = try openedForCopy(path) } catch {
            throw CopyFailure.target(SQLError(error))
        }
        do {
            try await reading { source in
                try target.writeWithoutTransaction { copy in
                    do {
                        try source.backup(to: copy, pagesPerStep: pagesPerStep) {
                            progress($0.completedPageCount, $0.totalPageCount)
                        }
                    } catch let error as DatabaseError {
                        throw error.isOfReading
                            ? CopyFailure.source(SQLError(error))
                            : CopyFailure.target(SQLError(error))
                    }
                }
            }
        } catch {
            try? target.close()
            throw (error as? SQLError).map { CopyFailure.source($0) } ?? error
        }
        do {
            try target.close()
            try FileMoves.synchronize(path)
        } catch { throw CopyFailure.target(error as? SQLError ?? SQLError(error)) }
    }
}

/// Pages copied between two calls of `progress`: 8 MiB.
private let pagesPerStep: CInt = 2_048

/// Without a journal, for nobody rolls a copy back, and without SQLite's locks, for it has its own.
private func openedForCopy(_ path: String) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.prepareDatabase { connection in
        try connection.execute(
            sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
    }
    return try DatabaseQueue(path: fileURI(path, "nolock=1"), configuration: configuration)
}

extension DatabaseError {
    /// Only the source is read while it is copied.
    fileprivate var isOfReading: Bool {
        [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_BUSY].contains(resultCode)
            || [.SQLITE_IOERR_READ, .SQLITE_IOERR_SHORT_READ].contains(extendedResultCode)
    }
}
