import Foundation
import Ledger
import Synchronization

/// The engine for several nodes: one PostgreSQL server, or a primary with standbys.
///
/// A node writes through one session, batch by batch. Others may write at the same time: the
/// ledger locks the workspaces of its batch first and reads what it decides on after that (READ
/// COMMITTED: each statement sees what was committed before it began), so two batches of one
/// workspace follow each other as they do in one process. Unique keys are the second check.
package final class PostgresDatabase: SQLDatabase {
    private let string: ConnectionString
    private let forms = StatementForms()
    private let readers: ReaderPool
    private let watch: RegistryWatch
    private let statistics: FirstStatistics
    /// Held by whoever writes.
    private let writing = NSLock()
    // Used under the lock only.
    private nonisolated(unsafe) var writer: PostgresConnection?

    /// Connects once, so that a mistake in the string is told at the start.
    ///
    /// - Parameter readSeconds: within which a read must be answered.
    /// - Throws: `SQLError`.
    package init(_ string: ConnectionString, readSeconds: Int = 30) throws {
        self.string = string
        do { writer = try PostgresConnection(string, .writer) } catch {
            throw PostgresError(error).sqlError
        }
        readers = ReaderPool(sessionsMax: 4) {
            try PostgresConnection(string, .reader(seconds: readSeconds))
        }
        watch = RegistryWatch { try PostgresConnection(string, .reader(seconds: 2)) }
        statistics = FirstStatistics { try PostgresConnection(string, .reader(seconds: 60)) }
    }

    /// How far the schema is.
    package enum SchemaState: Sendable { case none, current, other }

    /// - Throws: `SQLError`.
    package func schema() throws -> SchemaState {
        try write { transaction in
            let found = SQLStatement(once: "SELECT 1 WHERE to_regclass('schema_migration') IS NULL")
            if try !transaction.rows(found).isEmpty { return .none }
            return try transaction.isUpToDate() ? .current : .other
        }
    }

    package func registryRevision() async throws -> Int64 { try await watch.revision() }

    package var hasOtherNodes: Bool { true }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLTransaction) throws -> Value
    ) async throws -> Value {
        do {
            return try await readers.run { [forms] connection in
                do {
                    _ = try connection.ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", [])
                    let value = try body(PostgresTransaction(connection, forms))
                    _ = try connection.ask("COMMIT", [])
                    try connection.roundTrip()
                    return value
                } catch {
                    connection.rollBack()
                    throw error
                }
            }
        } catch let error as PostgresError { throw error.sqlError }
    }

    package func close() {
        watch.close()
        statistics.close()
        readers.close()
        writing.lock()
        writer = nil
        writing.unlock()
    }
}

// Writing.
extension PostgresDatabase {
    package func write<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value {
        writing.lock()
        defer { writing.unlock() }
        statistics.begin()
        var attempt = 1
        while true {
            do { return try attemptWrite(body) } catch let failure as WriteFailure {
                guard failure.mayTryAgain, attempt < Self.attemptsMax else {
                    throw failure.error.sqlError
                }
                // Whoever was in the way gets time to end.
                usleep(UInt32.random(in: 500...2_000) << attempt)
                attempt += 1
            }
        }
    }

    /// Conflicts with other nodes end by themselves: whoever tries again sees what they did.
    private static let attemptsMax = 5

    private struct WriteFailure: Error {
        let error: PostgresError
        /// Nothing was committed, and it was not the fault of what was asked.
        let mayTryAgain: Bool
    }

    private func attemptWrite<Value>(
        _ body: (any SQLTransaction) throws -> Value
    ) throws -> Value {
        let wasOpen = writer != nil
        let connection: PostgresConnection
        do { connection = try writer ?? PostgresConnection(string, .writer) } catch {
            throw WriteFailure(error: PostgresError(error), mayTryAgain: false)
        }
        writer = connection
        connection.answerSeconds = SessionRole.writer.answerSeconds
        do {
            _ = try connection.ask("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", [])
            let value = try body(PostgresTransaction(connection, forms))
            try commit(connection)
            return value
        } catch let error as PostgresError {
            leave(connection)
            throw WriteFailure(
                error: error, mayTryAgain: error.isConflict || error.endsConnection && wasOpen)
        } catch {
            leave(connection)
            throw error
        }
    }

    /// One round trip for all that was executed and the commit. If the connection ends in it,
    /// nobody knows whether it was committed: it is not tried again here, and whoever asks again
    /// with the same keys is told what is there.
    private func commit(_ connection: PostgresConnection) throws {
        _ = connection.takeWarnings()
        let end = try connection.ask("COMMIT", [])
        do { try connection.roundTrip() } catch let error as PostgresError {
            guard error.endsConnection else { throw error }
            throw SQLError.unavailable("the connection was lost in a commit: \(error.message)")
        }
        guard end.tag == "COMMIT" else {
            throw SQLError.other("the transaction ended with \(end.tag)")
        }
        // A wait for standbys that was cancelled looks like a commit but for a warning.
        if let warning = connection.takeWarnings().first {
            throw SQLError.unavailable("committed, but not as safely as asked for: \(warning)")
        }
    }

    /// Ends a transaction without its changes.
    private func leave(_ connection: PostgresConnection) {
        connection.rollBack()
        if !connection.isUsable { writer = nil }
    }
}
