import Attribution
import Integrations
import Ledger
import Simulation
import Testing

/// What a batch leaves in memory for the next one is what the database would say.
@Suite struct KeptFactsTests {
    @Test(arguments: 61...66 as ClosedRange<UInt64>)
    func keptFactsAreReloadedFacts(seed: UInt64) async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        var workload = Simulation.Workload(seed: seed)
        var random = SplitMix(seed: seed)
        _ = try await ledger.submit(workload.opening())
        var kept = Facts()
        var compared = 0
        for _ in 0..<16 {
            let commands = workload.batch(random.int(5..<120))
            for commands in commands.split(whereSeparator: \.standsAlone) {
                try scratch.database.write { transaction in
                    let fresh = try FactsLoader.load(commands, transaction)
                    var facts = try FactsLoader.load(commands, transaction, besides: kept)
                    compared += compare(facts, fresh)
                    try perform(commands, &facts, transaction)
                    facts.forgetPassing(countMax: 1_000)
                    kept = facts
                }
            }
            // Whoever changes records forgets what is known.
            let alone = commands.filter(\.standsAlone)
            if !alone.isEmpty {
                _ = try await ledger.submit(alone)
                kept = Facts()
            }
        }
        #expect(compared > 300, "there is something to compare")
        #expect(try scratch.differences() == [])
        await ledger.stop()
    }

    private func perform(
        _ commands: ArraySlice<Command>, _ facts: inout Facts, _ transaction: any SQLTransaction
    ) throws {
        var changes: [Change] = []
        for command in commands {
            let decision = decide(command, facts)
            for change in decision.changes { facts.absorb(change) }
            changes += decision.changes
        }
        try ChangeWriter.apply(changes, transaction)
    }

    /// Whatever is asked of the database for a batch is among what is kept, the same.
    private func compare(_ facts: Facts, _ fresh: Facts) -> Int {
        for (key, customer) in fresh.customers { #expect(facts.customers[key] == customer) }
        for (key, lead) in fresh.leads { #expect(facts.leads[key] == lead) }
        for (id, link) in fresh.links { #expect(facts.links[id] == link) }
        for (id, workspace) in fresh.workspaces { #expect(facts.workspaces[id] == workspace) }
        for (key, links) in fresh.conversions { #expect(facts.conversions[key] == links) }
        for (key, receipt) in fresh.invoices { #expect(facts.invoices[key]?.sale == receipt.sale) }
        return fresh.customers.count + fresh.leads.count + fresh.conversions.count
    }

    /// Another process, or another part of this one, may write between two batches.
    @Test(.enabled(if: Engine.isSQLite), arguments: [true, false])
    func whatOthersWriteIsSeen(isInThisProcess: Bool) async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        let other = isInThisProcess ? scratch.database : try scratch.opened()
        let rival = Ledger(database: other)
        var previous: SaleID?
        for number in 0..<6 {
            let name = "sale \(number)"
            let answer = try await (number % 2 == 0 ? ledger : rival).submit([Shop.sale(name)])
            let sale = try #require(answer[0].recordedSale)
            #expect(sale.previousSaleID == previous)
            previous = sale.id
        }
        #expect(try scratch.differences() == [])
        await rival.stop()
        await ledger.stop()
        if !isInThisProcess { try other.close() }
    }

    /// A customer who is called otherwise between two sales is found by the new name only.
    @Test func changesOfRecordsAreSeen() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        _ = try await ledger.submit([Shop.sale("first")])[0].get()
        var edit = Edit<Customer>()
        edit.add { $0.externalID = "anna" }
        let update = UpdateCustomer(
            selector: .externalID("ann"), workspaceID: Shop.id, edit: edit)
        _ = try await ledger.submit([.updateCustomer(update)])[0].get()
        let answers = try await ledger.submit([Shop.sale("second"), Shop.sale("third", of: "anna")])
        #expect(answers[0].isRefused)
        #expect(answers[1].recordedSale?.previousSaleID == ID("first"))
        await ledger.stop()
    }

    /// Memory is bounded: of more customers than may be kept, none is.
    @Test func tooManyFactsAreForgotten() async throws {
        var facts = Facts()
        for number in 0..<10 {
            let key = CustomerKey(workspaceID: Shop.id, externalID: "\(number)")
            facts.ask(LeadKey(customer: key, eventName: nil, .oldest), answer: nil)
            facts.customers[key] = Customer(
                id: ID("cus_\(number)"), workspaceID: Shop.id, externalID: "\(number)",
                createdAt: Shop.noon)
        }
        facts.forgetPassing(countMax: 10)
        #expect(facts.customers.count == 10)
        facts.forgetPassing(countMax: 9)
        #expect(facts.customers.isEmpty)
    }

    /// So are questions about one customer: a client may ask for ever other leads.
    @Test func questionsWithoutAnAnswerPass() async throws {
        var facts = Facts()
        let key = CustomerKey(workspaceID: Shop.id, externalID: "somebody")
        for number in 0..<5_000 {
            #expect(facts.isLarger(than: 10_000) == (number > 4_096))
            facts.ask(
                LeadKey(customer: key, eventName: "\(number)", .newest(until: .distantFuture)),
                answer: nil)
        }
        facts.forgetPassing(countMax: 10_000)
        #expect(!facts.isLarger(than: 0))
    }
}
