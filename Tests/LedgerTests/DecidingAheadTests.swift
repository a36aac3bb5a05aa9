import Attribution
import Ledger
import Synchronization
import Testing

/// Sales that are decided before those in front of them are written.
@Suite(.enabled(if: Engine.isSQLite)) struct DecidingAheadTests {
    /// Each is a batch of its own, so that several are on their way at once.
    private var limits: Limits {
        var limits = Limits()
        limits.batchMax = 1
        return limits
    }

    /// The invoice of a sale that records nothing is recorded by a later one.
    @Test func anInvoiceIsKnownUntilASnapshotHasIt() async throws {
        let scratch = try Scratch()
        let failures = Mutex(0)
        let ledger = Ledger(database: scratch.database, limits: limits) { _ in
        } onFailure: { _ in
            failures.withLock { $0 += 1 }
        }
        try await Shop.open(ledger)
        var commands: [Command] = []
        for number in 0..<200 {
            let invoice = "in \(number / 4)"
            // The first of four is of nobody: it has the invoice and records nothing.
            commands.append(
                Shop.sale(
                    "s\(number)", of: number % 4 == 0 ? "nobody" : "ann", invoice: invoice))
        }
        let results = try await ledger.submit(commands)
        for (number, result) in results.enumerated() {
            switch number % 4 {
            case 0: #expect(result.isRefused)
            case 1: #expect(result.recordedSale != nil)
            default: #expect(result.answer.hasPrefix("replayed"), "\(result.answer)")
            }
        }
        #expect(failures.withLock { $0 } == 0, "nothing was decided that the schema refuses")
        #expect(try scratch.number("SELECT count(*) FROM sale") == 50)
        #expect(try scratch.differences() == [])
        await ledger.stop()
    }

    /// Customers of whom nothing is in memory, side by side with those of whom all is.
    @Test func whatWasDecidedIsWhatIsThere() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database, limits: limits)
        try await Shop.open(ledger)
        for number in 0..<20 {
            _ = try await ledger.submit(Shop.lead("c\(number)", by: number % 2 == 0 ? "ca" : "cb"))
        }
        var previous: [Int: SaleID] = [:]
        for round in 0..<5 {
            let commands = (0..<200).map { Shop.sale("s\(round)-\($0)", of: "c\($0 * 7 % 20)") }
            for (number, result) in try await ledger.submit(commands).enumerated() {
                let sale = try #require(result.recordedSale)
                let customer = number * 7 % 20
                #expect(sale.linkID == ID(customer % 2 == 0 ? "a" : "b"))
                #expect(sale.previousSaleID == previous[customer])
                previous[customer] = sale.id
            }
        }
        #expect(try scratch.number("SELECT sum(sales) FROM customer") == 1_000)
        #expect(try scratch.differences() == [])
        await ledger.stop()
    }

    /// What a sale by a click makes is in no snapshot while the next one is decided.
    @Test func aCustomerIsKnownFromTheSaleThatMakesIt() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database, limits: limits)
        try await Shop.open(ledger)
        var commands: [Command] = []
        for number in 0..<100 {
            let customer = "c\(number)"
            commands += [
                // Of somebody known, which is decided ahead.
                Shop.sale("before-\(number)"),
                Shop.sale("first-\(number)", of: customer, leadEventName: "Trial", by: "cb"),
                Shop.sale("second-\(number)", of: customer),
            ]
        }
        let results = try await ledger.submit(commands)
        for (number, result) in results.enumerated() {
            let sale = try #require(result.recordedSale, "\(number): \(result.answer)")
            #expect(sale.linkID == ID(number % 3 == 0 ? "a" : "b"))
        }
        #expect(try scratch.differences() == [])
        await ledger.stop()
    }

    /// Its neighbours were decided ahead together with it.
    @Test func aSaleThatCanNotBeWrittenKeepsNoOther() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        // Whatever it is that a row meets: a file that was repaired by hand may refuse anything.
        try scratch.run(
            """
            CREATE TRIGGER refusing BEFORE INSERT ON sale WHEN NEW.id IN ('s50', 's150')
            BEGIN SELECT RAISE(ABORT, 'refused'); END
            """)
        _ = try await ledger.submit(Shop.sale("known"))
        let results = try await ledger.submit((0..<200).map { Shop.sale("s\($0)") })
        for (number, result) in results.enumerated() {
            if number % 100 == 50 {
                guard case .failure(.defect) = result else {
                    Issue.record("\(number): \(result.answer)")
                    continue
                }
            } else {
                #expect(result.recordedSale != nil, "\(number): \(result.answer)")
            }
        }
        #expect(try scratch.number("SELECT count(*) FROM sale") == 199)
        #expect(try scratch.differences() == [])
        await ledger.stop()
    }
}
