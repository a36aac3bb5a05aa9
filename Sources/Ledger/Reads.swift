import Attribution

/// What the API, the caches and the command line look up. Nothing here writes.
extension SQLTransaction {
    package func workspaces() throws -> [Workspace] {
        try rows(
            SQLStatement("SELECT \(Workspace.columns("w")) FROM workspace w ORDER BY w.created_at")
        )
        .map { try Workspace($0) }
    }

    /// The token and its workspace, revoked and expired ones included.
    package func credential(digest: String) throws -> (Token, Workspace)? {
        try rows(ReadStatements.credential, [.text(digest)]).first.map {
            (try Token($0), try Workspace($0, from: Token.columnCount))
        }
    }

    package func workspace(publishableKey: String) throws -> Workspace? {
        try rows(ReadStatements.workspaceByKey, [.text(publishableKey)]).first.map {
            try Workspace($0)
        }
    }

    package func workspace(slug: String) throws -> Workspace? {
        try rows(RegistryStatements.workspaceBySlug, [.text(slug)]).first.map { try Workspace($0) }
    }

    package func allowedHostnames(of workspaceID: WorkspaceID) throws -> [String] {
        try rows(Statements.workspaceState, [.init(workspaceID)]).first.map {
            try WorkspaceState($0).allowedHostnames
        } ?? []
    }

    package func tokens(of workspaceID: WorkspaceID) throws -> [Token] {
        try rows(ReadStatements.tokens, [.init(workspaceID)]).map { try Token($0) }
    }

    package func domain(slug: String) throws -> Domain? {
        try rows(RegistryStatements.domainBySlug, [.text(slug)]).first.map { try Domain($0) }
    }

    package func primaryDomain(of workspaceID: WorkspaceID) throws -> Domain? {
        try rows(ReadStatements.primaryDomain, [.init(workspaceID)]).first.map { try Domain($0) }
    }

    /// The oldest link with this key on any workspace's primary domain.
    package func linkOnPrimaryDomain(key: String) throws -> Link? {
        try rows(ReadStatements.linkOnPrimaryDomain, [.text(foldedKey(key))]).first.map {
            try Link($0)
        }
    }

    package func domains(_ query: DomainQuery) throws -> [Domain] {
        let pattern = "%\(query.search.map(escapedLike) ?? "")%"
        return try rows(
            ReadStatements.domains,
            [
                .init(query.workspaceID), .init(query.archived), .text(pattern),
                .integer(Int64(query.page.size)), .integer(Int64(query.page.offset)),
            ]
        ).map { try Domain($0) }
    }

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
        if let linkID = query.linkID { filter.add("c.link_id = ", .text(linkID)) }
        if let country = query.country { filter.add("c.country = ", .text(country)) }
        if let search = query.search {
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
        let customers = try rows(SQLStatement(sql), filter.arguments).map { try Customer($0) }
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
        return try rows(SQLStatement(sql), filter.arguments).map {
            (try $0.optionalText(0), try $0.integer(1))
        }
    }

    package func customerCount(_ query: CustomerQuery) throws -> Int64 {
        let filter = filter(query)
        let sql = "SELECT count(*) FROM customer c WHERE \(filter.sql)"
        return try rows(SQLStatement(sql), filter.arguments)[0].integer(0)
    }

    /// The newest click that sent this visitor to an app store.
    package func storeClick(_ visit: String, since: Timestamp) throws -> Click? {
        try rows(ReadStatements.storeClick, [.text(visit), .init(since)]).first.map {
            try Click($0)
        }
    }

