import Attribution
import Integrations
import Ledger

extension Simulator {
    /// Submits a batch until it is answered, as a client would that gets an error: whatever went
    /// wrong, all of the batch is in the database or nothing is.
    mutating func post(
        _ batch: [Command], _ random: inout SplitMix, hasFaults: Bool, isSwapped: Bool = false
    ) async throws {
        let marker = workload.marker()
        var commands = batch + [.recordClick(marker)]
        var trouble =
            hasFaults && random.chance(30) ? random.pick(Trouble.allCases) : nil
        var (attempt, pauses) = (0, 0)
        var aim = random.next()
        while true {
            // How often an engine makes the client wait is a matter of time: it uses no numbers up.
            var dice = SplitMix(seed: aim)
            trouble?.arm(machine, &dice)
            var answers = try await submit(commands)
            let hits = machine.disarm()
            if isSwapped { Self.swap(&answers) }
            if hits > 0, let trouble { summary.faults[trouble.rawValue, default: 0] += 1 }
            let failed = answers.filter { $0.hasPrefix("error ") }.count
            if failed == 0 {
                try accept(commands, answers)
                if let outage = trouble?.outage { try await goDown(outage, trouble) }
                break
            }
            if hits == 0, attempt > 0, failed == answers.count, pauses < 10 {
                // An engine whose disk has failed does not try again at once.
                try await Task.sleep(for: .milliseconds(100))
                pauses += 1
                continue
            }
            guard hits > 0, let now = trouble, failed == answers.count else {
                throw Finding(
                    "\(failed) of \(answers.count) commands failed "
                        + (trouble.map { "with \($0.rawValue), " } ?? "without a fault, ")
                        + "the first: \(reason ?? answers[0])")
            }
            commands = try await settle(commands, now)
            attempt += 1
            summary.reposts += 1
            if now == .syncLoss { outageIn = random.int(1..<5) }
            trouble = next(after: now, attempt, &random)
            aim = random.next()
        }
        try await afterwards(commands, &random)
    }

    private func next(
        after trouble: Trouble, _ attempt: Int, _ random: inout SplitMix
    ) -> Trouble? {
        if attempt >= 4 { return nil }
        // A disk stays full for a while.
        if trouble == .diskFull, random.chance(60) { return .diskFull }
        return random.chance(25) ? random.pick(Trouble.allCases) : nil
    }

    private mutating func submit(_ commands: [Command]) async throws -> [String] {
        summary.commands += commands.count
        summary.batches += 1
        do {
            let results = try await machine.ledger.submit(commands)
            reason = results.lazy.compactMap(\.failure).first
            return results.map(\.words)
        } catch {
            throw Finding("the ledger does not take commands: \(error)")
        }
    }

    /// Every command was answered: as the model answers it?
    private mutating func accept(_ commands: [Command], _ answers: [String]) throws {
        for (index, command) in commands.enumerated() {
            let expected = model.answer(to: command)
            auditor.note(command, answer: expected)
            journal.note(command, answers[index])
            summary.answers[Self.kind(of: answers[index]), default: 0] += 1
            guard asciiText(answers[index]) == asciiText(expected) else {
                throw Finding(
                    """
                    command \(index + 1) of \(commands.count) was answered differently
                      ledger: \(answers[index])
                      model:  \(expected)
                      command: \(command)
                    """)
            }
        }
    }

    /// An answer without what is in it.
    private static func kind(of answer: String) -> String {
        let words = answer.split(separator: " ").map(String.init)
        let plain = ["again", "ignored", "deferred"]
        if words.count > 1, words[0] == "refused" || plain.contains(words[1]) {
            return words[0] + " " + words[1]
        }
        return words.last == "again" ? "click again" : words[0]
    }

