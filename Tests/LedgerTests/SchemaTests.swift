import Attribution
import Ledger
import Testing

/// The schema is the second lock behind the rules: each row is refused without them.
@Suite struct SchemaTests {
    @Test(arguments: [
        // NOT NULL.
        "UPDATE sale SET customer_id = NULL", "UPDATE sale SET link_id = NULL",
        "UPDATE sale SET currency = NULL", "UPDATE lead SET event_name = NULL",
        "UPDATE click SET id = NULL", "INSERT INTO repeat_click (id) VALUES ('x')",
        "UPDATE workspace SET plan = NULL",
        // CHECK.
        "UPDATE sale SET amount = 0", "UPDATE sale SET amount = -1",
        "UPDATE sale SET currency = 'usdx'", "UPDATE sale SET base_amount = -1",
        "UPDATE link SET clicks = -1", "UPDATE link SET leads = -1",
        "UPDATE link SET sale_amount = -1", "UPDATE link SET conversions = sales + 1",
        "UPDATE link SET archived = 2", "UPDATE link SET track_conversion = 2",
        "UPDATE customer SET sales = -1", "UPDATE customer SET first_sale_at = NULL",
        "UPDATE customer SET last_sale_id = NULL",
        "UPDATE customer SET sale_amount = -1", "UPDATE workspace SET sale_amount = -1",
        "UPDATE workspace SET conflict_policy = 'maybe'", "UPDATE workspace SET slug = ''",
        "UPDATE click SET trigger_kind = 'wind'",
        """
        INSERT INTO token (id, workspace_id, name, digest, scopes, created_at)
        VALUES ('t', 'ws_shop', 't', 'short', '', 0)
        """,
        // UNIQUE.
        "INSERT INTO sale (id, workspace_id, customer_id, link_id, event_name, at, amount, "
            + "currency, payment_processor, invoice_id) SELECT 's9', workspace_id, customer_id, "
            + "link_id, event_name, at, amount, currency, payment_processor, invoice_id FROM sale",
        "INSERT INTO sale SELECT * FROM sale", "INSERT INTO click SELECT * FROM click",
        "INSERT INTO lead_claim SELECT * FROM lead_claim",
        "INSERT INTO conversion SELECT * FROM conversion",
        "INSERT INTO customer (id, workspace_id, external_id, created_at) "
            + "VALUES ('c9', 'ws_shop', 'ann', 0)",
        "UPDATE link SET lookup_key = 'a'", "UPDATE link SET proxy = 2",
        "UPDATE click SET is_bot = 2",
        "INSERT INTO tag VALUES ('t1', 'ws_shop', '', 'red', 0)",
        "INSERT INTO tag VALUES ('t1', 'nowhere', 'n', 'red', 0)",
        "INSERT INTO tag VALUES ('t1', 'ws_shop', 'n', 'red', 0), ('t2', 'ws_shop', 'n', 'red', 0)",
        "INSERT INTO link_tag VALUES ('a', 'never', 0)",
        // Foreign keys.
        "UPDATE sale SET customer_id = 'nobody'", "UPDATE sale SET link_id = 'nowhere'",
        "UPDATE sale SET lead_id = 'never'",
        "UPDATE lead SET customer_id = 'nobody'", "UPDATE lead SET click_id = 'never'",
        "UPDATE click SET link_id = 'nowhere'", "UPDATE customer SET link_id = 'nowhere'",
        "UPDATE link SET workspace_id = 'nowhere'", "DELETE FROM link", "DELETE FROM customer",
        "DELETE FROM workspace", "UPDATE conversion SET sale_id = 'never'",
    ])
    func refuses(sql: String) async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        _ = try await ledger.submit(Shop.sale("s1", invoice: "inv1"))
        let before = try scratch.dump()
        let error = #expect(throws: SQLError.self) {
            try scratch.database.write { try $0.execute(SQLStatement(once: sql), each: [[]]) }
        }
        guard case .constraint = error else {
            Issue.record("\(error.map { "\($0)" } ?? "accepted")")
            return
        }
        #expect(try scratch.dump() == before)
        await ledger.stop()
    }

    /// Tables are strict.
    @Test(
        .enabled(if: Engine.isSQLite),
        arguments: [
            "UPDATE link SET clicks = 'many'", "UPDATE sale SET amount = 1.5",
            "UPDATE click SET at = 'noon'", "UPDATE customer SET name = x'00'",
        ])
    func refusesAnotherType(sql: String) async throws { try await refuses(sql: sql) }

    @Test(.enabled(if: Engine.isSQLite)) func everyTableIsStrict() throws {
        let scratch = try Scratch()
        let lax = try scratch.rows(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
                + "AND strict = 0 AND name NOT LIKE 'sqlite_%'")
        #expect(try lax.map { try $0.text(0) } == [])
    }

    /// Two sales may be without an invoice, or with an empty one.
    @Test func invoicesAreUniqueOnlyIfThereIsOne() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        for (id, invoice) in [("s1", nil), ("s2", nil), ("s3", ""), ("s4", "")] {
            _ = try await ledger.submit(Shop.sale(id, invoice: invoice))
        }
        #expect(try scratch.number("SELECT count(*) FROM sale") == 4)
        await ledger.stop()
    }
}