    package func tags(_ query: TagQuery) throws -> [Tag] {
        var filter = SQLFilter()
        filter.add("t.workspace_id = ", .init(query.workspaceID))
        if let search = query.search {
            filter.addAny(
                ["t.name LIKE "], .text("%\(escapedLike(search))%"), suffix: " ESCAPE '\\'")
        }
        if let ids = query.ids { filter.addIn("t.id", ids) }
        let order = query.ascending ? "ASC" : "DESC"
        let sql = """
            SELECT \(Tag.columns("t")) FROM tag t WHERE \(filter.sql)
            ORDER BY t.\(query.sort.rawValue) \(order), t.id \(order)
            LIMIT \(query.page.size) OFFSET \(query.page.offset)
            """
        return try rows(SQLStatement(sql), filter.arguments).map { try Tag($0) }
    }

    package func folders(
        of workspaceID: WorkspaceID, search: String?, _ page: Page
    ) throws -> [Folder] {
        try rows(
            ReadStatements.folders,
            [
                .init(workspaceID), .text("%\(search.map(escapedLike) ?? "")%"),
                .integer(Int64(page.size)), .integer(Int64(page.offset)),
            ]
        ).map { try Folder($0) }
    }
}

package struct TagQuery: Sendable {
    package enum Sort: String, Sendable {
        case name
        case createdAt = "created_at"
    }
    package var workspaceID: WorkspaceID
    package var search: String?
    package var ids: [String]?
    package var sort = Sort.name
    package var ascending = true
    package var page: Page
    package init(workspaceID: WorkspaceID, page: Page) {
        (self.workspaceID, self.page) = (workspaceID, page)
    }
}

package struct Page: Sendable {
    package var size: Int
    package var offset: Int
    package init(number: Int, size: Int) { (self.size, offset) = (size, (number - 1) * size) }
}

package struct DomainQuery: Sendable {
    package var workspaceID: WorkspaceID
    package var archived = false
    package var search: String?
    package var page: Page
    package init(workspaceID: WorkspaceID, page: Page) {
        (self.workspaceID, self.page) = (workspaceID, page)
    }
}

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
            case .link: "c.link_id"
            case .partner: "NULL"
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

enum ReadStatements {
    /// token.digest.
    static let credential = SQLStatement(
        """
        SELECT \(Token.columns("t")), \(Workspace.columns("w")) FROM token t
        JOIN workspace w ON w.id = t.workspace_id WHERE t.digest = ?1
        """)
    /// workspace.publishable_key.
    static let workspaceByKey = SQLStatement(
        "SELECT \(Workspace.columns("w")) FROM workspace w WHERE w.publishable_key = ?1")
    static let tokens = SQLStatement(
        "SELECT \(Token.columns("t")) FROM token t WHERE t.workspace_id = ?1 ORDER BY t.created_at")
    static let primaryDomain = SQLStatement(
        "SELECT \(Domain.columns) FROM domain WHERE workspace_id = ?1 AND is_primary = 1")
    static let linkOnPrimaryDomain = SQLStatement(
        """
        SELECT \(LinkSQL.columns) FROM link
        WHERE lookup_key = ?1 AND deleted_at IS NULL
          AND domain IN (SELECT slug FROM domain WHERE is_primary = 1)
        ORDER BY created_at LIMIT 1
        """)
    static let domains = SQLStatement(
        """
        SELECT \(Domain.columns) FROM domain
        WHERE workspace_id = ?1 AND is_archived = ?2 AND slug LIKE ?3 ESCAPE '\\'
        ORDER BY created_at DESC, id DESC LIMIT ?4 OFFSET ?5
        """)
    /// click_by_store_visit.
    static let storeClick = SQLStatement(
        """
        SELECT \(Click.columns) FROM click WHERE store_visit = ?1 AND at >= ?2
        ORDER BY at DESC LIMIT 1
        """)
    static let folders = SQLStatement(
        """
        SELECT \(Folder.columns("f")) FROM folder f
        WHERE f.workspace_id = ?1 AND f.name LIKE ?2 ESCAPE '\\'
        ORDER BY f.created_at DESC, f.id DESC LIMIT ?3 OFFSET ?4
        """)
    /// Deleted ones included: events keep their link.
    static let anyLink = SQLStatement("SELECT \(LinkSQL.columns) FROM link WHERE id = ?1")
}
