import Attribution

/// The named values of a body or a query, each checked against its rule, in the order of the
/// rules. What no rule names is dropped.
package struct Fields: Sendable {
    private var values: [String: Checked] = [:]

    package init(_ rules: [Rule], _ members: [JSONMember]) throws(Issue) {
        for rule in rules { values[rule.name] = try rule.check(members.value(rule.name)) }
    }

    /// A query's parameters: an empty one counts as absent; texts may come once with commas, or
    /// several times.
    package init(
        _ rules: [Rule], query items: [(name: String, value: String)]
    ) throws(Issue) {
        for rule in rules {
            let texts = items.filter { $0.name == rule.name && !$0.value.isEmpty }.map(\.value)
            let value: JSONValue?
            if let first = texts.first {
                value = try rule.value(ofQuery: first, texts)
            } else {
                value = nil
            }
            values[rule.name] = try rule.check(value)
        }
    }

    package subscript(name: String) -> Checked { values[name] ?? .absent }

    /// Whether the request says anything about it, null included.
    package func has(_ name: String) -> Bool { self[name] != .absent }

    package func text(_ name: String) -> String? {
        if case .text(let text) = self[name] { text } else { nil }
    }
    package func texts(_ name: String) -> [String]? {
        if case .texts(let texts) = self[name] { texts } else { nil }
    }
    package func flag(_ name: String) -> Bool? {
        if case .flag(let flag) = self[name] { flag } else { nil }
    }
    package func integer(_ name: String) -> Int64? {
        if case .integer(let number) = self[name] { number } else { nil }
    }
    package func moment(_ name: String) -> Timestamp? {
        if case .moment(let moment) = self[name] { moment } else { nil }
    }
    package func members(_ name: String) -> [JSONMember]? {
        guard case .object(let raw) = self[name] else { return nil }
        // Its text was checked when the body was read.
        return try? raw.members()
    }
    /// One of an enumeration's raw values, which the rule has checked.
    package func option<Value: RawRepresentable<String>>(_ name: String) -> Value? {
        text(name).flatMap(Value.init(rawValue:))
    }
}
