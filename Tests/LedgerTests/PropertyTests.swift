import Attribution
import Integrations
import Ledger
import Simulation
import Testing

/// What must hold for every batch of events, whatever is in it.
@Suite struct PropertyTests {
    /// The facts that a batch has absorbed are those that the database would give now: a rule of
    /// the next command sees the same either way.
    @Test(arguments: 21...28 as ClosedRange<UInt64>)
    func absorbedFactsAreReloadedFacts(seed: UInt64) async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        var workload = Simulation.Workload(seed: seed)
        var random = SplitMix(seed: seed)
        _ = try await ledger.submit(workload.opening())
        var compared = 0
        for _ in 0..<12 {
            let commands = workload.batch(random.int(20..<250))
            for commands in commands.split(whereSeparator: \.standsAlone) {
                compared += try scratch.database.write { transaction in
                    try compare(Array(commands)[...], transaction)
                }
            }
            // Whatever stands alone moves the world on for the next batch.
            _ = try await ledger.submit(commands.filter(\.standsAlone))
        }
        #expect(compared > 1_000, "there is something to compare")
        #expect(try scratch.differences() == [])
        await ledger.stop()
    }

    /// - Returns: how many facts were compared.
    private func compare(
        _ commands: ArraySlice<Command>, _ transaction: any SQLTransaction
    ) throws -> Int {
        var absorbed = try FactsLoader.load(commands, transaction)
        var changes: [Change] = []
        for command in commands {
            let decision = decide(command, absorbed)
            for change in decision.changes { absorbed.absorb(change) }
            changes += decision.changes
        }
        try ChangeWriter.apply(changes, transaction)
        let reloaded = try FactsLoader.load(commands, transaction)
        let claims = Set(commands.compactMap(\.claim))
        let found = absorbed.words(reloaded, claims)
        let expected = reloaded.words(reloaded, claims)
        #expect(found.subtracting(expected).sorted() == [], "absorbed, but not there")
        #expect(expected.subtracting(found).sorted() == [], "there, but not absorbed")
        return expected.count
    }

    /// Commands about different customers commute: whichever way their histories are shuffled into
    /// each other and cut into batches, each is answered the same and the same rows are left.
    @Test(arguments: 31...34 as ClosedRange<UInt64>)
    func independentCommandsCommute(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let histories = (0..<25).map { history(of: "customer \($0)", &random) }
        let (plain, dump) = try await outcome(of: histories, seed: seed, isShuffled: false)
        for turn in 1...4 as ClosedRange<UInt64> {
            let (answers, rows) = try await outcome(
                of: histories, seed: seed &* 100 &+ turn, isShuffled: true)
            #expect(answers == plain)
            #expect(Set(rows).symmetricDifference(dump).sorted() == [])
        }
        #expect(plain.joined().contains { $0.hasPrefix("recorded") })
    }

    private func outcome(
        of histories: [[Command]], seed: UInt64, isShuffled: Bool
    ) async throws -> ([[String]], [String]) {
        var random = SplitMix(seed: seed)
        let turns = histories.enumerated().flatMap {
            Array(repeating: $0.offset, count: $0.element.count)
        }
        let order = isShuffled ? turns.shuffled(using: &random) : turns
        return try await outcome(of: histories, order, &random)
    }

    /// - Parameter turns: whose next command comes when.
    private func outcome(
        of histories: [[Command]], _ turns: [Int], _ random: inout SplitMix
    ) async throws -> ([[String]], [String]) {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        var answers = histories.map { _ in [String]() }
        var rest = turns[...]
        var next = histories.map { _ in 0 }
        while !rest.isEmpty {
            let some = rest.prefix(random.int(1..<60))
            rest = rest.dropFirst(some.count)
            let commands = some.map { customer in
                defer { next[customer] += 1 }
                return histories[customer][next[customer]]
            }
            for (customer, result) in zip(some, try await ledger.submit(commands)) {
                answers[customer].append(result.answer)
            }
        }
        await ledger.stop()
        #expect(try scratch.differences() == [])
        return (answers, try scratch.dump())
    }

    /// Leads, sales, replays and refusals of one customer, on links and clicks that all share.
    private func history(of customer: String, _ random: inout SplitMix) -> [Command] {
        (0..<random.int(3..<12)).map { index in
            switch random.int(0..<4) {
            case 0:
                Shop.lead(
                    customer, by: random.pick(["ca", "cb", "none"]),
                    named: random.pick(["Sign up", "Demo", "demo"]))
            case 1:
                Shop.sale(
                    "\(customer) \(index)", of: customer, Int64(random.int(0..<3)),
                    invoice: random.pick(["\(customer) in 1", "\(customer) in 2"]))
            case 2: Shop.click("\(customer) click \(index)", on: random.pick(["a", "b", "none"]))
            default: Shop.sale("\(customer) \(index)", of: customer, Int64(random.int(1..<900)))
            }
        }
    }
}

extension Command {
    /// The claim that is asked about.
    fileprivate var claim: LeadClaim? {
        if case .recordLead(let lead) = self { lead.claim } else { nil }
    }
}

extension Facts {
    /// Each fact that a rule may look at, in words. What was absorbed without having been asked
    /// for, and so would not be loaded, is left out.
    fileprivate func words(_ reloaded: Facts, _ claims: Set<LeadClaim>) -> Set<String> {
        var words: Set<String> = []
        func add(_ kind: String, _ fact: Any) { words.insert("\(kind) \(fact)") }
        for (key, value) in workspaces { add("workspace", "\(key) \(value)") }
        for (key, value) in links where reloaded.links[key] != nil {
            add("link", "\(key) \(value)")
        }
        for (key, value) in clicks where reloaded.clicks[key] != nil {
            add("click", "\(key) \(value)")
        }
        for (key, value) in lastClicks where reloaded.lastClicks[key] != nil {
            add("last click", "\(key) \(value.at)")
        }
        for (key, value) in customers { add("customer", "\(key) \(value)") }
        for (key, value) in leads { add("lead", "\(key) \(value)") }
        for claim in leadClaims where claims.contains(claim) { add("claim", "\(claim)") }
        for (key, value) in invoices { add("invoice", "\(key) \(value.sale) \(value.customer.id)") }
        for (key, value) in importedSales where reloaded.importedSales[key] != nil {
            add("imported", "\(key) \(value.sale)")
        }
        for (key, value) in conversions {
            add("conversions", "\(key) \(value.map(\.text).sorted())")
        }
        for id in rejections where reloaded.rejections.contains(id) { add("rejection", id) }
        return words
    }
}
