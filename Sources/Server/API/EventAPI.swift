import Attribution
import Hummingbird
import Integrations
import Ledger
import Wire

/// Clicks, leads and sales one by one.
extension API {
    /// Each filter takes `a`, `a,b`, or `-a,b` for all others.
    private static let filters = EventQuery.Dimension.allCases.map { dimension in
        switch dimension {
        case .saleType: Rule(dimension.rawValue, .option(["new", "recurring"]), .optional)
        case .root: Rule(dimension.rawValue, .option(["true", "false"]), .optional)
        default: Rule(dimension.rawValue, .text(min: 0, max: 4_000, trimmed: false), .nullish)
        }
    }

    /// What no event of this server has: whoever asks for it gets none, not everything.
    private static let notOffered = ["partnerId", "groupId", "partnerTagId", "programId"]

    private static let eventRules: [Rule] =
        [
            .option("event", EventQuery.Kind.self),
            .text("externalId", max: 4_000), .text("query", max: 10_000), .flag("qr"),
            .flag("bots"), .texts("tagIds"), Rule("sortBy", .option(["timestamp"]), .optional),
            .sortOrder,
            // Older name of sortOrder.
            Rule("order", .option(["asc", "desc"]), .optional),
        ] + filters + notOffered.map { .text($0, max: 4_000) }
        + Paging.rules("limit", max: 1_000) + Paging.cursorRules + Period.rules

    func listEvents(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try request.fields(Self.eventRules)
        let paging = try Paging(fields, "limit", size: 100)
        let period = try Period(fields, request, now: stamper.now())
        var query = EventQuery(
            workspaceID: caller.workspace.id, kind: fields.option("event") ?? .clicks,
            page: paging.page)
        query.ascending = (fields.text("sortOrder") ?? fields.text("order")) == "asc"
        query.filters = filters(fields)
        query.areBots = fields.flag("bots") ?? false
        query.cursor = paging.cursor
        (query.from, query.to) = (period.from, period.to)
        query.matchesNothing = Self.notOffered.contains { fields.has($0) }
        if let text = fields.text("query") {
            let metadata = try MetadataQuery(text)
            query.matchesMetadata = { metadata.matches($0) }
        }
        let externalID = fields.text("externalId")
        let events = try await ledger.read { [query] transaction in
            var query = query
            if let externalID {
                let plain =
                    externalID.hasPrefix("ext_") ? String(externalID.dropFirst(4)) : externalID
                let link = try transaction.link(.externalID(query.workspaceID, plain))
                query.filters.append(.init(.linkId, [link?.id.text ?? ""]))
            }
            if let cursor = query.cursor, try !transaction.hasEvent(cursor.id, query) {
                throw Paging.unknownCursor
            }
            return try transaction.events(query)
        }
        return caller.reply(capacity: 64 + events.count * 2_500) {
            $0.array(events) { $0.write($1, shortLinks) }
        }
    }

    private func filters(_ fields: Fields) -> [EventQuery.Filter] {
        var filters = EventQuery.Dimension.allCases.compactMap { dimension in
            fields.text(dimension.rawValue).flatMap { text in
                EventQuery.Filter(dimension, listing: text)
            }
        }
        if let qr = fields.flag("qr") {
            filters.append(.init(.trigger, [Trigger.qr.rawValue], isExcluded: !qr))
        }
        // Older name of tagId.
        if let ids = fields.texts("tagIds") { filters.append(.init(.tagId, ids)) }
        return filters
    }
}

extension EventQuery.Filter {
    /// nil: the text names no value.
    init?(_ dimension: EventQuery.Dimension, listing text: String) {
        let isExcluded = text.hasPrefix("-")
        let list = isExcluded ? text.dropFirst() : text[...]
        let values = list.split(separator: ",").prefix(100).map { trim(String($0)) }
        if values.isEmpty { return nil }
        self.init(dimension, values.map(dimension.kept), isExcluded: isExcluded)
    }
}

extension EventQuery.Dimension {
    /// A value as it is kept, however it was written.
    fileprivate func kept(_ value: String) -> String {
        switch self {
        case .domain: domainSlug(value)
        case .key: foldedKey(LinkKey.named(value))
        case .referer: value == "(direct)" ? value : normalizedHostname(value)
        case .country, .continent: value == "Unknown" ? value : value.uppercased()
        case .device: value.prefix(1).uppercased() + value.dropFirst().lowercased()
        default: value
        }
    }
}

/// What `query` asks of an event's metadata: `metadata['plan']:'pro'` and the like. The terms are a
/// plain list, all of which must hold, whether AND or OR stands between them (as at Dub).
struct MetadataQuery: Sendable {
    private struct Term: Sendable {
        let key: String
        let comparison: String
        let value: String
    }
    private let terms: [Term]

    init(_ text: String) throws {
        let pattern =
            #/
            metadata \[ \s* ['"] (?<key> [^'"]+) ['"] \s* \] \s*
            (?<comparison> != | >= | <= | > | < | : | = ) \s*
            (?: '(?<single> [^']*)' | "(?<double> [^"]*)" | (?<bare> [^\s'"]+) )
            /#
        terms = text.matches(of: pattern).map { match in
            let value = match.single ?? match.double ?? match.bare ?? ""
            return Term(
                key: String(match.key), comparison: String(match.comparison),
                value: String(value))
        }
        guard !terms.isEmpty else {
            throw APIError(
                .unprocessable,
                "custom: query: Expected a condition such as metadata['plan']:'pro'.")
        }
    }

    func matches(_ metadata: String?) -> Bool {
        guard let metadata, let members = Self.members(metadata) else { return false }
        return terms.allSatisfy { term in
            guard let found = members.value(term.key).flatMap(Self.text) else {
                return term.comparison == "!="
            }
            switch term.comparison {
            case ":", "=": return found == term.value
            case "!=": return found != term.value
            default: return Self.isOrdered(found, term.comparison, term.value)
            }
        }
    }

    private static func isOrdered(_ found: String, _ comparison: String, _ value: String) -> Bool {
        // Numbers are compared as numbers; they select events and are never added up.
        guard let a = Decimal(found), let b = Decimal(value) else { return false }
        return switch comparison {
        case ">": b < a
        case ">=": !(a < b)
        case "<": a < b
        default: !(b < a)
        }
    }

    private static func members(_ metadata: String) -> [JSONMember]? {
        Array(metadata.utf8).withUnsafeBufferPointer { try? readMembers($0) }
    }

    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text), .number(let text): text
        case .bool(let flag): flag ? "true" : "false"
        case .null, .object, .array: nil
        }
    }
}

/// A number's digits, for comparing without floating point.
private struct Decimal {
    private let isNegative: Bool
    private let whole: Substring
    private let fraction: Substring

    init?(_ text: String) {
        guard let match = text.wholeMatch(of: /(-?)0*(\d*)(?:\.(\d*?)0*)?/),
            !match.2.isEmpty || match.0.contains("0")
        else { return nil }
        (isNegative, whole) = (!match.1.isEmpty, match.2)
        fraction = match.3 ?? ""
    }

    static func < (a: Decimal, b: Decimal) -> Bool {
        if a.isNegative != b.isNegative { return a.isNegative }
        return a.isNegative ? b.isSmaller(than: a) : a.isSmaller(than: b)
    }

    /// By size, without sign. Fractions of digits compare as texts do.
    private func isSmaller(than other: Decimal) -> Bool {
        if whole.count != other.whole.count { return whole.count < other.whole.count }
        return whole == other.whole ? fraction < other.fraction : whole < other.whole
    }
}
