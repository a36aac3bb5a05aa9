import Attribution
import Hummingbird
import Integrations
import Ledger
import Wire

/// How query parameters are read; what is wrong is answered with 422 and the parameter's name.
extension Request {
    private func invalid(_ code: String, _ name: String, _ message: String) -> APIError {
        APIError(.unprocessable, Issue(code, name, message).text)
    }

    /// The query's parameters, each checked against its rule.
    func fields(_ rules: [Rule]) throws -> Fields {
        try checked { () throws(Issue) in try Fields(rules, query: queryItems) }
    }

    func page(sizeName: String, default size: Int, max: Int) throws -> Page {
        let number = try integer("page", called: "Page") ?? 1
        guard number <= 1_000 else {
            throw APIError(
                .unprocessable,
                "Page is too big (cannot be more than 1000), recommend using cursor-based pagination instead."
            )
        }
        let asked = try integer(sizeName, called: "Page size") ?? size
        guard asked <= max else {
            throw invalid("too_big", sizeName, "Max page size is \(max).")
        }
        return Page(number: number, size: asked)
    }

    /// `startingAfter` or `endingBefore`: an id, and whether the page stands before it.
    func cursor(isSortedByCreation: Bool) throws -> (id: String, isBackward: Bool)? {
        let after = try query("startingAfter").nonEmpty
        let before = try query("endingBefore").nonEmpty
        guard let id = after ?? before else { return nil }
        if after != nil && before != nil {
            throw APIError(
                .unprocessable,
                "You cannot use both startingAfter and endingBefore at the same time.")
        }
        if try query("page") != nil {
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
        return (id, before != nil)
    }

    /// A number from 1; one that is beyond all bounds is the largest.
    private func integer(_ name: String, called title: String) throws -> Int? {
        guard var text = try query(name) else { return nil }
        // Some clients send whole numbers as `2.0`.
        text = text.hasSuffix(".0") ? String(text.dropLast(2)) : text
        let isLong = text.utf8.count > 18 && text.utf8.allSatisfy { (48...57).contains($0) }
        guard let number = isLong ? Int.max : Int(text) else {
            throw invalid("invalid_type", name, "\(title) must be a number.")
        }
        guard number >= 1 else {
            throw invalid("too_small", name, "\(title) must be greater than 0.")
        }
        return number
    }

    private func option<Value>(_ name: String, _ values: KeyValuePairs<String, Value>) throws
        -> Value?
    {
        guard let text = try query(name) else { return nil }
        if let found = values.first(where: { $0.key == text }) { return found.value }
        let list = values.map { "\"\($0.key)\"" }.joined(separator: "|")
        throw invalid("invalid_value", name, "Invalid option: expected one of \(list)")
    }

    /// `start`/`end`, else `interval`, else the last 30 days.
    func period(now: Timestamp) throws -> (from: Timestamp, to: Timestamp) {
        let start = try moment("start")
        let end = try moment("end") ?? .distantFuture
        if let start {
            guard start <= end else {
                throw invalid("custom", "start", "start must not be after end.")
            }
            return (start, end)
        }
        let days: (Int64) -> Timestamp = { now.adding(-$0 * Timestamp.day) }
        let today = now.date
        let monthStart = CivilDate(year: today.year, month: today.month, day: 1)
        let quarterStart = CivilDate(
            year: today.year, month: (today.month - 1) / 3 * 3 + 1, day: 1)
        let yearStart = CivilDate(year: today.year, month: 1, day: 1)
        let from =
            try option(
                "interval",
                [
                    "24h": days(1), "7d": days(7), "30d": days(30), "90d": days(90),
                    "1y": days(365),
                    "mtd": monthStart.midnight, "qtd": quarterStart.midnight,
                    "ytd": yearStart.midnight, "all": .distantPast,
                ]) ?? days(30)
        return (from, end)
    }

    private func moment(_ name: String) throws -> Timestamp? {
        guard let text = try query(name) else { return nil }
        guard let moment = Timestamp(text: text) else {
            throw invalid("custom", name, invalidDateText)
        }
        return moment
    }
}

extension APIError {
    static let unknownCursor = APIError(
        .unprocessable, "Invalid cursor: the provided ID does not exist.")
}

extension Timestamp {
    /// The first moment of the calendar month, UTC.
    var startOfMonth: Timestamp {
        CivilDate(year: date.year, month: date.month, day: 1).midnight
    }
}

extension CivilDate {
    fileprivate var midnight: Timestamp {
        Timestamp(milliseconds: daysSinceEpoch * Timestamp.day)
    }
}
