import Attribution

/// The whole way of a batch: load, decide, apply, commit.
struct Committer: Sendable {
    let database: any SQLDatabase
    let onBatch: @Sendable (BatchReport) -> Void
    let onFailure: @Sendable (any Error) -> Void

    /// Takes those that wait now and are about nothing but what is named, for the batch at hand.
    typealias Latecomers = (WorkspaceNames) -> [Submission]

    /// What has been committed: a result for each submission, latecomers last, and what holds
    /// afterwards.
    typealias Committed = (results: [Result<Outcome, LedgerError>], kept: KeptFacts)

    /// - Parameter kept: what an earlier batch has left; used if nobody has written since.
    func commit(
        _ submissions: [Submission], _ latecomers: Latecomers, besides kept: KeptFacts
    ) throws -> Committed {
        // What was taken along stays in the batch if the transaction is run again.
        var submissions = submissions
        return try reporting { database in
            try database.write { transaction in
                let names = WorkspaceNames(submissions.lazy.map(\.command))
                try transaction.lock(.workspaces(names))
                // While one node waited for another one, more has come that is about the same.
                submissions += latecomers(names)
                let facts = kept.take(at: transaction.history)
                var batch = Batch(transaction: transaction, facts: facts)
                try batch.perform(submissions)
                let after = KeptFacts(batch.takeFacts(), after: transaction.history)
                return (batch.results, after)
            }
        }
    }

    /// Tells of what a transaction did, or why it failed.
    private func reporting(_ body: (any SQLDatabase) throws -> Committed) throws -> Committed {
        let start = ContinuousClock.now
        do {
            let committed = try body(database)
            onBatch(
                BatchReport(
                    size: committed.results.count, duration: ContinuousClock.now - start))
            return committed
        } catch {
            if !(error is OthersHaveWritten) { onFailure(error) }
            throw error
        }
    }

    /// Writes what was decided before, if nothing was written since `kept` was.
    ///
    /// - Parameter onApplied: called when all that is left is to commit.
    /// - Returns: nil if others have written.
    func commit(
        _ decided: Decided, after kept: KeptFacts, onApplied: () -> Void
    ) throws -> Committed? {
        do {
            return try reporting { database in
                try database.write { transaction in
                    guard kept.holds(at: transaction.history) else { throw OthersHaveWritten() }
                    try ChangeWriter.apply(decided.changes, transaction)
                    onApplied()
                    return (decided.results, KeptFacts(Facts(), after: transaction.history))
                }
            }
        } catch is OthersHaveWritten {
            return nil
        }
    }
}

private struct OthersHaveWritten: Error {}
