import Attribution

/// What the API, the caches and the command line look up. Nothing here writes.
extension SQLTransaction {
    package func workspaces() throws -> [Workspace] {
        try rows(
            SQLStatement(
                once: "SELECT \(Workspace.columns("w")) FROM workspace w ORDER BY w.created_at")
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
        return try rows(SQLStatement(once: sql), filter.arguments).map { try Tag($0) }
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
