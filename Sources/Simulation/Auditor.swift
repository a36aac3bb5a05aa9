import Attribution
import Ledger

/// What a comparison found: tables, rows, counters.
package struct Finding: Error, CustomStringConvertible, Sendable {
    package let description: String
    init(_ description: String) { self.description = description }
}

/// Compares the database with the model, and with itself.
struct Auditor: Sendable {
    private(set) var rowsCompared = 0
    /// Recorded sales of each workspace by the answers that were given, and their sum in the base
    /// currency: kept apart from the model, so that both would have to be wrong alike.
    private var answered: [String: (sales: Int64, amount: Int64)] = [:]

    // MARK: After each batch

    mutating func note(_ command: Command, answer: String) {
        let words = answer.split(separator: " ")
        guard case .recordSale(let sale) = command, words.count == 8, words[0] == "sale" else {
            return
        }
        var sums = answered[sale.customer.workspaceID.text] ?? (0, 0)
        sums.sales += 1
        if words[7] == "usd" { sums.amount &+= Int64(words[6]) ?? 0 }
        answered[sale.customer.workspaceID.text] = sums
    }

    /// The totals that each batch moves against the answers so far.
    func checkTotals(_ database: any SQLDatabase) async throws {
        let rows = try await database.read { try $0.rows(Self.totals) }
        for row in rows {
            let id = try row.text(0)
            let (sales, amount) = answered[id] ?? (0, 0)
            guard try row.integer(1) == sales, try row.integer(2) == amount else {
                throw Finding(
                    """
                    workspace \(id): the answers so far add up to \(sales) sales of \(amount), \
                    its totals are \(try row.integer(1)) and \(try row.integer(2))
                    """)
            }
        }
    }

    private static let totals = SQLStatement("SELECT id, sales, sale_amount FROM workspace")

    // MARK: All rows

    /// Every row of every table against the model's.
    mutating func compare(_ database: any SQLDatabase, with model: Model) async throws {
        let found = try await Self.rows(of: database)
        if let difference = compare(found, with: model) { throw Finding(difference) }
    }

    /// What differs, shortened; nil if nothing does.
    mutating func compare(_ found: [String: [String]], with model: Model) -> String? {
        let expected = model.rows().mapValues { $0.map(asciiText) }
        var lines: [String] = []
        for table in Set(found.keys).union(expected.keys).sorted() {
            let (found, expected) = (
                (found[table] ?? []).sorted(), (expected[table] ?? []).sorted()
            )
            rowsCompared += found.count
            if found == expected { continue }
            let missing = Self.difference(expected, found)
            let surplus = Self.difference(found, expected)
            lines.append("table \(table): \(found.count) rows, the model has \(expected.count)")
            lines += missing.prefix(4).map { "  model:    \($0)" }
            lines += surplus.prefix(4).map { "  database: \($0)" }
            if missing.isEmpty, surplus.isEmpty { lines.append("  a row is there twice") }
        }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }

    private static func difference(_ a: [String], _ b: [String]) -> [String] {
        let other = Set(b)
        return a.filter { !other.contains($0) }
    }

    static func rows(of database: any SQLDatabase) async throws -> [String: [String]] {
        try await database.read { transaction in
            var rows: [String: [String]] = [:]
            for (table, statement) in tables {
                rows[table] = try transaction.rows(statement).map { row in
                    row.values.map(shown).joined(separator: "|")
                }
            }
            return rows
        }
    }

    private static func shown(_ value: SQLValue) -> String {
        switch value {
        case .null: "-"
        case .integer(let number): "\(number)"
        case .text(let text): asciiText(text)
        }
    }

    private static let tables: [(String, SQLStatement)] = [
        (
            "sale",
            """
            id, workspace_id, customer_id, link_id, click_id, lead_id, event_name, at, amount,
              currency, base_amount, payment_processor, invoice_id, metadata, previous_sale_id
            """
        ),
        ("lead", "id, workspace_id, customer_id, link_id, click_id, event_name, at, metadata"),
        ("lead_claim", "customer_id, event_name, lead_id"),
        ("click", "id, workspace_id, link_id, at, url, is_bot"),
        ("repeat_click", "id, click_id"),
        (
            "customer",
            """
            id, workspace_id, CASE WHEN deleted_at IS NULL THEN external_id ELSE 'deleted' END,
              name, email, link_id, click_id, created_at, sales, sale_amount, first_sale_at,
              deleted_at IS NOT NULL
            """
        ),
        ("conversion", "customer_id, link_id, sale_id"),
        (
            "link",
            """
            id, workspace_id, domain, key, url, external_id, disabled_at IS NOT NULL,
              deleted_at IS NOT NULL, clicks, leads, conversions, sales, sale_amount, last_clicked,
              last_lead_at, last_conversion_at
            """
        ),
        ("workspace", "id, clicks, leads, sales, sale_amount, conflict_policy"),
        ("token", "id, workspace_id, revoked_at IS NOT NULL"),
        (
            "rejection",
            """
            id, workspace_id, endpoint, reason, detail, at, customer_external_id, invoice_id,
              attempts, last_tried_at
            """
        ),
    ].map { table, columns in
        (table == "lead_claim" ? "claim" : table, SQLStatement("SELECT \(columns) FROM \(table)"))
    }

    // MARK: The database with itself

    /// Every counter is what the events say, and the same money stands in sales, links, customers
    /// and workspaces.
    func checkBooks(_ database: any SQLDatabase) async throws {
        let (differences, sums) = try await database.read { transaction in
            let sums = try Self.sums.map { name, statement in
                (name, try transaction.rows(statement).map { row in row.values.map(Self.shown) })
            }
            return (try transaction.verify().differences, sums)
        }
        if let first = differences.first {
            throw Finding("verify found \(differences.count) differences, the first: \(first)")
        }
        for (name, rows) in sums where rows != sums[0].1 {
            throw Finding("money of \(name): \(rows), of \(sums[0].0): \(sums[0].1)")
        }
    }

    /// The money of each workspace fits into 64 bits: what would not was refused.
    private static let sums: [(String, SQLStatement)] = [
        ("workspaces", "SELECT id, sale_amount FROM workspace WHERE sales > 0 ORDER BY id"),
        ("sales", sum("base_amount", of: "sale", "1")),
        ("links", sum("sale_amount", of: "link", "sales > 0")),
        ("customers", sum("sale_amount", of: "customer", "sales > 0")),
    ].map { ($0, SQLStatement($1)) }

    private static func sum(_ column: String, of table: String, _ condition: String) -> String {
        """
        SELECT workspace_id, coalesce(sum(\(column)), 0) FROM \(table) WHERE \(condition)
        GROUP BY workspace_id ORDER BY workspace_id
        """
    }

    /// SQLite's own opinion of the file.
    func checkFile(_ database: any SQLDatabase) async throws {
        let found = try await database.read { transaction in
            try transaction.rows(SQLStatement("PRAGMA integrity_check")).map { try $0.text(0) }
        }
        if found != ["ok"] { throw Finding("integrity_check: \(found.prefix(3))") }
    }
}
