import Attribution
import Integrations
import Ledger
import Simulation
import Synchronization
import Testing

/// Commands in one transaction have the outcomes that they have one by one.
@Suite struct BatchTests {
    /// Facts that absorbed a change are facts loaded after it: the same commands, alone and in
    /// large batches, end in the same rows and the same answers, and every counter is right after
    /// every batch.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func absorbingIsReloading(seed: UInt64) async throws {
        let (alone, together) = (try Scratch(), try Scratch())
        let single = Ledger(database: alone.database)
        let whole = Mutex(0)
        let batching = Ledger(database: together.database) { report in
            if report.size > 1 { whole.withLock { $0 += 1 } }
        }
        var workload = Workload(seed: seed)
        var sizes = SplitMix(seed: seed)
        var batches = [workload.opening()]
        for _ in 0..<6 { batches.append(workload.batch(sizes.int(1..<200))) }
        var audit = Audit()
        for commands in batches {
            let results = try await batching.submit(commands)
            for (command, result) in zip(commands, results) {
                let expected = await single.result(of: command).answer
                guard result.answer == expected else {
                    Issue.record("\(command): \(result.answer), alone \(expected)")
                    return
                }
                audit.note(result)
            }
            #expect(try together.differences() == [])
        }
        let (found, expected) = (try together.dump(), try alone.dump())
        #expect(Set(found).subtracting(expected).sorted() == [])
        #expect(Set(expected).subtracting(found).sorted() == [])
        #expect(found.count == expected.count)
        #expect(try alone.differences() == [])
        #expect(try audit.sales == Audit.sales(together))
        #expect(audit.sales.count >= 20, "the workload records sales")
        #expect(whole.withLock { $0 } >= 5, "batches are not taken apart and done one by one")
        await single.stop()
        await batching.stop()
    }

    /// What was recorded once is not recorded again, whichever part of the past comes again and
    /// whether it comes alone or in a batch. (Edits are left out: an edit means what it says.)
    @Test(arguments: 11...13 as ClosedRange<UInt64>)
    func resubmittingAPrefixChangesNothing(seed: UInt64) async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        var workload = Workload(seed: seed)
        var random = SplitMix(seed: seed)
        _ = try await ledger.submit(workload.opening())
        var past: [Command] = []
        for _ in 0..<4 {
            let commands = workload.batch(100)
            let results = try await ledger.submit(commands)
            // Nothing is kept of what is refused this time: it is not a new call.
            past += zip(commands, results).filter { $0.0.isEvent && !$0.1.isRefused }
                .map(\.0.withoutCall)
            let before = try scratch.dump()
            _ = try await ledger.submit(Array(past.prefix(random.int(1..<past.count))))
            #expect(try scratch.dump() == before)
            for command in past.suffix(20) { _ = await ledger.result(of: command) }
            #expect(try scratch.dump() == before)
        }
        #expect(try scratch.differences() == [])
        await ledger.stop()
    }

    /// A batch that begins before the hour is over and ends after it.
    @Test func theHourOfAVisitorEndsWithinABatch() async throws {
        func visit(_ name: String, after milliseconds: Int64) -> Command {
            var visitor = Visitor()
            visitor.identity = "somebody"
            return .recordClick(
                RecordClick(
                    id: ID(name), linkID: ID("a"), at: Shop.noon.adding(milliseconds),
                    visitor: visitor))
        }
        try await expectSame(
            before: [visit("k1", after: 0)],
            [visit("k2", after: Timestamp.hour - 1), visit("k3", after: Timestamp.hour)])
    }

    /// Two customers, two invoices, two claims and two links, each pair with names that only look
    /// alike.
    @Test(arguments: [
        ["caf\u{E9}", "cafe\u{301}"], ["\u{212B}", "\u{C5}"], ["\u{1E69}", "s\u{307}\u{323}"],
    ])
    func textsThatLookAlikeAreDifferent(names: [String]) async throws {
        try await expectSame(names.enumerated().map { Shop.lead($1, by: "ca", named: "\($0)") })
        try await expectSame(names.map { Shop.lead("ann", by: "ca", named: $0) })
        try await expectSame(
            names.enumerated().map { Shop.sale("s\($0)", invoice: $1) })
        try await expectSame(
            names.enumerated().map { Shop.createLink("l\($0)", key: $1) })
    }

    /// Submits the commands alone to one database and as one batch to another.
    private func expectSame(before: [Command] = [], _ commands: [Command]) async throws {
        let (alone, together) = (try Scratch(), try Scratch())
        let (single, batching) = (
            Ledger(database: alone.database), Ledger(database: together.database)
        )
        for ledger in [single, batching] {
            try await Shop.open(ledger)
            for command in before { _ = try await ledger.submit(command) }
        }
        var expected: [String] = []
        for command in commands { expected.append(await single.result(of: command).answer) }
        #expect(try await batching.submit(commands).map(\.answer) == expected)
        #expect(try together.dump() == alone.dump())
        await single.stop()
        await batching.stop()
    }
}

extension Command {
    fileprivate var isEvent: Bool {
        switch self {
        case .recordClick, .recordLead, .recordSale, .addCustomer: true
        default: false
        }
    }
}

/// Notes the sales that were answered as recorded, knowing nothing of the database.
private struct Audit {
    private(set) var sales: [String: String] = [:]

    mutating func note(_ result: Result<Outcome, LedgerError>) {
        guard let sale = result.recordedSale else { return }
        sales[sale.id.text] =
            "\(sale.linkID) \(sale.customerID) \(sale.money.minorUnits) \(sale.money.currency.code)"
    }

    static func sales(_ scratch: Scratch) throws -> [String: String] {
        var sales: [String: String] = [:]
        for row in try scratch.rows(
            """
            SELECT id, link_id || ' ' || customer_id || ' ' || amount || ' ' || currency FROM sale
            """)
        {
            sales[try row.text(0)] = try row.text(1)
        }
        return sales
    }
}
