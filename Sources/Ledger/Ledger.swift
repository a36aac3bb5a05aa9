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
        let kept = KeptFacts(countMax: limits.keptFactsMax)
        queue = CommitQueue(limits: limits) { commands, latecomers in
            do { return try Self.commit(commands, latecomers, database, kept, onBatch) } catch {
                onFailure(error)
                throw error
            }
        }
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

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLTransaction) throws -> Value
    ) async throws -> Value {
        try await database.read(body)
    }

    /// Commands that wait to be committed.
    package var queueDepth: Int { queue.depth }

    /// Commits what was accepted, refuses what comes, and returns when nothing is left.
    package func stop() async { await queue.stop() }

    // The whole way of a batch: load, decide, apply, commit.
    private static func commit(
        _ commands: [Command], _ latecomers: CommitQueue.Latecomers, _ database: any SQLDatabase,
        _ kept: KeptFacts, _ onBatch: @Sendable (BatchReport) -> Void
    ) throws -> [Outcome] {
        let start = ContinuousClock.now
        var commands = commands
        var facts = Facts()
        var history: WriteHistory?
        let outcomes = try database.write { transaction in
            let names = WorkspaceNames(commands)
            try transaction.lock(.workspaces(names))
            // While one node waited for another one, more has come that is about the same.
            commands += latecomers(names)
            history = transaction.history
            facts = kept.take(at: history)
            return try parts(of: commands).flatMap { try perform($0, transaction, &facts) }
        }
        kept.keep(facts, after: history)
        onBatch(BatchReport(size: commands.count, duration: ContinuousClock.now - start))
        return outcomes
    }

    /// - Parameter facts: some that hold before, and hold after.
    private static func perform(
        _ commands: ArraySlice<Command>, _ transaction: any SQLTransaction, _ facts: inout Facts
    ) throws -> [Outcome] {
        let standsAlone = commands.first?.standsAlone == true
        // Moved, because a copy in two places would be copied in full by the first change.
        var known = Facts()
        swap(&known, &facts)
        facts = try FactsLoader.load(
            commands, transaction, besides: standsAlone ? Facts() : consume known)
        var outcomes: [Outcome] = []
        var changes: [Change] = []
        outcomes.reserveCapacity(commands.count)
        for command in commands {
            let decision = decide(command, facts)
            for change in decision.changes { facts.absorb(change) }
            changes += decision.changes
            outcomes.append(decision.outcome)
        }
        if !changes.isEmpty { try ChangeWriter.apply(changes, transaction) }
        // Others may know by another name what was changed: it is not absorbed.
        if standsAlone { facts = Facts() }
        return outcomes
    }

    /// Events side by side are decided together; whatever stands alone is a part of its own.
    private static func parts(of commands: [Command]) -> [ArraySlice<Command>] {
        var parts: [ArraySlice<Command>] = []
        var start = 0
        for (index, command) in commands.enumerated() where command.standsAlone {
            if start < index { parts.append(commands[start..<index]) }
            parts.append(commands[index...index])
            start = index + 1
        }
        if start < commands.count { parts.append(commands[start...]) }
        return parts
    }
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
    /// A defect: the schema refused what the rules allowed. Nothing was recorded.
    case defect(String)
}
