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
        try rows(ReadStatements.linkOnPrimaryDomain, [.text(key)]).first.map { try Link($0) }
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
                try rows(ReadStatements.customerByID, [.init(id), .init(customerID)])
            case .externalID(let externalID):
                try rows(Statements.customer, [.init(id), .text(externalID)])
            }
        return try rows.first.map { try Customer($0) }
    }

    package func customers(_ query: CustomerQuery) throws -> [Customer] {
        var filter = SQLFilter()
        filter.add("c.workspace_id = ", .init(query.workspaceID))
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
            ORDER BY c.\(query.sort.rawValue) \(order), c.id \(order)
            LIMIT \(query.page.size) OFFSET \(query.page.offset)
            """
        let customers = try rows(SQLStatement(sql), filter.arguments).map { try Customer($0) }
        return isBackward ? customers.reversed() : customers
    }

    package func links(ids: Set<LinkID>) throws -> [LinkID: Link] {
        let ids = Array(ids)
        let results = try query(ReadStatements.anyLink, each: ids.map { [.init($0)] })
        var links: [LinkID: Link] = [:]
        for (id, rows) in zip(ids, results) { links[id] = try rows.first.map { try Link($0) } }
        return links
    }
}

package enum CustomerSelector: Sendable {
    case id(CustomerID)
    case externalID(String)
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
        WHERE key = ?1 AND deleted_at IS NULL
          AND domain IN (SELECT slug FROM domain WHERE is_primary = 1)
        ORDER BY created_at LIMIT 1
        """)
    static let domains = SQLStatement(
        """
        SELECT \(Domain.columns) FROM domain
        WHERE workspace_id = ?1 AND is_archived = ?2 AND slug LIKE ?3 ESCAPE '\\'
        ORDER BY created_at DESC, id DESC LIMIT ?4 OFFSET ?5
        """)
    static let customerByID = SQLStatement(
        "SELECT \(Customer.columns("c")) FROM customer c WHERE c.workspace_id = ?1 AND c.id = ?2")
    /// Deleted ones included: events keep their link.
    static let anyLink = SQLStatement("SELECT \(LinkSQL.columns) FROM link WHERE id = ?1")
}

/// A conjunction that grows with the filters of a request. Values are always arguments.
struct SQLFilter {
    private(set) var arguments: [SQLValue] = []
    private var terms: [String] = []

    var sql: String { terms.joined(separator: " AND ") }

    mutating func add(_ comparison: String, _ value: SQLValue) {
        arguments.append(value)
        terms.append("\(comparison)?\(arguments.count)")
    }

    /// The place of one more argument in a term that is put together by hand.
    mutating func place(_ value: SQLValue) -> String {
        arguments.append(value)
        return "?\(arguments.count)"
    }

    mutating func addTerm(_ term: String) { terms.append(term) }

    mutating func addAny(_ comparisons: [String], _ value: SQLValue, suffix: String = "") {
        arguments.append(value)
        let place = "?\(arguments.count)\(suffix)"
        terms.append("(" + comparisons.map { $0 + place }.joined(separator: " OR ") + ")")
    }
}

/// `%` and `_` stand for themselves.
func escapedLike(_ text: String) -> String {
    var result = ""
    for character in text {
        if "%_\\".contains(character) { result.append("\\") }
        result.append(character)
    }
    return result
}
