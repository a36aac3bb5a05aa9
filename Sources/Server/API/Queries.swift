import Attribution
import Hummingbird
import Integrations
import Ledger
import Wire

extension Request {
    /// The query's parameters, each checked against its rule; what is wrong is answered with 422
    /// and the parameter's name.
    func fields(_ rules: [Rule]) throws -> Fields {
        try checked { () throws(Issue) in try Fields(rules, query: queryItems) }
    }
}

extension Rule {
    static let sortOrder = Rule("sortOrder", .option(["asc", "desc"]), .optional)
}

/// Which part of a list is asked for: a page by its number, or the rows beside a cursor.
struct Paging {
    let page: Page
    /// An id, and whether the rows stand before it.
    let cursor: (id: String, isBackward: Bool)?

    private static let numberMax = 1_000
    private static let numberTooBig =
        "Page is too big (cannot be more than \(numberMax)), recommend using cursor-based pagination instead."

    /// The parameters of every list; `sizeName` is `pageSize` or `limit`.
    static func rules(_ sizeName: String = "pageSize", max: Int) -> [Rule] {
        [
            number("page", "Page", max: Money.largestAmount, numberTooBig),
            number(sizeName, "Page size", max: Int64(max), "Max page size is \(max)."),
        ]
    }
    static let cursorRules: [Rule] = [
        .text("startingAfter", max: 255), .text("endingBefore", max: 255),
    ]

    private static func number(
        _ name: String, _ title: String, max: Int64, _ tooBig: String
    ) -> Rule {
        var rule = Rule(
            name, .integer(min: 1, max: max), .optional,
            tooSmall: "\(title) must be greater than 0.")
        rule.wrongTypeMessage = "\(title) must be a number."
        rule.tooBigMessage = tooBig
        return rule
    }

    /// - Parameter size: of a page that does not name its size.
    init(
        _ fields: Fields, _ sizeName: String = "pageSize", size: Int,
        isSortedByCreation: Bool = true
    ) throws {
        let number = fields.integer("page") ?? 1
        guard number <= Self.numberMax else {
            throw APIError(.unprocessable, Self.numberTooBig)
        }
        page = Page(number: Int(number), size: Int(fields.integer(sizeName) ?? Int64(size)))
        let after = fields.text("startingAfter")
        let before = fields.text("endingBefore")
        guard let id = after ?? before else {
            cursor = nil
            return
        }
        if after != nil && before != nil {
            throw APIError(
                .unprocessable,
                "You cannot use both startingAfter and endingBefore at the same time.")
        }
        if fields.has("page") {
            throw APIError(
                .unprocessable,
                "You cannot use both page and startingAfter/endingBefore at the same time. Please use one pagination method."
            )
        }
        guard isSortedByCreation else {
            throw APIError(
                .unprocessable,
                "Cursor-based pagination only supports sorting by `createdAt`. Use offset-based pagination (page/pageSize) for other sort fields."
            )
        }
        cursor = (id, before != nil)
    }

    static let unknownCursor = APIError(
        .unprocessable, "Invalid cursor: the provided ID does not exist.")
}

/// From when to when: `start` and `end`, else `interval`, else the last 30 days.
struct Period {
    let from: Timestamp
    let to: Timestamp

    static let rules: [Rule] = [
        .date("start"), .date("end"), Rule("interval", .option(intervals), .optional),
    ]
    private static let intervals = [
        "24h", "7d", "30d", "90d", "1y", "mtd", "qtd", "ytd", "all",
    ]

    init(_ fields: Fields, _ request: Request, now: Timestamp) throws {
        var end = fields.moment("end") ?? .distantFuture
        // A date alone is the whole day.
        let written = request.queryItems.first { $0.name == "end" }?.value ?? ""
        if end == end.midnight, !written.contains(":"), !written.allSatisfy(\.isNumber) {
            end = end.adding(Timestamp.day - 1)
        }
        to = end
        guard let start = fields.moment("start") else {
            from = Self.start(of: fields.text("interval") ?? "30d", now)
            return
        }
        guard start <= end else {
            throw APIError(.unprocessable, "custom: start: start must not be after end.")
        }
        from = start
    }

    private static func start(of interval: String, _ now: Timestamp) -> Timestamp {
        let date = now.date
        return switch interval {
        case "24h": now.adding(-Timestamp.day)
        case "7d": now.adding(-7 * Timestamp.day)
        case "90d": now.adding(-90 * Timestamp.day)
        case "1y": now.adding(-365 * Timestamp.day)
        case "mtd": now.startOfMonth
        case "qtd":
            CivilDate(year: date.year, month: (date.month - 1) / 3 * 3 + 1, day: 1).midnight
        case "ytd": CivilDate(year: date.year, month: 1, day: 1).midnight
        case "all": .distantPast
        default: now.adding(-30 * Timestamp.day)
        }
    }
}
