import Attribution
import HTTPTypes
import Hummingbird
import Ledger
import Wire

/// Many links at a glance.
extension API {
    private static let linkRules: [Rule] = [
        .text("domain", max: 190), .texts("tagId"), .texts("tagIds"), .texts("tagNames"),
        .text("folderId", max: 255), .text("search", max: 1_000), .text("userId", max: 255),
        .text("tenantId", max: 255), .text("partnerId", max: 255), .texts("linkIds"),
        .flag("showArchived"), .flag("withTags"),
        .option("sortBy", LinkQuery.Sort.self), .sortOrder,
        // Older name of sortBy.
        .option("sort", LinkQuery.Sort.self),
    ]

    func listLinks(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try request.fields(
            Self.linkRules + Paging.rules(max: 100) + Paging.cursorRules)
        var query = linkQuery(fields, caller)
        query.sort = fields.option("sortBy") ?? fields.option("sort") ?? .createdAt
        query.ascending = fields.text("sortOrder") == "asc"
        let paging = try Paging(
            fields, size: 100, isSortedByCreation: query.sort == .createdAt)
        query.page = paging.page
        let cursor = paging.cursor
        let links = try await ledger.read { [query] transaction in
            var query = query
            if let cursor {
                guard let link = try transaction.link(LinkSelector(cursor.id, caller)),
                    link.workspaceID == query.workspaceID
                else { throw Paging.unknownCursor }
                query.cursor = .init(link, isBackward: cursor.isBackward)
            }
            return try transaction.links(query)
        }
        return caller.reply(capacity: 64 + links.count * 1_500) {
            $0.array(links) { $0.write($1, shortLinks) }
        }
    }

    func countLinks(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try request.fields(
            Self.linkRules + [.option("groupBy", LinkQuery.Group.self)])
        let query = linkQuery(fields, caller)
        var writer = JSONWriter()
        if let group: LinkQuery.Group = fields.option("groupBy") {
            let counts = try await ledger.read { try $0.linkCounts(query, by: group) }
            writer.write(counts, by: group.rawValue)
        } else {
            writer.integer(try await ledger.read { try $0.linkCount(query) })
        }
        return .json(writer, headers: caller.rateHeaders)
    }

    private func linkQuery(_ fields: Fields, _ caller: Caller) -> LinkQuery {
        var query = LinkQuery(workspaceID: caller.workspace.id, page: Page(number: 1, size: 1))
        query.domain = fields.text("domain").map(domainSlug)
        query.tagIDs = fields.texts("tagIds") ?? fields.texts("tagId")
        query.tagNames = fields.texts("tagNames")
        query.search = fields.text("search")
        query.tenantID = fields.text("tenantId")
        if let ids = fields.texts("linkIds") {
            let external = ids.filter { $0.hasPrefix("ext_") }.map { String($0.dropFirst(4)) }
            query.selected = (ids.filter { !$0.hasPrefix("ext_") }.map { LinkID($0) }, external)
        }
        query.includesArchived = fields.flag("showArchived") ?? false
        query.matchesNothing = fields.has("userId") || fields.has("partnerId")
        // Contract: without any filter only the links that are in no folder.
        let filters = [
            "domain", "tagId", "tagIds", "tagNames", "search", "userId", "tenantId", "partnerId",
            "linkIds",
        ]
        if let folder = fields.text("folderId") {
            query.folder = folder == "unsorted" ? .none : .some(folder)
        } else {
            query.folder = filters.contains { fields.has($0) } ? .any : .none
            // Whoever counts by group asks for all of them.
            if fields.has("groupBy") { query.folder = .any }
        }
        return query
    }
}

extension JSONWriter {
    /// `[{"country": "DE", "_count": 3}, …]`
    mutating func write(_ counts: [(value: String?, count: Int64)], by name: String) {
        array(counts) { writer, group in
            writer.object {
                $0.name(text: name)
                $0.string(group.value)
                $0.member("_count", group.count)
            }
        }
    }
}
