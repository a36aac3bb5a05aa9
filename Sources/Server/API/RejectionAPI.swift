import Attribution
import Hummingbird
import Integrations
import Ledger
import Wire

/// Track calls that recorded nothing: why, and what becomes of them.
extension API {
    private static let filterRules: [Rule] = [
        .texts("ids", max: 100, count: 100), .texts("reason"), .texts("endpoint"),
        .text("customerExternalId", max: 1_000), .text("invoiceId", max: 1_000),
    ]
    private static let retryCountMax = 100
    private static let discardCountMax = 10_000

    func listRejections(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try request.fields(
            Self.filterRules + [.sortOrder] + Period.rules + Paging.rules(max: 100))
        let page = try Paging(fields, size: 100).page
        let query = try rejectionQuery(fields, request, caller)
        let rejections = try await ledger.read { try $0.rejections(query, page) }
        return caller.reply(capacity: 64 + rejections.count * 700) {
            $0.array(rejections) { writer, rejection in
                writer.object { $0.members(rejection) }
            }
        }
    }

    func countRejections(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try request.fields(
            Self.filterRules + Period.rules + [.option("groupBy", RejectionGroup.self)])
        let query = try rejectionQuery(fields, request, caller)
        let group: RejectionGroup? = fields.option("groupBy")
        let counts = try await ledger.read {
            try $0.rejectionCounts(query, by: group ?? .reason)
        }
        var writer = JSONWriter()
        if let group {
            writer.write(counts.map { ($0.value, $0.count) }, by: group.rawValue)
        } else {
            writer.integer(counts.reduce(0) { $0 + $1.count })
        }
        return .json(writer, headers: caller.rateHeaders)
    }

    /// Tries them again, each as of the moment when it came; of those that a filter chooses, the
    /// ones that can be, beginning with those whose last try is longest ago.
    func replayRejections(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try await request.bodyFields(
            Self.filterRules + [.limit(max: Self.retryCountMax)], settings.limits)
        var query = try selected(fields, caller)
        (query.isReplayable, query.order) = (query.ids == nil, .lastTried)
        let size = fields.limit ?? Self.retryCountMax
        let rejections = try await ledger.read { [query] in
            try $0.rejections(query, Page(number: 1, size: size))
        }
        let retries: [Retry]
        do throws(LedgerError) {
            retries = try await ledger.retry(rejections, of: caller.workspace, stamper)
        } catch {
            throw APIError(error, retryAfter: settings.limits.retryAfterSeconds)
        }
        return caller.reply(capacity: 128 + retries.count * 120) { writer in
            writer.object { $0.write(retries) }
        }
    }

    func discardRejections(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try await request.bodyFields(
            Self.filterRules + [.limit(max: Self.discardCountMax)], settings.limits)
        var query = try selected(fields, caller)
        query.order = .oldest
        let limit = fields.limit ?? .max
        let ids = try await ledger.read { [query] in try $0.rejectionIDs(query, limit: limit) }
        let count: Int
        do throws(LedgerError) {
            count = try await ledger.discard(ids, of: caller.workspace.id)
        } catch {
            throw APIError(error, retryAfter: settings.limits.retryAfterSeconds)
        }
        return caller.reply { $0.object { $0.member("discarded", Int64(count)) } }
    }

    /// An empty choice would be all of them: that must be said in words.
    private func selected(_ fields: Fields, _ caller: Caller) throws -> RejectionQuery {
        var query = RejectionQuery(workspaceID: caller.workspace.id)
        try choose(&query, fields)
        guard query.isChoice else {
            throw APIError(
                .unprocessable,
                "custom: ids: Choose by ids, reason, endpoint, customerExternalId or invoiceId.")
        }
        return query
    }

    private func rejectionQuery(
        _ fields: Fields, _ request: Request, _ caller: Caller
    ) throws -> RejectionQuery {
        var query = RejectionQuery(workspaceID: caller.workspace.id)
        try choose(&query, fields)
        query.order = fields.text("sortOrder") == "asc" ? .oldest : .newest
        let period = try Period(fields, request, now: stamper.now())
        (query.from, query.to) = (period.from, period.to)
        return query
    }

    private func choose(_ query: inout RejectionQuery, _ fields: Fields) throws {
        query.ids = fields.texts("ids")
        query.reasons = try options(fields, "reason")
        query.endpoints = try options(fields, "endpoint")
        query.customerExternalID = fields.text("customerExternalId")
        query.invoiceID = fields.text("invoiceId")
    }

    private func options<Value: CaseIterable & RawRepresentable<String>>(
        _ fields: Fields, _ name: String
    ) throws -> [Value] {
        let rule = Rule.option(name, Value.self)
        return try (fields.texts(name) ?? []).compactMap { text in
            _ = try checked { () throws(Issue) in try rule.check(.string(text)) }
            return Value(rawValue: text)
        }
    }
}

extension Rule {
    fileprivate static func limit(max: Int) -> Rule {
        Rule("limit", .integer(min: 1, max: Int64(max)), .nullish)
    }
}

extension Fields {
    fileprivate var limit: Int? { integer("limit").map { Int($0) } }
}
