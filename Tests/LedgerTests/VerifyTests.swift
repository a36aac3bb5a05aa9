import Attribution
import Ledger
import SQLiteEngine
import Testing

@Suite struct VerifyTests {
    /// Ann has bought once through link `a`, for 49.00 USD. Each change by hand, and what verify
    /// says about it.
    @Test(arguments: [
        ("UPDATE workspace SET clicks = clicks + 1", "workspace ws_shop clicks 3 2"),
        ("UPDATE workspace SET leads = leads + 1", "workspace ws_shop leads 2 1"),
        ("UPDATE workspace SET sales = sales + 1", "workspace ws_shop sales 2 1"),
        (
            "UPDATE workspace SET sale_amount = sale_amount - 1",
            "workspace ws_shop sale_amount 4899 4900"
        ),
        ("UPDATE link SET clicks = 0 WHERE id = 'a'", "link a clicks 0 1"),
        ("UPDATE link SET clicks = 7 WHERE id = 'b'", "link b clicks 7 1"),
        ("UPDATE link SET leads = 2 WHERE id = 'a'", "link a leads 2 1"),
        ("UPDATE link SET sales = 2 WHERE id = 'a'", "link a sales 2 1"),
        ("UPDATE link SET sale_amount = 4901 WHERE id = 'a'", "link a sale_amount 4901 4900"),
        ("UPDATE link SET conversions = 0 WHERE id = 'a'", "link a conversions 0 1"),
        ("UPDATE link SET last_clicked = 5 WHERE id = 'a'", "link a last_clicked 5 \(noon)"),
        ("UPDATE link SET last_clicked = NULL WHERE id = 'a'", "link a last_clicked 0 \(noon)"),
        ("UPDATE link SET last_lead_at = 5 WHERE id = 'a'", "link a last_lead_at 5 \(noon)"),
        (
            "UPDATE link SET last_conversion_at = 5 WHERE id = 'a'",
            "link a last_conversion_at 5 \(noon + 1)"
        ),
        (
            "UPDATE customer SET sales = 2",
            "customer cus-ann sales 2 1, customer cus-ann sales in the chain 2 1"
        ),
        (
            "UPDATE customer SET last_sale_id = 's9'",
            "customer cus-ann sales in the chain 1 0"
        ),
        ("UPDATE customer SET sale_amount = 0", "customer cus-ann sale_amount 0 4900"),
        ("UPDATE customer SET first_sale_at = 5", "customer cus-ann first_sale_at 5 \(noon + 1)"),
    ])
    func findsACounterChangedByHand(sql: String, expected: String) async throws {
        let scratch = try await shop()
        try scratch.run(sql)
        #expect(try scratch.differences().map(\.words).joined(separator: ", ") == expected)
    }

    /// Changes of events show in every counter that they feed.
    @Test(arguments: [
        ("UPDATE sale SET base_amount = 1", ["customer", "link", "sale", "workspace"]),
        ("UPDATE sale SET base_amount = NULL", ["customer", "link", "sale", "workspace"]),
        ("UPDATE sale SET currency = 'eur'", ["sale"]),
        ("UPDATE sale SET amount = 4901", ["sale"]),
        ("UPDATE sale SET link_id = 'b'", ["conversion", "link"]),
        ("DELETE FROM conversion", ["conversion", "link"]),
        ("UPDATE conversion SET link_id = 'b'", ["conversion", "link"]),
        ("DELETE FROM conversion; DELETE FROM sale", ["customer", "link", "workspace"]),
        ("DELETE FROM lead_claim; UPDATE lead SET link_id = 'b'", ["link"]),
        (
            "INSERT INTO click (id, workspace_id, link_id, at, url, trigger_kind) "
                + "VALUES ('c9', 'ws_shop', 'a', 1, '', 'link')", ["link", "workspace"]
        ),
    ])
    func findsAnEventChangedByHand(sql: String, records: [String]) async throws {
        let scratch = try await shop()
        try scratch.run(sql)
        #expect(Set(try scratch.differences().map(\.record)).sorted() == records)
    }

    /// A customer's sales are found from the last to the first: a link of that chain that is cut,
    /// or leads in a circle or to another's sale, hides sales.
    @Test(
        arguments: [(nil, 1), ("'s9'", 1), ("'s3'", 2), ("'z1'", 1)]
            as [(String?, Int64)])
    func findsAChainThatIsCut(previous: String?, found: Int64) async throws {
        let scratch = try await shop()
        let ledger = Ledger(database: scratch.database)
        for command in [
            Shop.sale("s2"), Shop.sale("s3"), Shop.lead("zoe", by: "ca"),
            Shop.sale("z1", of: "zoe"),
        ] { _ = try await ledger.submit(command) }
        await ledger.stop()
        #expect(try scratch.differences() == [])
        let cut = previous == "'s3'" ? "s2" : "s3"
        try scratch.run(
            "UPDATE sale SET previous_sale_id = \(previous ?? "NULL") WHERE id = '\(cut)'")
        #expect(
            try scratch.differences().map(\.words)
                == ["customer cus-ann sales in the chain 3 \(found)"])
    }

    @Test func findsNothingWhereNothingIsWrong() async throws {
        let scratch = try await shop()
        let verification = try await scratch.database.read { try $0.verify() }
        #expect(verification.differences == [])
        #expect(verification.checked.map(\.count) == [1, 3, 1, 2, 1, 1])
        #expect(verification.totals.map(\.name) == ["usd"])
        #expect(verification.totals.map(\.value) == [4_900])
    }

    /// Sales that are summed nowhere are no reason to stop verifying: a client may send them.
    @Test func totalsBeyondSixtyFourBitsDoNotStopIt() async throws {
        let scratch = try await shop()
        let ledger = Ledger(database: scratch.database)
        let jpy = try #require(Currency("jpy"))
        let commands = (0..<1_100).map { Shop.sale("j\($0)", Money.largestAmount, jpy) }
        for result in try await ledger.submit(commands) { #expect(result.recordedSale != nil) }
        #expect(try scratch.differences() == [])
        await ledger.stop()
    }

    private func shop() async throws -> Scratch {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        _ = try await ledger.submit(Shop.sale("s1", invoice: "inv1"))
        await ledger.stop()
        return scratch
    }
}

private let noon = Shop.noon.milliseconds

extension Difference {
    fileprivate var words: String { "\(record) \(id) \(counter) \(stored) \(recomputed)" }
}
