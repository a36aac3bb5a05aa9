import Attribution

/// A batch on its way through one transaction, and the answers to those whose commands are in it.
///
/// One bad command never fails its neighbours: if the schema refuses the batch, each command is
/// tried alone. A database that can't be used fails them all at once.
struct Attempt {
    private var entries: [CommitQueue.Entry]
    private let committer: Committer

    init(_ entries: [CommitQueue.Entry], _ committer: Committer) {
        (self.entries, self.committer) = (entries, committer)
    }

    /// Takes along what may join so many that are there.
    typealias Latecomers = @Sendable (WorkspaceNames, Int) -> [CommitQueue.Entry]

    /// Commits and answers.
    ///
    /// - Returns: what holds afterwards.
    @discardableResult
    mutating func commit(
        besides kept: KeptFacts = KeptFacts(), _ latecomers: Latecomers
    ) -> KeptFacts {
        guard !entries.isEmpty else { return kept }
        do {
            let committed = try committer.commit(
                entries.map(\.submission),
                { names in
                    let late = latecomers(names, entries.count)
                    entries += late
                    return late.map(\.submission)
                }, besides: kept)
            answer(committed.results)
            return committed.kept
        } catch {
            fail(error)
            return KeptFacts()
        }
    }

    func answer(_ results: [Result<Outcome, LedgerError>]) {
        for (entry, result) in zip(entries, results) { entry.answer(result) }
    }

    /// Answers after a transaction that failed.
    func fail(_ error: any Error) {
        let failure = LedgerError(error)
        guard entries.count > 1, error is SQLError, case .defect = failure else {
            for entry in entries { entry.answer(.failure(failure)) }
            return
        }
        for entry in entries { entry.answer(resultAlone(of: entry.submission)) }
    }

    private func resultAlone(of submission: Submission) -> Result<Outcome, LedgerError> {
        do {
            return try committer.commit([submission], { _ in [] }, besides: KeptFacts()).results[0]
        } catch { return .failure(LedgerError(error)) }
    }
}
