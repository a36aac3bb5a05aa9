import Attribution
import Ledger
import Simulation
import Synchronization
import Testing

/// The statements of the commit path, as they are run by a workload that asks for everything, and
/// how SQLite means to answer them.
@Suite(.enabled(if: Engine.isSQLite)) struct QueryPlanTests {
    /// A piece of each statement's text and the index that serves it.
    private static let indexes: [(fragment: String, index: String)] = [
        ("FROM workspace WHERE id = ?1", "sqlite_autoindex_workspace_1"),
        ("deleted_at,\n  sale_amount\nFROM link WHERE id = ?1", "sqlite_autoindex_link_1"),
        ("FROM click WHERE id = ?1", "click USING PRIMARY KEY"),
        ("FROM click\nWHERE identity = ?1", "click_by_identity"),
        ("FROM customer c\nWHERE c.workspace_id = ?1 AND c.external_id", "c USING PRIMARY KEY"),
        ("FROM lead WHERE customer_id = ?1 AND at <= ?2", "lead_by_customer"),
        ("AND at <= ?2 AND event_name = ?3", "lead_by_customer"),
        ("FROM lead_claim WHERE", "lead_claim USING PRIMARY KEY"),
        ("AND s.invoice_id = ?2", "sale_by_invoice"),
        ("WHERE s.id = ?1", "s USING PRIMARY KEY"),
        ("FROM conversion WHERE customer_id", "conversion USING PRIMARY KEY"),
        ("UPDATE link SET clicks", "sqlite_autoindex_link_1"),
        ("UPDATE customer SET sales", "customer USING PRIMARY KEY"),
        ("UPDATE customer SET link_id", "customer USING PRIMARY KEY"),
        ("UPDATE workspace SET clicks", "sqlite_autoindex_workspace_1"),
        ("FROM link WHERE id = ?1 AND deleted_at IS NULL", "sqlite_autoindex_link_1"),
        ("AND external_id = ?2 AND deleted_at IS NULL", "link_by_external_id"),
        ("AND lookup_key = ?2", "link_by_address"),
        ("AND (url = ?2) IS TRUE", "link_by_url"),
        ("AND workspace_id <> ?2 AND deleted_at IS NULL LIMIT 1", "link_by_address"),
        ("AND lower(t.name) = ?2", "tag_by_name"),
        ("FROM domain WHERE slug = ?1", "sqlite_autoindex_domain_2"),
        ("FROM domain WHERE workspace_id = ?1", "domain_by_workspace"),
        ("FROM workspace w WHERE w.slug = ?1", "sqlite_autoindex_workspace_2"),
        ("FROM token t WHERE t.id = ?1", "sqlite_autoindex_token_1"),
        ("SELECT count(*) FROM token WHERE workspace_id", "token_by_workspace"),
        ("FROM repeat_click WHERE repeat_click.id = ?1", "PRIMARY KEY"),
    ]

    /// The one table that is read whole has one row.
    private static let oneRow = "SCAN registry"

    @Test func everyStatementHasItsIndex() async throws {
        let scratch = try Scratch()
        let database = RecordingDatabase(base: scratch.database)
        let ledger = Ledger(database: database)
        var workload = Workload(seed: 21)
        var asked: Set<String> = []
        var batches = [workload.opening()]
        for _ in 0..<8 { batches.append(workload.batch(500)) }
        for batch in batches {
            asked.formUnion(batch.map(\.name))
            _ = try await ledger.submit(batch)
        }
        await ledger.stop()
        // Every command: what a workload lacks is not looked at here.
        #expect(asked.count == 27, "\(asked.sorted())")

        let plans = try database.statements.map { sql in
            (sql, try scratch.rows("EXPLAIN QUERY PLAN \(sql)").map { try $0.text(3) })
        }
        for (sql, plan) in plans {
            let scans = plan.filter { $0.hasPrefix("SCAN") && $0 != Self.oneRow }
            #expect(scans == [], "\(sql)")
            #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(sql): \(plan)")
        }
        for (fragment, index) in Self.indexes {
            let found = plans.filter { $0.0.contains(fragment) }
            #expect(!found.isEmpty, "no statement has \(fragment)")
            for (sql, plan) in found {
                #expect(plan.contains { $0.contains(index) }, "\(sql): \(plan)")
            }
        }
    }

    /// The questions of the API about one link, customer or address are answered by an index.
    @Test func readsHaveTheirIndexes() async throws {
        let scratch = try Scratch()
        let database = RecordingDatabase(base: scratch.database)
        let page = Page(number: 1, size: 10)
        var customers = CustomerQuery(workspaceID: Shop.id, page: page)
        customers.email = "a@b.test"
        let events = { @Sendable (kind: EventQuery.Kind, dimension: EventQuery.Dimension) in
            var query = EventQuery(workspaceID: Shop.id, kind: kind, page: page)
            query.filters = [.init(dimension, ["x"])]
            return query
        }
        let wanted = [
            "link_by_workspace", "customer_by_email", "click_by_link", "lead_by_link",
            "sale_by_link", "lead_by_customer", "c USING INDEX sqlite_autoindex_customer",
        ]
        try await database.read { [customers] transaction in
            _ = try transaction.links(LinkQuery(workspaceID: Shop.id, page: page))
            _ = try transaction.customers(customers)
            for kind in EventQuery.Kind.allCases {
                _ = try transaction.events(events(kind, .linkId))
            }
            _ = try transaction.events(events(.leads, .customerId))
            _ = try transaction.events(events(.sales, .customerId))
        }
        let plans = try database.statements.flatMap { sql in
            try scratch.rows("EXPLAIN QUERY PLAN \(sql)").map { try $0.text(3) }
        }
        #expect(plans.filter { $0.hasPrefix("SCAN") && !$0.contains("chain") } == [])
        for index in wanted { #expect(plans.contains { $0.contains(index) }, "\(index): \(plans)") }
    }

    /// One page of a workspace's events costs the same wherever it stands and whatever there is:
    /// it is read from its index, in the order of that, from the cursor on.
    @Test(arguments: EventQuery.Kind.allCases, [false, true])
    func pagesOfEventsAreReadFromTheirIndex(kind: EventQuery.Kind, ascending: Bool) async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        _ = try await ledger.submit([Shop.sale("s1")])
        await ledger.stop()
        let ids: [EventQuery.Kind: String] = [
            .clicks: "ca", .leads: "lead-ann-Sign up", .sales: "s1",
        ]
        let id = try #require(ids[kind])
        let cursors: [(id: String, isBackward: Bool)?] = [nil, (id, false), (id, true)]
        for cursor in cursors {
            let database = RecordingDatabase(base: scratch.database)
            try await database.read { [cursor] transaction in
                var query = EventQuery(
                    workspaceID: Shop.id, kind: kind, page: Page(number: 1, size: 100))
                (query.ascending, query.cursor) = (ascending, cursor)
                _ = try transaction.events(query)
            }
            let plans = try database.statements.map { sql in
                try scratch.rows("EXPLAIN QUERY PLAN \(sql)").map { try $0.text(3) }
            }
            let steps = plans.flatMap(\.self)
            #expect(steps.filter { $0.hasPrefix("SCAN") || $0.contains("TEMP B-TREE") } == [])
            let page = steps.filter { $0.contains("_by_workspace") }
            #expect(page.count == 1 && page[0].contains("workspace_id=? AND"), "\(steps)")
        }
    }

    /// However many events stand before it.
    @Test func aPageBehindACursorCostsNoMoreThanTheFirst() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        _ = try await ledger.submit([Shop.sale("s1")])
        await ledger.stop()
        try scratch.run(
            """
            INSERT INTO sale (id, workspace_id, customer_id, link_id, event_name, at, amount,
              currency, payment_processor)
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000)
            SELECT 'n' || i, workspace_id, customer_id, link_id, event_name, at + i, amount,
              currency, payment_processor FROM n, sale WHERE id = 's1'
            """)
        func seconds(_ cursor: (id: String, isBackward: Bool)?, ascending: Bool) async throws
            -> Duration
        {
            var query = EventQuery(
                workspaceID: Shop.id, kind: .sales, page: Page(number: 1, size: 10))
            (query.cursor, query.ascending) = (cursor, ascending)
            var best = Duration.seconds(60)
            for _ in 0..<5 {
                let start = ContinuousClock.now
                let count = try await scratch.database.read { [query] transaction in
                    try transaction.events(query).count
                }
                #expect(count == 10)
                best = min(best, ContinuousClock.now - start)
            }
            return best
        }
        let first = try await seconds(nil, ascending: false)
        for (cursor, ascending) in [
            (("n50", false), false), (("n399950", true), false), (("n399950", false), true),
            (("n50", true), true),
        ] {
            let taken = try await seconds(cursor, ascending: ascending)
            #expect(
                taken < max(first, .milliseconds(2)) * 8,
                "\(cursor), \(ascending): the first takes \(first)")
        }
    }

    @Test func oneLinkAndOneCustomerAreFoundByTheirKeys() async throws {
        let scratch = try Scratch()
        let database = RecordingDatabase(base: scratch.database)
        try await database.read { transaction in
            _ = try transaction.customer(.externalID("ann"), of: Shop.id)
            _ = try transaction.customer(.id(ID("cus-ann")), of: Shop.id)
            _ = try transaction.link(.id(ID("a")))
            _ = try transaction.link(.externalID(Shop.id, "a"))
            _ = try transaction.link(.address(domain: "go.test", key: "a"))
        }
        let plans = try database.statements.map { sql in
            (sql, try scratch.rows("EXPLAIN QUERY PLAN \(sql)").map { try $0.text(3) })
        }
        #expect(plans.count >= 5)
        for (sql, plan) in plans {
            #expect(plan.filter { $0.hasPrefix("SCAN") || $0.contains("TEMP") } == [], "\(sql)")
        }
    }

    /// The test can fail: a question without an index is a scan.
    @Test func aQuestionWithoutAnIndexIsAScan() throws {
        let scratch = try Scratch()
        let plan = try scratch.rows("EXPLAIN QUERY PLAN SELECT id FROM sale WHERE amount = ?1")
        #expect(try plan.first?.text(3).hasPrefix("SCAN") == true)
    }
}

