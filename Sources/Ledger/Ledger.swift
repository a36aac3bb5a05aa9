import Attribution

/// The one store. Writes go through `submit`, which answers when the change is durable; everything
/// else reads.
package final class Ledger: Sendable {
    package let database: any SQLDatabase
    private let queue: CommitQueue

    package init(
        database: any SQLDatabase, limits: Limits = Limits(),
        onBatch: @escaping @Sendable (BatchReport) -> Void = { _ in },
        onFailure: @escaping @Sendable (any Error) -> Void = { _ in }
    ) {
        self.database = database
        queue = CommitQueue(
            limits: limits,
            committer: Committer(database: database, onBatch: onBatch, onFailure: onFailure))
    }

    /// Decides the command and commits its changes. Once accepted, a command commits even if the
    /// caller goes away.
    ///
    /// - Throws: `LedgerError`. `overloaded` and `stopped` changed nothing.
    package func submit(_ command: Command) async throws(LedgerError) -> Outcome {
        try await queue.submit(command)
    }

    /// The same for many, one result each; they commit in their order.
    package func submit(
        _ commands: [Command]
    ) async throws(LedgerError) -> [Result<Outcome, LedgerError>] {
        try await queue.submit(commands)
    }

    /// The same for one, of a caller whose rights were looked up at a revision of the registry: if
    /// anything of the kind has changed by the commit, the answer is `outdated`.
    ///
    /// - Parameter answer: called once, on this thread or another.
    package func submit(
        _ command: Command, ifRegistryIsAt revision: Int64,
        _ answer: @escaping @Sendable (Result<Outcome, LedgerError>) -> Void
    ) {
        queue.submit(Submission(command: command, registryRevision: revision), answer)
    }

    /// Takes a command whose outcome nobody waits for, if half of the queue is free: those that are
    /// waited for find the other half. It commits before whatever is submitted after it.
    ///
    /// - Parameter answer: called once with what became of it, if it was accepted.
    /// - Returns: why it was not accepted.
    package func accept(
        _ command: Command, _ answer: @escaping @Sendable (Result<Outcome, LedgerError>) -> Void
    ) -> LedgerError? {
        queue.accept(Submission(command: command), answer)
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLTransaction) throws -> Value
    ) async throws -> Value {
        try await database.read(body)
    }

    /// Commands that wait to be committed.
    package var queueDepth: Int { queue.depth }

    /// Commits what was accepted, refuses what comes, and returns when nothing is left.
    package func stop() async { await queue.stop() }
}

/// What one transaction did, for metrics.
package struct BatchReport: Sendable {
    package let size: Int
    package let duration: Duration
}

package enum LedgerError: Error, Equatable {
    /// The queue is full, or the command waited too long. Nothing was recorded.
    case overloaded
    /// The server is shutting down. Nothing was recorded.
    case stopped
    /// The database can't be used now. Nothing was recorded, unless the failure was in the last
    /// step of a commit: the same request again settles it.
    case unavailable(String)
    /// What the caller knew of the registry does not hold any more. Nothing was recorded.
    case outdated
    /// A defect: the schema refused what the rules allowed. Nothing was recorded.
    case defect(String)
}
