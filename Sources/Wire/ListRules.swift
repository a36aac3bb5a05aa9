import Attribution

/// Rules of values that hold several.
extension Rule {
    /// An array of texts, or one text with commas between them.
    func texts(_ value: JSONValue) throws(Issue) -> Checked {
        guard case .texts(let max, let count) = kind else { return .absent }
        var texts: [String] = []
        switch value {
        case .string(let text):
            texts = text.split(separator: ",").map { trim(String($0)) }
        case .array(let raw):
            for element in try elements(raw) {
                guard case .string(let text) = element else { throw unionIssue }
                texts.append(trim(text))
            }
        default: throw unionIssue
        }
        texts.removeAll { $0.isEmpty }
        guard texts.count <= count else {
            throw Issue("too_big", name, "Too big: expected array to have <=\(count) items")
        }
        for text in texts { try checkLength(text, min: 0, max: max) }
        return .texts(texts)
    }

    private var unionIssue: Issue { Issue("invalid_union", name, "Invalid input") }

    /// `{"DE": "https://…"}`. An empty object is none.
    func geo(_ raw: RawJSON) throws(Issue) -> LabelledURLs {
        let url = Rule(name, .url, .required)
        var entries: [LabelledURLs.Entry] = []
        for member in try members(raw) {
            let country = member.name
            guard country.utf8.count == 2, country.utf8.allSatisfy({ (65...90).contains($0) })
            else {
                throw Issue(
                    "invalid_value", "\(name).\(country)",
                    "Invalid key: expected a country code of ISO 3166-1 such as \"US\"")
            }
            let checked: Checked
            do throws(Issue) { checked = try url.check(member.value) } catch {
                throw Issue(error.code, "\(name).\(country)", error.message)
            }
            guard case .text(let text) = checked else { continue }
            entries.append(.init(label: country, url: text))
        }
        return LabelledURLs(entries)
    }

    /// `[{"url": "https://…", "percentage": 50}, …]`
    func variants(_ raw: RawJSON) throws(Issue) -> LabelledURLs {
        let elements = try elements(raw)
        guard elements.count >= 2 else {
            throw Issue("too_small", name, "Too small: expected array to have >=2 items")
        }
        guard elements.count <= 4 else {
            throw Issue("too_big", name, "Too big: expected array to have <=4 items")
        }
        var entries: [LabelledURLs.Entry] = []
        for (index, element) in elements.enumerated() {
            do throws(Issue) { entries.append(try variant(element)) } catch {
                throw error.within("\(name)[\(index)]")
            }
        }
        let total = entries.reduce(0) { $0 + (Int($1.label) ?? 0) }
        guard total == 100 else {
            throw Issue("custom", name, "The percentages must add up to 100, not \(total).")
        }
        return LabelledURLs(entries)
    }

    private func variant(_ element: JSONValue) throws(Issue) -> LabelledURLs.Entry {
        guard case .object(let raw) = element else {
            throw Issue(
                "invalid_type", "", "Invalid input: expected object, received \(element.typeName)")
        }
        let members = try members(raw)
        let url = try Rule("url", .url, .required).check(members.value("url"))
        let share = try Rule("percentage", .integer(min: 10, max: 90), .required)
            .check(members.value("percentage"))
        guard case .text(let url) = url, case .integer(let share) = share else {
            throw Issue("invalid_format", "url", "Invalid URL")
        }
        return .init(label: String(share), url: url)
    }

    /// A query's text as the value that a body would have.
    func value(ofQuery text: String, _ all: [String]) throws(Issue) -> JSONValue {
        guard !text.utf8.contains(0) else {
            throw Issue(
                "invalid_format", name, "Invalid input: NUL characters are not allowed")
        }
        switch kind {
        case .flag:
            guard text == "true" || text == "false" else { throw wrongOption(["true", "false"]) }
            return .bool(text == "true")
        case .integer: return isNumber(text) ? .number(text) : .string(text)
        case .texts: return .string(all.joined(separator: ","))
        default: return .string(text)
        }
    }

    // The text was checked when the body was read.
    private func members(_ raw: RawJSON) throws(Issue) -> [JSONMember] {
        do throws(JSONError) { return try raw.members() } catch {
            throw Issue("invalid_type", name, "Invalid input")
        }
    }
    private func elements(_ raw: RawJSON) throws(Issue) -> [JSONValue] {
        do throws(JSONError) { return try raw.elements() } catch {
            throw Issue("invalid_type", name, "Invalid input")
        }
    }
}

/// Whether a query's text is a number as clients spell it: `2`, `-2` or `2.0`.
private func isNumber(_ text: String) -> Bool {
    let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
    let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    return text.utf8.count <= 64
        && parts.allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { (48...57).contains($0) }
        }
}

extension [JSONMember] {
    package func value(_ name: String) -> JSONValue? { first { $0.name == name }?.value }
}

/// Whether a text is one JSON value.
func isJSON(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
        var reader = JSONReader(bytes)
        return reader.isValid()
    }
}

/// `#rgb` or `#rrggbb`; the hash may be missing, because queries begin fragments with it.
func isColor(_ text: String) -> Bool {
    let digits = text.hasPrefix("#") ? text.dropFirst() : text[...]
    return (digits.utf8.count == 3 || digits.utf8.count == 6)
        && digits.utf8.allSatisfy {
            (48...57).contains($0) || (65...70).contains($0 & 0xDF)
        }
}
