import Attribution

/// One line of `GET /events`, with everything that the answer shows about it.
package struct EventRecord: Sendable {
    package enum Payload: Sendable {
        case click
        case lead(Lead)
        case sale(Sale)
    }
    package var at: Timestamp
    package var payload: Payload
    /// nil if the event was not led to by a click.
    package var click: Click?
    package var link: Link
    package var customer: Customer?
}

package struct EventQuery: Sendable {
    package enum Kind: String, Sendable, CaseIterable { case clicks, leads, sales }

    package var workspaceID: WorkspaceID
    package var kind: Kind
    package var linkIDs: [String] = []
    package var customerID: String?
    package var domain: String?
    package var key: String?
    package var from: Timestamp = .distantPast
    package var to: Timestamp = .distantFuture
    package var ascending = false
    package var page: Page

    package init(workspaceID: WorkspaceID, kind: Kind, page: Page) {
        (self.workspaceID, self.kind, self.page) = (workspaceID, kind, page)
    }
}

extension SQLTransaction {
    package func events(_ query: EventQuery) throws -> [EventRecord] {
        var filter = filter(query)
        let chain = query.kind == .sales ? query.customerID.map { salesChain($0, &filter) } : nil
        let order = query.ascending ? "ASC" : "DESC"
        let table = query.kind.table
        let join = query.kind == .clicks ? "" : " LEFT JOIN click k ON k.id = e.click_id"
        let columns =
            query.kind.columns + (query.kind == .clicks ? "" : ", \(clickColumns(of: "k"))")
        let sql = """
            \(chain?.definition ?? "")SELECT \(columns) FROM \(chain?.source ?? "")\(table) e\(join)
            WHERE \(filter.sql)
            ORDER BY e.at \(order), e.id \(order)
            LIMIT \(query.page.size) OFFSET \(query.page.offset)
            """
        let rows = try rows(SQLStatement(sql), filter.arguments)
        return try complete(rows.map { try PartialEvent($0, query.kind) })
    }

    /// The customer's sales, from the last one back; `CROSS JOIN` keeps SQLite from beginning with
    /// the workspace's sales instead.
    private func salesChain(
        _ customerID: String, _ filter: inout SQLFilter
    ) -> (definition: String, source: String) {
        let id = filter.place(.text(customerID))
        filter.addTerm("e.id = chain.id")
        let definition = """
            WITH RECURSIVE chain (id, previous) AS (
              SELECT s.id, s.previous_sale_id FROM customer c JOIN sale s ON s.id = c.last_sale_id
              WHERE c.id = \(id)
              UNION SELECT s.id, s.previous_sale_id FROM chain JOIN sale s ON s.id = chain.previous
            )

            """
        return (definition, "chain CROSS JOIN ")
    }

    private func filter(_ query: EventQuery) -> SQLFilter {
        var filter = SQLFilter()
        filter.add("e.workspace_id = ", .init(query.workspaceID))
        filter.add("e.at >= ", .init(query.from))
        filter.add("e.at <= ", .init(query.to))
        if !query.linkIDs.isEmpty { filter.addIn("e.link_id", query.linkIDs) }
        if let customerID = query.customerID {
            if query.kind == .clicks {
                filter.addWrapped(
                    "e.id = (SELECT click_id FROM customer WHERE id = ", .text(customerID), ")")
            } else if query.kind == .leads {
                filter.add("e.customer_id = ", .text(customerID))
            }
        }
        if let domain = query.domain {
            filter.addWrapped(
                "e.link_id IN (SELECT id FROM link WHERE domain = ", .text(domain), ")")
        }
        if let key = query.key {
            filter.addWrapped("e.link_id IN (SELECT id FROM link WHERE key = ", .text(key), ")")
        }
        return filter
    }

    /// Adds the links and customers of a page, each read once.
    private func complete(_ events: [PartialEvent]) throws -> [EventRecord] {
        let links = try links(ids: Set(events.map(\.linkID)))
        let customerIDs = Array(Set(events.compactMap(\.customerID)))
        var customers: [CustomerID: Customer] = [:]
        let rows = try query(ReadStatements.anyCustomer, each: customerIDs.map { [.init($0)] })
        for (id, rows) in zip(customerIDs, rows) {
            customers[id] = try rows.first.map { try Customer($0) }
        }
        return events.compactMap { event in
            links[event.linkID].map { link in
                EventRecord(
                    at: event.at, payload: event.payload, click: event.click, link: link,
                    customer: event.customerID.flatMap { customers[$0] })
            }
        }
    }
}

private struct PartialEvent {
    let at: Timestamp
    let payload: EventRecord.Payload
    let click: Click?
    let linkID: LinkID
    let customerID: CustomerID?

    init(_ row: SQLRow, _ kind: EventQuery.Kind) throws {
        switch kind {
        case .clicks:
            let click = try Click(row)
            (at, payload, self.click) = (click.at, .click, click)
            (linkID, customerID) = (click.linkID, nil)
        case .leads:
            let lead = try Lead(row)
            (at, payload) = (lead.at, .lead(lead))
            click = try Self.click(row, from: Lead.columnCount)
            (linkID, customerID) = (lead.linkID, lead.customerID)
        case .sales:
            let sale = try Sale(row)
            (at, payload) = (sale.at, .sale(sale))
            click = try Self.click(row, from: Sale.columnCount)
            (linkID, customerID) = (sale.linkID, sale.customerID)
        }
    }

    private static func click(_ row: SQLRow, from first: Int) throws -> Click? {
        row.values[first] == .null ? nil : try Click(row, from: first)
    }
}

extension EventQuery.Kind {
    fileprivate var table: String {
        switch self {
        case .clicks: "click"
        case .leads: "lead"
        case .sales: "sale"
        }
    }
    fileprivate var columns: String {
        switch self {
        case .clicks: clickColumns(of: "e")
        case .leads: Lead.columns("e")
        case .sales: Sale.columns("e")
        }
    }
}

private func clickColumns(of table: String) -> String {
    prefixed(table, Click.columns.split(separator: ", ").joined(separator: " "))
}

extension ReadStatements {
    fileprivate static let anyCustomer = SQLStatement(
        "SELECT \(Customer.columns("c")) FROM customer c WHERE c.id = ?1")
}

extension SQLFilter {
    fileprivate mutating func addIn(_ column: String, _ values: [String]) {
        let places = values.map { value in place(.text(value)) }
        addTerm("\(column) IN (\(places.joined(separator: ", ")))")
    }
    fileprivate mutating func addWrapped(_ before: String, _ value: SQLValue, _ after: String) {
        addTerm(before + place(value) + after)
    }
}