    /// After an error: the machine comes up again if it went down, then the database is held
    /// against the model before the batch or after it, whichever the batch's marker stands for.
    ///
    /// - Returns: what the client sends again.
    private mutating func settle(
        _ commands: [Command], _ trouble: Trouble
    ) async throws -> [Command] {
        if machine.disk.isStopped {
            summary.crashes += 1
            if trouble == .powerless { outageIn = nil }
            do { try await machine.goDown(trouble.outage ?? .kill) } catch let found as Finding {
                throw Finding("after \(trouble.rawValue): \(found)")
            }
        }
        guard case .recordClick(let marker) = commands.last else { return commands }
        journal.note("== \(trouble.rawValue)")
        let isThere = try await machine.database.read { transaction in
            try !transaction.rows(Self.markerThere, [.init(marker.id)]).isEmpty
        }
        if isThere {
            for command in commands {
                let expected = model.answer(to: command)
                auditor.note(command, answer: expected)
                journal.note(command, "(\(expected))")
            }
        }
        do { try await audit() } catch let finding as Finding {
            throw Finding(
                """
                after \(trouble.rawValue), where the batch of \(commands.count) is \
                \(isThere ? "" : "not ")there: \(finding)
                """)
        }
        return isThere ? commands.map { workload.repeated($0) } : commands
    }

    private static let markerThere = SQLStatement("SELECT 1 FROM click WHERE id = ?1")

    private mutating func goDown(_ outage: Outage, _ trouble: Trouble?) async throws {
        summary.crashes += 1
        if outage == .power { outageIn = nil }
        do {
            try await machine.goDown(outage)
            try await audit()
        } catch let finding as Finding {
            throw Finding("after \(trouble?.rawValue ?? ""), the batch was answered: \(finding)")
        }
    }

    private mutating func afterwards(
        _ commands: [Command], _ random: inout SplitMix
    ) async throws {
        try await auditor.checkTotals(machine.database)
        if random.chance(10) { try await sendAgain(commands) }
    }

    // MARK: Other ways to submit

    /// Each command of its own, all at once; any order must do.
    mutating func postAtOnce(_ commands: [Command]) async throws {
        let ledger = machine.ledger
        let answers = await withTaskGroup(of: (Int, String).self) { group in
            for (index, command) in commands.enumerated() {
                group.addTask {
                    let result: Result<Outcome, LedgerError>
                    do throws(LedgerError) {
                        result = .success(try await ledger.submit(command))
                    } catch { result = .failure(error) }
                    return (index, result.words)
                }
            }
            var answers = [String](repeating: "", count: commands.count)
            for await (index, words) in group { answers[index] = words }
            return answers
        }
        summary.commands += commands.count
        summary.batches += 1
        try accept(commands, answers)
        try await auditor.checkTotals(machine.database)
    }

    /// Events that were accepted and carry something by which they are known again: their customer
    /// and name, an invoice, a row's id. Sent once more they change nothing.
    private mutating func sendAgain(_ commands: [Command]) async throws {
        let events = commands.filter(\.isKnownAgain).map { workload.repeated($0.withoutCall) }
        guard !events.isEmpty else { return }
        let part = Array(events.prefix(max(1, events.count / 2)))
        let before = model.rows().mapValues { $0.map(asciiText).sorted() }
        var after = model
        let taken = part.filter { event in
            // A refused event is not one that was accepted.
            var probe = after
            let words = probe.answer(to: event)
            let isAgain = words.contains(" again")
            if isAgain { after = probe }
            return isAgain
        }
        guard !taken.isEmpty else { return }
        let answers = try await submit(taken)
        try accept(taken, answers)
        guard model.rows().mapValues({ $0.map(asciiText).sorted() }) == before else {
            throw Finding("the model changed when accepted events were sent again")
        }
        do { try await audit() } catch let finding as Finding {
            throw Finding("after accepted events were sent again: \(finding)")
        }
    }

    /// - Parameter isThorough: SQLite looks over its file too.
    mutating func audit(isThorough: Bool = false) async throws {
        try await auditor.compare(machine.database, with: model)
        try await auditor.checkTotals(machine.database)
        try await auditor.checkBooks(machine.database)
        if isThorough { try await auditor.checkFile(machine.database) }
    }

    /// Canary: the first two different answers change places.
    private static func swap(_ answers: inout [String]) {
        guard let first = answers.first,
            let other = answers.firstIndex(where: { $0 != first })
        else { return }
        answers.swapAt(0, other)
    }
}

extension Command {
    fileprivate var isKnownAgain: Bool {
        switch self {
        case .recordClick(let click): click.origin == .imported
        case .recordLead(let lead): lead.mode != .deferred
        case .recordSale(let sale): sale.origin == .imported || sale.invoiceID.nonEmpty != nil
        default: false
        }
    }
}

extension Result where Success == Outcome, Failure == LedgerError {
    /// What the engine said.
    fileprivate var failure: String? {
        guard case .failure(let error) = self else { return nil }
        return "\(error)"
    }
}
