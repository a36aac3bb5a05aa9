import Attribution

/// What is written and read of calls that recorded nothing.
enum RejectionSQL {
    static let columns = """
        id, workspace_id, endpoint, reason, detail, at, body, customer_external_id, invoice_id,
        attempts, last_tried_at, is_whole, hostname
        """

    /// Primary key, from its end.
    static let insert = SQLStatement(
        """
        INSERT INTO rejection (number, \(columns), is_public)
        SELECT coalesce(max(number), 0) + 1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
          ?14
        FROM rejection WHERE workspace_id = ?2 AND is_public = ?14
        """)
    /// Primary key.
    static let trimCount = SQLStatement(
        """
        DELETE FROM rejection WHERE workspace_id = ?1 AND is_public = ?2 AND number <= (
          SELECT max(number) FROM rejection WHERE workspace_id = ?1 AND is_public = ?2) - ?3
        """)
    /// rejection_by_time.
    static let trimAge = SQLStatement(
        "DELETE FROM rejection WHERE workspace_id = ?1 AND at < ?2")
    /// rejection.id.
    static let retry = SQLStatement(
        """
        UPDATE rejection SET reason = ?2, detail = ?3, attempts = attempts + 1, last_tried_at = ?4
        WHERE id = ?1
        """)
    /// rejection.id.
    static let discard = SQLStatement(
        "DELETE FROM rejection WHERE id = ?1 AND workspace_id = ?2")
    /// Primary key: walks what is kept for the workspace.
    static let forget = SQLStatement(
        "DELETE FROM rejection WHERE workspace_id = ?1 AND customer_external_id = ?2")
    /// Primary key: walks what is kept for the workspace.
    static let rename = SQLStatement(
        """
        UPDATE rejection SET customer_external_id = ?3
        WHERE workspace_id = ?1 AND customer_external_id = ?2
        """)
    /// rejection.id.
    static let isKept = SQLStatement(
        "SELECT 1 FROM rejection WHERE id = ?1 AND workspace_id = ?2")
}

extension Rejection {
    var insertArguments: [SQLValue] {
        [
            .init(id), .init(workspaceID), .text(endpoint.rawValue), .text(reason.rawValue),
            .init(detail), .init(at), .text(body.text), .init(customerExternalID),
            .init(invoiceID), .integer(attempts), .init(lastTriedAt), .init(body.isWhole),
            .init(hostname), .init(endpoint.isPublic),
        ]
    }

    var retryArguments: [SQLValue] {
        [.init(id), .text(reason.rawValue), .init(detail), .init(lastTriedAt)]
    }

    init(_ row: SQLRow) throws {
        self.init(
            id: try row.id(0), workspaceID: try row.id(1), endpoint: try row.option(2),
            reason: try row.option(3), detail: try row.optionalText(4), at: try row.moment(5),
            body: KeptBody(text: try row.text(6), isWhole: try row.flag(11)),
            customerExternalID: try row.optionalText(7), invoiceID: try row.optionalText(8))
        attempts = try row.integer(9)
        lastTriedAt = try row.moment(10)
        hostname = try row.optionalText(12)
    }
}

/// Which of a workspace's kept calls are asked for.
package struct RejectionQuery: Sendable {
    package var workspaceID: WorkspaceID
    package var ids: [String]?
    package var reasons: [RejectionReason] = []
    package var endpoints: [TrackEndpoint] = []
    package var customerExternalID: String?
    package var invoiceID: String?
    package var from = Timestamp.distantPast
    package var to = Timestamp.distantFuture
    /// Only those that can be tried again.
    package var isReplayable = false
    package var order = RejectionOrder.newest
    package init(workspaceID: WorkspaceID) { self.workspaceID = workspaceID }

    /// Whether it says which of them, and not all of them.
    package var isChoice: Bool {
        ids != nil || !reasons.isEmpty || !endpoints.isEmpty || customerExternalID != nil
            || invoiceID != nil
    }

    fileprivate var filter: SQLFilter {
        var filter = SQLFilter()
        filter.add("workspace_id = ", .init(workspaceID))
        filter.add("at >= ", .init(from))
        filter.add("at <= ", .init(to))
        if let ids { filter.addIn("id", ids) }
        if !reasons.isEmpty { filter.addIn("reason", reasons.map(\.rawValue)) }
        if !endpoints.isEmpty { filter.addIn("endpoint", endpoints.map(\.rawValue)) }
        if let customerExternalID {
            filter.add("customer_external_id = ", .text(customerExternalID))
        }
        if let invoiceID { filter.add("invoice_id = ", .text(invoiceID)) }
        if isReplayable {
            filter.add("is_whole = ", .init(true))
            let endpoints = TrackEndpoint.allCases.filter(\.isReplayable)
            filter.addIn("endpoint", endpoints.map(\.rawValue))
        }
        return filter
    }
}

package enum RejectionOrder: Sendable {
    case newest, oldest
    /// Least lately first, so that those which are refused again don't keep others from their turn.
    case lastTried

    fileprivate var sql: String {
        switch self {
        case .newest: "at DESC, is_public DESC, number DESC"
        case .oldest: "at, is_public, number"
        case .lastTried: "last_tried_at, at, is_public, number"
        }
    }
}

extension SQLTransaction {
    package func rejections(_ query: RejectionQuery, _ page: Page) throws -> [Rejection] {
        let filter = query.filter
        let sql = """
            SELECT \(RejectionSQL.columns) FROM rejection WHERE \(filter.sql)
            ORDER BY \(query.order.sql) LIMIT \(page.size) OFFSET \(page.offset)
            """
        return try rows(SQLStatement(once: sql), filter.arguments).map { try Rejection($0) }
    }

    package func rejectionIDs(_ query: RejectionQuery, limit: Int) throws -> [RejectionID] {
        let filter = query.filter
        let sql = """
            SELECT id FROM rejection WHERE \(filter.sql)
            ORDER BY \(query.order.sql) LIMIT \(limit)
            """
        return try rows(SQLStatement(once: sql), filter.arguments).map { try $0.id(0) }
    }

    /// How many there are, by the values of a column.
    package func rejectionCounts(
        _ query: RejectionQuery, by column: RejectionGroup
    ) throws -> [(value: String, count: Int64)] {
        let filter = query.filter
        let sql = """
            SELECT \(column.rawValue), count(*) FROM rejection WHERE \(filter.sql)
            GROUP BY 1 ORDER BY 2 DESC, 1
            """
        return try rows(SQLStatement(once: sql), filter.arguments).map {
            (try $0.text(0), try $0.integer(1))
        }
    }
}

package enum RejectionGroup: String, Sendable, CaseIterable { case reason, endpoint }
