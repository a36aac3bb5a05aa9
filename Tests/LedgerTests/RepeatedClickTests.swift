import Attribution
import Ledger
import Testing

/// Visitors who come again and have been told an id of their own, because nobody waited for the
/// commit that found it out.
@Suite struct RepeatedClickTests {
    /// In one batch with what refers to them, and in one after the other.
    @Test(arguments: [true, false])
    func everyIDThatWasToldStandsForTheOneClick(isOneBatch: Bool) async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        let commands = [
            visit("first"), visit("second"), visit("third"),
            visit("by cookie", as: "elsewhere", known: "third"),
            Shop.lead("bob", by: "second"), Shop.lead("cat", by: "by cookie"),
            Shop.sale("s1", of: "dan", by: "third"),
        ]
        let results =
            isOneBatch
            ? try await ledger.submit(commands)
            : await commands.asyncMap { await ledger.result(of: $0) }
        for result in results { _ = try result.get() }
        #expect(try scratch.number("SELECT count(*) FROM click WHERE identity IS NOT NULL") == 1)
        #expect(
            try scratch.rows("SELECT id, click_id FROM repeat_click ORDER BY id").map(\.values)
                == ["by cookie", "second", "third"].map { [.text($0), .text("first")] })
        for column in [
            "lead WHERE customer_id = 'cus-bob'", "lead WHERE customer_id = 'cus-cat'",
            "customer WHERE external_id = 'cat'", "customer WHERE external_id = 'dan'", "sale",
        ] {
            let rows = try scratch.rows("SELECT click_id FROM \(column)")
            #expect(rows.map(\.values) == [[.text("first")]], "\(column)")
        }
        #expect(try scratch.differences() == [])
        #expect(try scratch.database.write { try $0.brokenReferences() } == [])
        await ledger.stop()
    }

    @Test func anIDThatStandsForNothingIsFound() async throws {
        let scratch = try Scratch()
        try scratch.run("INSERT INTO repeat_click (id, click_id) VALUES ('x', 'nothing')")
        #expect(
            try scratch.database.write { try $0.brokenReferences() }
                == ["1 ids of repeated clicks that stand for none, e.g. x"])
    }

    private func visit(
        _ id: String, as identity: String = "somebody", known: String? = nil
    ) -> Command {
        var visitor = Visitor()
        visitor.identity = identity
        var click = RecordClick(id: ID(id), linkID: ID("a"), at: Shop.noon, visitor: visitor)
        click.isTold = true
        click.known = known.map { ID($0) }
        return .recordClick(click)
    }
}

extension Array {
    fileprivate func asyncMap<Value>(_ body: (Element) async -> Value) async -> [Value] {
        var values: [Value] = []
        for element in self { values.append(await body(element)) }
        return values
    }
}
