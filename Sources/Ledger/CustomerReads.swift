import Attribution

extension SQLTransaction {
    package func customer(_ selector: CustomerSelector, of id: WorkspaceID) throws -> Customer? {
        let rows =
            switch selector {
            case .id(let customerID):
                try rows(RegistryStatements.customerByID, [.init(id), .init(customerID)])
            case .externalID(let externalID):
                try rows(Statements.customer, [.init(id), .text(externalID)])
            }
        return try rows.first.map { try Customer($0) }
    }

    private func filter(_ query: CustomerQuery) -> SQLFilter {
        var filter = SQLFilter()
        filter.add("c.workspace_id = ", .init(query.workspaceID))
        filter.addTerm("c.deleted_at IS NULL")
        if let email = query.email { filter.add("c.email = ", .text(email)) }
        if let externalID = query.externalID { filter.add("c.external_id = ", .text(externalID)) }
        if let linkID = query.linkID {
            filter.add("c.link_id = ", .text(linkID))
            filter.addTerm("\(linkOfCustomer) IS NOT NULL")
        }
        if let country = query.country { filter.add("c.country = ", .text(country)) }
        if let search = query.search, search.hasPrefix("cus_") {
            filter.add("c.id = ", .text(search))
        } else if let search = query.search {
            let pattern = SQLValue.text("%\(escapedLike(search))%")
            filter.addAny(
                ["c.name", "c.email", "c.external_id"].map { "\($0) LIKE " }, pattern,
                suffix: " ESCAPE '\\'")
        }
        if query.matchesNothing { filter.addTerm("1 = 0") }
        return filter
    }

    package func customers(_ query: CustomerQuery) throws -> [Customer] {
        var filter = filter(query)
        // Before a cursor: the other way round from the cursor, then turned.
        let isBackward = query.cursor?.isBackward == true
        let ascends = query.ascending != isBackward
        if let cursor = query.cursor {
            let createdAt = filter.place(.init(cursor.createdAt))
            let id = filter.place(.init(cursor.id))
            filter.addTerm("(c.created_at, c.id) \(ascends ? ">" : "<") (\(createdAt), \(id))")
        }
        let order = ascends ? "ASC" : "DESC"
        let sql = """
            SELECT \(Customer.columns("c")) FROM customer c WHERE \(filter.sql)
            ORDER BY \(query.sort.column) \(order), c.id \(order)
            LIMIT \(query.page.size) OFFSET \(query.page.offset)
            """
        let customers = try rows(SQLStatement(once: sql), filter.arguments).map { try Customer($0) }
        return isBackward ? customers.reversed() : customers
    }

    /// How many customers have each value, most first. nil stands for none.
    package func customerCounts(
        _ query: CustomerQuery, by group: CustomerQuery.Group
    ) throws -> [(value: String?, count: Int64)] {
        let filter = filter(query)
        let sql = """
            SELECT \(group.column), count(*) FROM customer c WHERE \(filter.sql)
            GROUP BY \(group.column) ORDER BY count(*) DESC, \(group.column) LIMIT 1000
            """
        return try rows(SQLStatement(once: sql), filter.arguments).map {
            (try $0.optionalText(0), try $0.integer(1))
        }
    }

    package func customerCount(_ query: CustomerQuery) throws -> Int64 {
        let filter = filter(query)
        let sql = "SELECT count(*) FROM customer c WHERE \(filter.sql)"
        return try rows(SQLStatement(once: sql), filter.arguments)[0].integer(0)
    }
}

/// The customer's link; one that was deleted is none.
private let linkOfCustomer = "(SELECT id FROM link WHERE id = c.link_id AND deleted_at IS NULL)"

package struct CustomerQuery: Sendable {
    package enum Sort: String, Sendable {
        case createdAt = "created_at"
        case saleAmount = "sale_amount"
        case firstSaleAt = "first_sale_at"
        case subscriptionCanceledAt = "subscription_canceled_at"

        /// What has no value comes last, on every engine.
        var column: String {
            switch self {
            case .createdAt, .saleAmount: "c.\(rawValue)"
            case .firstSaleAt, .subscriptionCanceledAt: "coalesce(c.\(rawValue), 0)"
            }
        }
    }
    package enum Group: String, Sendable, CaseIterable {
        case country
        case link = "linkId"
        case partner = "partnerId"

        var column: String {
            switch self {
            case .country: "c.country"
            case .link: linkOfCustomer
            case .partner: "CAST(NULL AS TEXT)"
            }
        }
    }
    /// The customer after whom, or before whom, the page stands.
    package struct Cursor: Sendable {
        let id: CustomerID
        let createdAt: Timestamp
        let isBackward: Bool
        package init(_ customer: Customer, isBackward: Bool) {
            (id, createdAt) = (customer.id, customer.createdAt)
            self.isBackward = isBackward
        }
    }
    package var workspaceID: WorkspaceID
    package var email: String?
    package var externalID: String?
    package var search: String?
    package var country: String?
    package var linkID: String?
    /// A filter that no customer of this server can meet was asked for.
    package var matchesNothing = false
    package var sort: Sort = .createdAt
    /// Only with `createdAt`.
    package var cursor: Cursor?
    package var ascending = false
    package var page: Page
    package init(workspaceID: WorkspaceID, page: Page) {
        (self.workspaceID, self.page) = (workspaceID, page)
    }
}
