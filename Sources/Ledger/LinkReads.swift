import Attribution

extension SQLTransaction {
    /// A link that is not deleted, of whichever workspace.
    package func link(_ selector: LinkSelector) throws -> Link? {
        let rows =
            switch selector {
            case .id(let id): try rows(RegistryStatements.linkByID, [.init(id)])
            case .externalID(let workspaceID, let externalID):
                try rows(
                    RegistryStatements.linkByExternalID, [.init(workspaceID), .text(externalID)])
            case .address(let domain, let key): try linkRows(domain: domain, key: key)
            }
        return try tagged(rows.prefix(1).map { try Link($0) }).first
    }

    /// Whatever the key's case. Older keys that differ in case only are found as they are spelled.
    private func linkRows(domain: String, key: String) throws -> [SQLRow] {
        let folded = foldedKey(key)
        if !isSame(folded, key) {
            let exact = try rows(RegistryStatements.linkByAddress, [.text(domain), .text(key)])
            if !exact.isEmpty { return exact }
        }
        return try rows(RegistryStatements.linkByAddress, [.text(domain), .text(folded)])
    }

    /// The links with their tags.
    package func tagged(_ links: [Link]) throws -> [Link] {
        let tags = try query(RegistryStatements.tagsOfLink, each: links.map { [.init($0.id)] })
        return try zip(links, tags).map { link, rows in
            var link = link
            link.tags = try rows.map { try Tag($0) }
            return link
        }
    }

    /// By id. Events keep their link when it is deleted, customers lose it.
    package func links(
        ids: Set<LinkID>, includingDeleted: Bool = false
    ) throws -> [LinkID: Link] {
        let statement =
            includingDeleted ? ReadStatements.anyLink : RegistryStatements.linkByID
        let results = try query(statement, each: ids.map { [.init($0)] })
        let links = try tagged(results.flatMap { $0 }.map { try Link($0) })
        return Dictionary(links.map { ($0.id, $0) }) { first, _ in first }
    }

    package func links(_ query: LinkQuery) throws -> [Link] {
        var filter = filter(query)
        // Before a cursor: the other way round from the cursor, then turned.
        let isBackward = query.cursor?.isBackward == true
        let ascends = query.ascending != isBackward
        if let cursor = query.cursor {
            let createdAt = filter.place(.init(cursor.link.createdAt))
            let id = filter.place(.init(cursor.link.id))
            filter.addTerm("(l.created_at, l.id) \(ascends ? ">" : "<") (\(createdAt), \(id))")
        }
        let order = ascends ? "ASC" : "DESC"
        // What has no value comes last, on every engine.
        let column = query.sort == .lastClicked ? "coalesce(l.last_clicked, 0)" : query.sort.column
        let sql = """
            SELECT \(LinkSQL.columns("l")) FROM link l WHERE \(filter.sql)
            ORDER BY \(column) \(order), l.id \(order)
            LIMIT \(query.page.size) OFFSET \(query.page.offset)
            """
        let links = try rows(SQLStatement(once: sql), filter.arguments).map { try Link($0) }
        return try tagged(isBackward ? links.reversed() : links)
    }

    package func linkCount(_ query: LinkQuery) throws -> Int64 {
        let filter = filter(query)
        let sql = "SELECT count(*) FROM link l WHERE \(filter.sql)"
        return try rows(SQLStatement(once: sql), filter.arguments)[0].integer(0)
    }

    /// How many links have each value, most first. nil stands for none.
    package func linkCounts(
        _ query: LinkQuery, by group: LinkQuery.Group
    ) throws -> [(value: String?, count: Int64)] {
        let filter = filter(query)
        let join = group == .tag ? "JOIN link_tag g ON g.link_id = l.id" : ""
        let sql = """
            SELECT \(group.column), count(*) FROM link l \(join) WHERE \(filter.sql)
            GROUP BY \(group.column) ORDER BY count(*) DESC, \(group.column) LIMIT 1000
            """
        return try rows(SQLStatement(once: sql), filter.arguments).map {
            (try $0.optionalText(0), try $0.integer(1))
        }
    }

