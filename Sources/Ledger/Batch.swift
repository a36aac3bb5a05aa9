import Attribution

/// A command, and the revision of the registry that it must find.
struct Submission: Sendable {
    let command: Command
    /// nil: any.
    var registryRevision: Int64?
}

/// What happens within one transaction: load, decide, apply.
struct Batch {
    let transaction: any SQLTransaction
    /// What holds now.
    private(set) var facts: Facts
    /// One for each submission.
    private(set) var results: [Result<Outcome, LedgerError>] = []
    /// Read when first asked for.
    private var registryRevision: Int64?

    init(transaction: any SQLTransaction, facts: consuming Facts) {
        self.transaction = transaction
        self.facts = consume facts
    }

    /// Events side by side are decided together; whatever stands alone is a part of its own.
    mutating func perform(_ submissions: [Submission]) throws {
        results.reserveCapacity(submissions.count)
        var rest = submissions[...]
        while let first = rest.first {
            let part =
                first.command.standsAlone
                ? rest.prefix(1) : rest.prefix { !$0.command.standsAlone }
            rest = rest[part.endIndex...]
            try perform(part: part)
        }
    }

    private mutating func perform(part: ArraySlice<Submission>) throws {
        let changes = try decided(part)
        if !changes.isEmpty { try ChangeWriter.apply(changes, transaction) }
        if part.first?.command.standsAlone == true {
            // Others may know by another name what was changed: it is not absorbed.
            facts = Facts()
            registryRevision = nil
        }
    }

    /// Moves the facts out.
    mutating func takeFacts() -> Facts {
        var taken = Facts()
        swap(&taken, &facts)
        return taken
    }

    /// Decides commands; their changes are not applied.
    mutating func decided(_ part: ArraySlice<Submission>) throws -> [Change] {
        let standsAlone = part.first?.command.standsAlone == true
        var commands: [Command] = []
        commands.reserveCapacity(part.count)
        for submission in part where try !isOutdated(submission) {
            commands.append(submission.command)
        }
        // Moved, because a copy in two places would be copied in full by the first change.
        var known = Facts()
        swap(&known, &facts)
        facts = try FactsLoader.load(
            commands[...], transaction, besides: standsAlone ? Facts() : consume known)
        var changes: [Change] = []
        for submission in part {
            if try isOutdated(submission) {
                results.append(.failure(.outdated))
                continue
            }
            let decision = decide(submission.command, facts)
            for change in decision.changes { facts.absorb(change) }
            changes += decision.changes
            results.append(.success(decision.outcome))
        }
        return changes
    }

    private mutating func isOutdated(_ submission: Submission) throws -> Bool {
        guard let expected = submission.registryRevision else { return false }
        if let registryRevision { return registryRevision != expected }
        let found = try transaction.rows(RegistryStatements.revision).first?.integer(0)
        registryRevision = found
        return found != expected
    }
}
