import Attribution

extension Timestamp {
    /// ISO 8601 or milliseconds, else a date with the month's name, such as `Jan 1, 2031` or
    /// `Tue, 01 Jan 2030 10:00:00 GMT`, else `2031/01/31`. Without a zone it is UTC.
    init?(dateText text: String) {
        if let moment = Timestamp(text: text) {
            self = moment
            return
        }
        guard text.utf8.count <= 64 else { return nil }
        var (year, month, day, time): (String?, Int?, String?, String?) = (nil, nil, nil, nil)
        for part in text.split(whereSeparator: { " ,".contains($0) }) {
            if part.contains(":"), time == nil {
                time = String(part)
            } else if part.contains("/") {
                let numbers = part.split(separator: "/").map(String.init)
                guard numbers.count == 3, numbers[0].count == 4, let found = Int(numbers[1]) else {
                    return nil
                }
                (year, month, day) = (numbers[0], found, numbers[2])
            } else if part.allSatisfy(\.isNumber) {
                if part.count == 4, year == nil { year = String(part) } else { day = String(part) }
            } else if let found = monthNumber(part), month == nil {
                month = found
            } else if !isOrnament(part) {
                return nil
            }
        }
        guard let year, let month, let day, day.count <= 2 else { return nil }
        let date = "\(year)-\(twoDigits("\(month)"))-\(twoDigits(day))"
        self.init(text: time.map { "\(date)T\($0)Z" } ?? date)
    }
}

private func twoDigits(_ text: String) -> String { text.count == 1 ? "0" + text : text }

private let months = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
]

/// By the whole name or its first three letters.
private func monthNumber(_ word: Substring) -> Int? {
    let word = word.lowercased().filter { $0 != "." }
    guard word.count >= 3 else { return nil }
    return months.firstIndex { $0 == word || $0.prefix(3) == word }.map { $0 + 1 }
}

/// Names of weekdays, and the zone that is meant anyway.
private func isOrnament(_ word: Substring) -> Bool {
    let word = word.lowercased()
    let days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
    return ["gmt", "utc", "z"].contains(word)
        || days.contains { $0 == word || $0.prefix(3) == word }
}
