import Attribution

/// Decides sales while those before them are written (`WritingThread`), on a snapshot of what is
/// there and what was decided since. All else, which a busy server gets less of, waits until
/// everything before it is written, and is decided in its own transaction.
///
/// Whatever a decision has changed is among the facts from then on: what is not, nothing that waits
/// to be written has touched, and the snapshot is right about it.
struct Decider {
    private let database: any SingleWriterDatabase
    private let writer: WritingThread
    private let keptFactsMax: Int
    private var facts = Facts()
    private var history: WriteHistory?
    private var generation = -1
    private var number = 0
    /// Invoices that may be in no snapshot yet, with the number of what they were handed over in.
    private var invoices: [(number: Int, keys: [InvoiceKey])] = []
    /// The last number of each.
    private var lastNumbers: [InvoiceKey: Int] = [:]

    init(_ database: any SingleWriterDatabase, _ writer: WritingThread, keptFactsMax: Int) {
        (self.database, self.writer, self.keptFactsMax) = (database, writer, keptFactsMax)
    }

    /// - Parameter latecomers: joins what is decided in its own transaction.
    mutating func take(
        _ entries: [CommitQueue.Entry], _ latecomers: @escaping Attempt.Latecomers
    ) {
        guard !entries.isEmpty else { return }
        if generation != writer.generation { settle() }
        if facts.isLarger(than: keptFactsMax) {
            settle()
            forgetPassing()
        }
        if entries.allSatisfy({ $0.submission.command.isDecidedAhead }), decide(entries) {
            return
        }
        settle()
        writer.put(
            .undecided(
                Undecided(
                    entries: entries, kept: KeptFacts(take(), after: history),
                    latecomers: latecomers)))
        settle()
    }

    /// Waits until everything is written, and starts from what is there.
    private mutating func settle() {
        let kept: KeptFacts
        let before = generation
        (kept, generation, history) = writer.settled()
        guard generation != before else { return }
        facts = kept.take()
        forgetPassing()
    }

    /// Once everything is written.
    private mutating func forgetPassing() {
        facts.forgetPassing(countMax: keptFactsMax)
        (invoices, lastNumbers) = ([], [:])
    }

    /// Moved, because a copy in two places would be copied in full by the first change.
    private mutating func take() -> Facts {
        var taken = Facts()
        swap(&taken, &facts)
        return taken
    }

    /// - Returns: false if the database could not be read.
    private mutating func decide(_ entries: [CommitQueue.Entry]) -> Bool {
        forgetWritten()
        let submissions = entries.map(\.submission)
        do {
            let decided = try database.readHere { transaction in
                var batch = Batch(transaction: transaction, facts: take())
                let changes = try batch.decided(submissions[...])
                facts = batch.takeFacts()
                number += 1
                return Decided(
                    entries: entries, results: batch.results, changes: changes,
                    generation: generation, number: number)
            }
            let keys = submissions.compactMap(\.command.invoice)
            invoices.append((number, keys))
            for key in keys { lastNumbers[key] = number }
            writer.put(.decided(decided))
            return true
        } catch {
            // What is known is lost with the batch; the next one loads it again.
            facts = Facts()
            return false
        }
    }

    /// A snapshot that is taken from now on has these invoices.
    private mutating func forgetWritten() {
        let written = writer.writtenNumber
        let old = invoices.prefix { $0.number <= written }
        for (number, keys) in old {
            // One that was named again may have been recorded only then.
            let over = keys.filter { lastNumbers[$0] == number }
            for key in over { lastNumbers[key] = nil }
            facts.forget(over)
        }
        invoices.removeFirst(old.count)
    }
}

extension Command {
    fileprivate var invoice: InvoiceKey? {
        if case .recordSale(let sale) = self { sale.invoice } else { nil }
    }

    fileprivate var isDecidedAhead: Bool {
        // A sale by a click may make a customer and a lead, about whom the snapshot would say that
        // they are not there.
        guard case .recordSale(let sale) = self else { return false }
        return sale.clickID == nil && sale.call?.retriedAt == nil
    }
}