/// The real engine, with a list of what it was asked.
private final class RecordingDatabase: SingleWriterDatabase {
    private let base: any SQLDatabase
    private let seen = Mutex<Set<String>>([])

    init(base: any SQLDatabase) { self.base = base }

    var statements: [String] { seen.withLock { $0.sorted() } }

    func write<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value {
        try base.write { try body(RecordingTransaction(base: $0, note: note)) }
    }
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLTransaction) throws -> Value
    ) async throws -> Value {
        try await base.read { [self] in
            try body(RecordingTransaction(base: $0, note: note))
        }
    }
    var singleWriter: (any SingleWriterDatabase)? { base.singleWriter == nil ? nil : self }
    func readHere<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value {
        let base = try #require(base.singleWriter)
        return try base.readHere { try body(RecordingTransaction(base: $0, note: note)) }
    }
    func registryRevision() async throws -> Int64 { try await base.registryRevision() }
    func close() throws { try base.close() }

    private func note(_ sql: String) { seen.withLock { _ = $0.insert(sql) } }
}

private struct RecordingTransaction: SQLTransaction {
    let base: any SQLTransaction
    let note: (String) -> Void

    var dialect: Dialect { base.dialect }
    func lock(_ scope: LockScope) throws { try base.lock(scope) }
    func query(_ statement: SQLStatement, each arguments: [[SQLValue]]) throws -> [[SQLRow]] {
        note(statement.sql)
        return try base.query(statement, each: arguments)
    }
    func execute(_ statement: SQLStatement, each arguments: [[SQLValue]]) throws {
        note(statement.sql)
        try base.execute(statement, each: arguments)
    }
    func run(script: String) throws { try base.run(script: script) }
}
