import Attribution

/// A counter that does not equal what the events say.
package struct Difference: Equatable, Sendable {
    package var record: String
    package var id: String
    package var counter: String
    package var stored: Int64
    package var recomputed: Int64
}

package struct Verification: Sendable {
    package var differences: [Difference] = []
    package var checked: [(record: String, count: Int64)] = []
    /// What the events add up to, for people to read.
    package var totals: [(name: String, value: Int128)] = []

    package init() {}
}

extension SQLTransaction {
    /// Recomputes every counter and total from the events and compares to the cent. One snapshot:
    /// it may run while the server does.
    package func verify(_ progress: (String) -> Void = { _ in }) throws -> Verification {
        var result = Verification()
        for check in Check.all {
            progress(check.record)
            for row in try rows(SQLStatement(once: check.sql)) {
                result.differences.append(
                    Difference(
                        record: check.record, id: try row.text(0), counter: try row.text(1),
                        stored: try row.integer(2), recomputed: try row.integer(3)))
            }
        }
        for record in ["workspace", "link", "customer", "click", "lead", "sale"] {
            let count = try rows(SQLStatement(once: "SELECT count(*) FROM \(record)"))[0].integer(0)
            result.checked.append((record, count))
        }
        for row in try rows(SQLStatement(once: currencyTotals)) {
            let total = (Int128(try row.integer(1)) << 32) + Int128(try row.integer(2))
            result.totals.append((try row.text(0), total))
        }
        return result
    }
}

/// In two halves: the total of a currency over all workspaces may not fit into 64 bits.
private let currencyTotals = """
    SELECT currency, sum(amount / 4294967296), sum(amount % 4294967296)
    FROM sale GROUP BY currency ORDER BY currency
    """

/// Clicks of programs are kept and not counted.
private let countedClicks = "(SELECT * FROM click WHERE is_bot = 0)"

/// One comparison: rows of (id, counter, stored, recomputed) for what differs.
private struct Check {
    let record: String
    let sql: String

    /// Compares a record's column with a number computed from another table.
    private static func counter(
        _ record: String, _ column: String, _ number: String, of events: String, by key: String
    ) -> Check {
        Check(
            record: record,
            sql: """
                SELECT r.id, '\(column)', r.\(column), coalesce(e.n, 0) FROM \(record) r
                LEFT JOIN (
                  SELECT \(key) AS id, \(number) AS n FROM \(events) events GROUP BY \(key)) e
                  ON e.id = r.id
                WHERE r.\(column) <> coalesce(e.n, 0)
                """)
    }

    /// Compares a record's moment with the first or last one of its events; 0 stands for none.
    private static func moment(
        _ record: String, _ column: String, _ moment: String, of events: String, by key: String
    ) -> Check {
        Check(
            record: record,
            sql: """
                SELECT r.id, '\(column)', coalesce(r.\(column), 0), coalesce(e.n, 0)
                FROM \(record) r
                LEFT JOIN (
                  SELECT \(key) AS id, \(moment) AS n FROM \(events) events GROUP BY \(key)) e
                  ON e.id = r.id
                WHERE coalesce(r.\(column), 0) <> coalesce(e.n, 0)
                """)
    }

    static let all: [Check] =
        ["workspace", "link"].flatMap { record in
            let key = "\(record)_id"
            return [
                counter(record, "clicks", "count(*)", of: countedClicks, by: key),
                counter(record, "leads", "count(*)", of: "lead", by: key),
                counter(record, "sales", "count(*)", of: "sale", by: key),
                counter(record, "sale_amount", "sum(base_amount)", of: "sale", by: key),
            ]
        } + [
            counter("link", "conversions", "count(*)", of: "conversion", by: "link_id"),
            moment("link", "last_clicked", "max(at)", of: countedClicks, by: "link_id"),
            moment(
                "link", "last_conversion_at", "max(at)",
                of: """
                    (SELECT v.link_id, s.at FROM conversion v JOIN sale s ON s.id = v.sale_id)
                    """, by: "link_id"),
            moment("link", "last_lead_at", "max(at)", of: "lead", by: "link_id"),
            counter("customer", "sales", "count(*)", of: "sale", by: "customer_id"),
            counter("customer", "sale_amount", "sum(base_amount)", of: "sale", by: "customer_id"),
            moment("customer", "first_sale_at", "min(at)", of: "sale", by: "customer_id"),
            // A conversion is the first sale of a customer through a link: one for each such pair.
            Check(
                record: "conversion",
                sql: """
                    SELECT customer_id || ' ' || link_id, 'conversions', sum(stored), sum(found)
                    FROM (SELECT customer_id, link_id, 1 AS stored, 0 AS found FROM conversion
                      UNION ALL SELECT DISTINCT customer_id, link_id, 0, 1 FROM sale) pairs
                    GROUP BY customer_id, link_id HAVING sum(stored) <> sum(found)
                    """),
            // A customer's sales are found through their chain: it must hold them all.
            Check(
                record: "customer",
                sql: """
                    WITH RECURSIVE chain (customer_id, id, previous) AS (
                      SELECT c.id, s.id, s.previous_sale_id FROM customer c
                      JOIN sale s ON s.id = c.last_sale_id AND s.customer_id = c.id
                      UNION SELECT chain.customer_id, s.id, s.previous_sale_id FROM chain
                      JOIN sale s ON s.id = chain.previous AND s.customer_id = chain.customer_id)
                    SELECT c.id, 'sales in the chain', c.sales, coalesce(e.n, 0) FROM customer c
                    LEFT JOIN (SELECT customer_id, count(*) AS n FROM chain GROUP BY customer_id) e
                      ON e.customer_id = c.id
                    WHERE c.sales <> coalesce(e.n, 0)
                    """),
            Check(
                record: "sale",
                sql: """
                    SELECT id, 'base_amount', coalesce(base_amount, -1),
                      CASE WHEN currency = 'usd' THEN amount ELSE -1 END
                    FROM sale WHERE (currency = 'usd' AND coalesce(base_amount, -1) <> amount)
                      OR (currency <> 'usd' AND base_amount IS NOT NULL)
                    """),
        ]
}
