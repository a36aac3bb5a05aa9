import Attribution

/// Which events, in which order.
package struct EventQuery: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case clicks, leads, sales

        var table: String {
            switch self {
            case .clicks: "click"
            case .leads: "lead"
            case .sales: "sale"
            }
        }
    }

    /// One condition: the dimension has one of the values, or has none of them.
    package struct Filter: Sendable {
        package let dimension: Dimension
        package let values: [String]
        package let isExcluded: Bool
        package init(_ dimension: Dimension, _ values: [String], isExcluded: Bool = false) {
            (self.dimension, self.values, self.isExcluded) = (dimension, values, isExcluded)
        }
    }

    /// What events can be told apart by. Unknown values have the names that answers show.
    package enum Dimension: String, Sendable, CaseIterable {
        case linkId, domain, key, tenantId, folderId, tagId
        case url, country, city, region, continent, device, browser, os, trigger, referer
        case refererUrl
        case utmSource = "utm_source"
        case utmMedium = "utm_medium"
        case utmCampaign = "utm_campaign"
        case utmTerm = "utm_term"
        case utmContent = "utm_content"
        case customerId, eventName, saleType, root

        /// `e` is the event, `k` its click, `l` its link.
        var expression: String {
            switch self {
            case .linkId: "e.link_id"
            case .domain: "l.domain"
            case .key: "l.lookup_key"
            case .tenantId: "l.tenant_id"
            case .folderId: "coalesce(l.folder_id, 'unsorted')"
            case .tagId: "(SELECT tag_id FROM link_tag WHERE link_id = e.link_id"
            case .url: "k.url"
            case .country, .city, .region, .continent, .browser, .os:
                "coalesce(k.\(rawValue), 'Unknown')"
            case .device: "coalesce(k.device, 'Desktop')"
            case .trigger: "k.trigger_kind"
            case .referer: "coalesce(k.referer, '(direct)')"
            case .refererUrl: "coalesce(k.referer_url, '(direct)')"
            case .utmSource, .utmMedium, .utmCampaign, .utmTerm, .utmContent:
                "l.\(rawValue)"
            case .customerId: "e.customer_id"
            case .eventName: "e.event_name"
            case .saleType:
                "CASE WHEN e.previous_sale_id IS NULL THEN 'new' ELSE 'recurring' END"
            case .root: "CASE WHEN l.key = '_root' THEN 'true' ELSE 'false' END"
            }
        }
    }

    package var workspaceID: WorkspaceID
    package var kind: Kind
    package var filters: [Filter] = []
    package var from: Timestamp = .distantPast
    package var to: Timestamp = .distantFuture
    /// Clicks of programs, which do not count, in place of those that do.
    package var areBots = false
    /// A filter that no event of this server can meet was asked for.
    package var matchesNothing = false
    /// Whether an event's metadata are asked for. Read one by one: no index helps.
    package var matchesMetadata: (@Sendable (String?) -> Bool)?
    package var ascending = false
    /// The event after which, or before which, the page stands. New events do not move it.
    package var cursor: (id: String, isBackward: Bool)?
    package var page: Page

    package init(workspaceID: WorkspaceID, kind: Kind, page: Page) {
        (self.workspaceID, self.kind, self.page) = (workspaceID, kind, page)
    }

    /// Of one customer's sales, if nothing else is asked of the customer.
    var customer: String? {
        guard kind == .sales,
            let filter = filters.first(where: { $0.dimension == .customerId }),
            !filter.isExcluded, filter.values.count == 1
        else { return nil }
        return filter.values[0]
    }
}

extension EventQuery {
    /// Everything but the order and the page.
    func conditions() -> SQLFilter {
        var sql = SQLFilter()
        let workspace = sql.place(.init(workspaceID))
        // Of one link or customer: their own index, not the workspace's.
        let isOfOne = filters.contains(where: isOfOne)
        sql.addTerm(
            isOfOne ? "(e.workspace_id = \(workspace)) IS TRUE" : "e.workspace_id = \(workspace)")
        sql.add("e.at >= ", .init(from))
        sql.add("e.at <= ", .init(to))
        if kind == .clicks { sql.addTerm("e.is_bot = \(areBots ? 1 : 0)") }
        for filter in filters { add(filter, to: &sql) }
        if matchesNothing { sql.addTerm("1 = 0") }
        return sql
    }

    private func isOfOne(_ filter: Filter) -> Bool {
        guard !filter.isExcluded, filter.values.count == 1 else { return false }
        return filter.dimension == .linkId || filter.dimension == .customerId && kind == .leads
    }

    private func add(_ filter: Filter, to sql: inout SQLFilter) {
        let not = filter.isExcluded ? "NOT " : ""
        let expression = filter.dimension.expression
        switch filter.dimension {
        case .tagId:
            sql.addIn("\(not)EXISTS \(expression) AND tag_id", filter.values, ")")
        case .customerId where kind == .clicks:
            sql.addIn(
                "\(not)e.id IN (SELECT click_id FROM customer WHERE click_id IS NOT NULL AND id",
                filter.values, ")")
        case .saleType where kind != .sales: break
        case .eventName where kind == .clicks: break
        default:
            // A value that is not known is not one of those that are left out.
            let known = filter.isExcluded ? "coalesce(\(expression), '')" : expression
            sql.addIn("\(not)\(known)", filter.values)
        }
    }

    var needsLink: Bool {
        filters.contains { $0.dimension.expression.contains("l.") }
    }
}