    /// Links made in the calendar month of a moment.
    package func linksMade(by workspaceID: WorkspaceID, since: Timestamp) throws -> Int64 {
        try rows(RegistryStatements.linksSince, [.init(workspaceID), .init(since)])[0].integer(0)
    }

    private func filter(_ query: LinkQuery) -> SQLFilter {
        var filter = SQLFilter()
        filter.add("l.workspace_id = ", .init(query.workspaceID))
        filter.addTerm("l.deleted_at IS NULL")
        if !query.includesArchived { filter.addTerm("l.archived = 0") }
        if let domain = query.domain { filter.add("l.domain = ", .text(domain)) }
        if let tenantID = query.tenantID { filter.add("l.tenant_id = ", .text(tenantID)) }
        if let selected = query.selected {
            filter.addInAny([
                ("l.id", selected.ids.map(\.text)), ("l.external_id", selected.externalIDs),
            ])
        }
        if let ids = query.tagIDs {
            filter.addIn("l.id IN (SELECT link_id FROM link_tag WHERE tag_id", ids, ")")
        }
        if let names = query.tagNames {
            filter.addIn(
                """
                l.id IN (SELECT j.link_id FROM link_tag j JOIN tag t ON t.id = j.tag_id
                WHERE t.workspace_id = l.workspace_id AND lower(t.name)
                """, names.map(asciiLowercased), ")")
        }
        switch query.folder {
        case .any: break
        case .none: filter.addTerm("l.folder_id IS NULL")
        case .some(let id): filter.add("l.folder_id = ", .text(id))
        }
        if let search = query.search {
            // The short link is searched too, with or without its scheme.
            let columns = [
                "l.url", "l.title", "l.external_id", "'https://' || l.domain || '/' || l.key",
            ]
            filter.addAny(
                columns.map { "\($0) LIKE " }, .text("%\(escapedLike(search))%"),
                suffix: " ESCAPE '\\'")
        }
        if query.matchesNothing { filter.addTerm("1 = 0") }
        return filter
    }
}

package struct LinkQuery: Sendable {
    package enum Sort: String, Sendable, CaseIterable {
        case createdAt, clicks, saleAmount, lastClicked

        var column: String {
            switch self {
            case .createdAt: "l.created_at"
            case .clicks: "l.clicks"
            case .saleAmount: "l.sale_amount"
            case .lastClicked: "l.last_clicked"
            }
        }
    }
    package enum Group: String, Sendable, CaseIterable {
        case domain
        case tag = "tagId"
        case user = "userId"
        case folder = "folderId"

        var column: String {
            switch self {
            case .domain: "l.domain"
            case .tag: "g.tag_id"
            // Links belong to the workspace, not to one of its people.
            case .user: "CAST(NULL AS TEXT)"
            case .folder: "l.folder_id"
            }
        }
    }
    package enum Folder: Sendable {
        case any, none
        case some(String)
    }
    /// The link after which, or before which, the page stands.
    package struct Cursor: Sendable {
        let link: Link
        let isBackward: Bool
        package init(_ link: Link, isBackward: Bool) {
            (self.link, self.isBackward) = (link, isBackward)
        }
    }

    package var workspaceID: WorkspaceID
    package var domain: String?
    package var tenantID: String?
    /// Links that have one of these ids or external ids.
    package var selected: (ids: [LinkID], externalIDs: [String])?
    package var tagIDs: [String]?
    package var tagNames: [String]?
    package var folder = Folder.any
    package var search: String?
    package var includesArchived = false
    /// A filter that no link of this server can meet was asked for.
    package var matchesNothing = false
    package var sort = Sort.createdAt
    package var ascending = false
    package var cursor: Cursor?
    package var page: Page

    package init(workspaceID: WorkspaceID, page: Page) {
        (self.workspaceID, self.page) = (workspaceID, page)
    }
}
