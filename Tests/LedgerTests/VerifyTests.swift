import Attribution
import Ledger
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

    /// What is of its type and yet can't be, or does not fit what another record says.
    @Test(arguments: [
        ("UPDATE customer SET clicked_at = clicked_at + 1", "customers whose click"),
        ("UPDATE customer SET clicked_at = NULL", "customers whose click"),
        ("UPDATE customer SET click_id = NULL", "customers whose click"),
        ("UPDATE customer SET link_id = 'b'", "customers whose click"),
        ("UPDATE lead_claim SET event_name = 'Sign-up'", "claims by another name"),
        ("UPDATE lead_claim SET event_name = 'sign-un'", "claims by another name"),
        ("UPDATE lead SET event_name = 'Sign Up!'", "claims by another name"),
        ("UPDATE sale SET payment_processor = 'strip'", "values of sale.payment_processor"),
        ("UPDATE sale SET currency = 'USD'", "values of sale.currency"),
        ("UPDATE workspace SET plan = 'busyness'", "values of workspace.plan"),
        (
            "INSERT INTO tag VALUES ('t', 'ws_shop', 'new', 'rot', 0)", "values of tag.color"
        ),
        (
            "INSERT INTO token VALUES ('t', 'ws_shop', '', '\(digest)', 'apis.all x', 0, NULL, NULL)",
            "values of token.scopes"
        ),
        (
            """
            INSERT INTO folder (id, workspace_id, name, access_level, created_at, updated_at)
            VALUES ('f', 'ws_shop', 'new', 'none', 0, 0)
            """, "values of folder.access_level"
        ),
        (rejection(endpoint: "/track/sald", reason: "amount_zero"), "values of rejection.endpoint"),
        (rejection(endpoint: "/track/sale", reason: "amount_zeri"), "values of rejection.reason"),
    ])
    func findsAValueThatCantBe(sql: String, expected: String) async throws {
        let scratch = try await shop()
        #expect(try scratch.broken() == [])
        try scratch.run(sql)
        let found = try scratch.broken()
        #expect(found.count == 1 && found[0].hasPrefix("1 \(expected)"), "\(found)")
    }

    /// Lower case is that of the rules, not the database's, whatever the letters.
    @Test func claimsOfAnyNameAreSound() async throws {
        let scratch = try await shop()
        let ledger = Ledger(database: scratch.database)
        for name in ["ÄRGER Über Éé", "İSTANBUL", "ΟΔΟΣ ΣΑΣ", "e\u{301} É", " - ", "ẞ 日本"] {
            _ = try await ledger.submit(Shop.lead("zoe", by: "ca", named: name))
        }
        await ledger.stop()
        #expect(try scratch.number("SELECT count(*) FROM lead_claim") == 7)
        #expect(try scratch.broken() == [])
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

private let digest = String(repeating: "0", count: 64)

private func rejection(endpoint: String, reason: String) -> String {
    """
    INSERT INTO rejection (workspace_id, is_public, number, id, endpoint, reason, at, body,
      attempts, last_tried_at, is_whole)
    VALUES ('ws_shop', 0, 1, 'rej_1', '\(endpoint)', '\(reason)', 0, '{}', 1, 0, 1)
    """
}

extension Scratch {
    fileprivate func broken() throws -> [String] {
        try database.write { try $0.brokenReferences() + $0.brokenValues() }
    }
}

private let noon = Shop.noon.milliseconds

extension Difference {
    fileprivate var words: String { "\(record) \(id) \(counter) \(stored) \(recomputed)" }
}
