/// A conjunction that grows with the filters of a request. Values are always arguments.
struct SQLFilter {
    private(set) var arguments: [SQLValue] = []
    private var terms: [String] = []

    var sql: String { terms.joined(separator: " AND ") }

    mutating func add(_ comparison: String, _ value: SQLValue) {
        arguments.append(value)
        terms.append("\(comparison)?\(arguments.count)")
    }

    /// The place of one more argument in a term that is put together by hand.
    mutating func place(_ value: SQLValue) -> String {
        arguments.append(value)
        return "?\(arguments.count)"
    }

    mutating func addTerm(_ term: String) { terms.append(term) }

    /// `before IN (…) after`; an empty list is met by nothing.
    mutating func addIn(_ before: String, _ values: [String], _ after: String = "") {
        // `IN ()` is no SQL; an identifier is never NULL.
        let places = values.isEmpty ? ["NULL"] : values.map { place(.text($0)) }
        addTerm("\(before) IN (\(places.joined(separator: ", ")))\(after)")
    }

    /// One of several lists holds the value of its column.
    mutating func addInAny(_ lists: [(column: String, values: [String])]) {
        let terms = lists.filter { !$0.values.isEmpty }.map { list in
            let places = list.values.map { place(.text($0)) }.joined(separator: ", ")
            return "\(list.column) IN (\(places))"
        }
        addTerm(terms.isEmpty ? "1 = 0" : "(\(terms.joined(separator: " OR ")))")
    }

    mutating func addAny(_ comparisons: [String], _ value: SQLValue, suffix: String = "") {
        arguments.append(value)
        let place = "?\(arguments.count)\(suffix)"
        terms.append("(" + comparisons.map { $0 + place }.joined(separator: " OR ") + ")")
    }
}

/// `%` and `_` stand for themselves.
func escapedLike(_ text: String) -> String {
    var result = ""
    // Scalars, not characters: a combining mark must not hide the sign that it follows.
    for scalar in text.unicodeScalars {
        if "%_\\".unicodeScalars.contains(scalar) { result.append("\\") }
        result.unicodeScalars.append(scalar)
    }
    return result
}

/// The letters that SQL's `lower` changes in texts that are compared by their bytes.
func asciiLowercased(_ text: String) -> String {
    String(decoding: text.utf8.map { (65...90).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
}
