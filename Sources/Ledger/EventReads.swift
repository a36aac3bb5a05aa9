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

extension SQLTransaction {
    package func events(_ query: EventQuery) throws -> [EventRecord] {
        var partial: [PartialEvent]
        if query.kind == .clicks, query.matchesMetadata != nil {
            // Clicks have none.
            partial = []
        } else if let matches = query.matchesMetadata {
            partial = try matching(query, matches)
        } else {
            partial = try page(query, size: query.page.size, offset: query.page.offset)
        }
        if query.cursor?.isBackward == true { partial.reverse() }
        return try complete(partial)
    }

    /// The page among the events whose metadata are asked for, a thousand at a time.
    private func matching(
        _ query: EventQuery, _ matches: (String?) -> Bool
    ) throws -> [PartialEvent] {
        let wanted = query.page.offset + query.page.size
        var found: [PartialEvent] = []
        var rest = query
        var scanned = 0
        while found.count < wanted, scanned < eventScanMax {
            let part = try page(rest, size: 1_000, offset: 0)
            found += part.filter { matches($0.metadata) }
            scanned += part.count
            guard part.count == 1_000, let last = part.last else { break }
            rest.cursor = (last.id, query.cursor?.isBackward == true)
        }
        return Array(found.dropFirst(query.page.offset).prefix(query.page.size))
    }

    private func page(_ query: EventQuery, size: Int, offset: Int) throws -> [PartialEvent] {
        var query = query
        let ascends = query.ascending != (query.cursor?.isBackward == true)
        if let cursor = query.cursor {
            guard let edge = try moment(of: cursor.id, query.kind) else { return [] }
            // Engines begin to read at a bound of the time, not at one of a pair.
            if ascends {
                query.from = max(query.from, edge)
            } else {
                query.to = min(query.to, edge)
            }
        }
        var filter = query.conditions()
        let chain = query.customer.map { salesChain($0, &filter) }
        if let cursor = query.cursor {
            let id = filter.place(.text(cursor.id))
            filter.addTerm(
                """
                (e.at, e.id) \(ascends ? ">" : "<")
                  (SELECT at, id FROM \(query.kind.table) WHERE id = \(id))
                """)
        }
        let order = ascends ? "ASC" : "DESC"
        let sql = """
            \(chain?.definition ?? "")SELECT \(query.kind.columns)
            FROM \(chain?.source ?? "")\(query.kind.source)
            \(query.needsLink ? "LEFT JOIN link l ON l.id = e.link_id" : "")
            WHERE \(filter.sql)
            ORDER BY e.at \(order), e.id \(order)
            LIMIT \(size) OFFSET \(offset)
            """
        return try rows(SQLStatement(once: sql), filter.arguments).map {
            try PartialEvent($0, query.kind)
        }
    }

    /// nil: there is no such event.
    private func moment(of id: String, _ kind: EventQuery.Kind) throws -> Timestamp? {
        let sql = SQLStatement(once: "SELECT at FROM \(kind.table) WHERE id = ?1")
        return try rows(sql, [.text(id)]).first?.moment(0)
    }

    /// Whether the workspace has an event of this kind and id.
    package func hasEvent(_ id: String, _ query: EventQuery) throws -> Bool {
        let sql = "SELECT 1 FROM \(query.kind.table) WHERE id = ?1 AND workspace_id = ?2"
        return try !rows(SQLStatement(once: sql), [.text(id), .init(query.workspaceID)]).isEmpty
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

    /// Adds the links and customers of a page, each read once.
    private func complete(_ events: [PartialEvent]) throws -> [EventRecord] {
        let links = try links(ids: Set(events.map(\.linkID)), includingDeleted: true)
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
    let id: String
    let linkID: LinkID
    let customerID: CustomerID?
    var metadata: String? {
        switch payload {
        case .click: nil
        case .lead(let lead): lead.metadata
        case .sale(let sale): sale.metadata
        }
    }

    init(_ row: SQLRow, _ kind: EventQuery.Kind) throws {
        switch kind {
        case .clicks:
            let click = try Click(row)
            (at, payload, self.click) = (click.at, .click, click)
            (id, linkID, customerID) = (click.id.text, click.linkID, nil)
        case .leads:
            let lead = try Lead(row)
            (at, payload) = (lead.at, .lead(lead))
            click = try Self.click(row, from: Lead.columnCount)
            (id, linkID, customerID) = (lead.id.text, lead.linkID, lead.customerID)
        case .sales:
            let sale = try Sale(row)
            (at, payload) = (sale.at, .sale(sale))
            click = try Self.click(row, from: Sale.columnCount)
            (id, linkID, customerID) = (sale.id.text, sale.linkID, sale.customerID)
        }
    }

    private static func click(_ row: SQLRow, from first: Int) throws -> Click? {
        row.values[first] == .null ? nil : try Click(row, from: first)
    }
}

extension EventQuery.Kind {
    /// The table as `e` and its clicks as `k`.
    fileprivate var source: String {
        switch self {
        case .clicks: "click e LEFT JOIN click k ON k.id = e.id"
        case .leads, .sales: "\(table) e LEFT JOIN click k ON k.id = e.click_id"
        }
    }
    fileprivate var columns: String {
        switch self {
        case .clicks: clickColumns(of: "e")
        case .leads: "\(Lead.columns("e")), \(clickColumns(of: "k"))"
        case .sales: "\(Sale.columns("e")), \(clickColumns(of: "k"))"
        }
    }
}

/// How many events a question about metadata looks at.
private let eventScanMax = 200_000

private func clickColumns(of table: String) -> String {
    prefixed(table, Click.columns.split(separator: ", ").joined(separator: " "))
}

extension ReadStatements {
    fileprivate static let anyCustomer = SQLStatement(
        "SELECT \(Customer.columns("c")) FROM customer c WHERE c.id = ?1")
}
