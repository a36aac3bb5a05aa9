import Attribution

extension Rule {
    /// The value, if it may stand; the texts are those that Dub's validation (Zod 4) writes.
    package func check(_ value: JSONValue?) throws(Issue) -> Checked {
        guard let value else {
            switch presence {
            case .optional, .nullish: return .absent
            case .required:
                throw Issue(
                    "invalid_type", name, missingMessage ?? expected("undefined"))
            }
        }
        if value == .null {
            if case .nullish = presence { return .null }
            if case .option(let options) = kind { throw wrongOption(options) }
            throw Issue("invalid_type", name, expected("null"))
        }
        return try check(present: value)
    }

    private func expected(_ received: String) -> String {
        "Invalid input: expected \(typeName), received \(received)"
    }

    private var typeName: String {
        switch kind {
        case .text, .email, .url, .date, .currency, .country, .destination, .option, .json,
            .color:
            "string"
        case .texts, .variants: "array"
        case .geo: "record"
        case .flag: "boolean"
        case .integer: "number"
        case .object: "object"
        }
    }

    private func check(present value: JSONValue) throws(Issue) -> Checked {
        switch (kind, value) {
        case (.integer(let min, let max), .number(let text)):
            return .integer(try integer(text, min: min, max: max))
        case (.flag, .bool(let flag)): return .flag(flag)
        case (.object(let max), .object(let raw)):
            guard raw.compactLength <= max else {
                throw Issue(
                    "custom", name,
                    "\(capitalizedName) must be less than \(grouped(max)) characters when stringified"
                )
            }
            return .object(raw)
        case (.date, .number(let text)): return .moment(try moment(text))
        case (.texts, _): return try texts(value)
        case (.geo, .object(let raw)): return .urls(try geo(raw))
        case (.variants, .array(let raw)): return .urls(try variants(raw))
        case (.url, _), (.date, _):
            guard case .string(let text) = value else { break }
            return try check(text: text)
        case (.option(let options), .string(let text)):
            guard options.contains(text) else { throw wrongOption(options) }
            return .text(text)
        case (.option(let options), _): throw wrongOption(options)
        case (_, .string(let text)): return try check(text: text)
        default: break
        }
        throw Issue("invalid_type", name, wrongTypeMessage ?? expected(value.typeName))
    }

    func wrongOption(_ options: [String]) -> Issue {
        let list = options.map { "\"\($0)\"" }.joined(separator: "|")
        return Issue("invalid_value", name, "Invalid option: expected one of \(list)")
    }

    private func check(text: String) throws(Issue) -> Checked {
        switch kind {
        case .text(let min, let max, let trimmed):
            let text = trimmed ? trim(text) : text
            try checkLength(text, min: min, max: max)
            return .text(text)
        case .email(let max):
            guard isEmail(text) else {
                throw Issue("invalid_format", name, "Invalid email address")
            }
            try checkLength(text, min: 0, max: max)
            return .text(text)
        case .url:
            // Empty is none, as the dashboards of the field send it.
            if text.isEmpty { return .null }
            try checkLength(text, min: 0, max: urlMax)
            let url = spacesEncoded(withScheme(text))
            guard isURL(url) else { throw invalid("invalid_format", "Invalid URL") }
            return .text(normalizedURL(url))
        case .json(let max):
            try checkLength(text, min: 0, max: max)
            guard text.isEmpty || isJSON(text) else {
                throw Issue("custom", name, "Invalid JSON")
            }
            return .text(text)
        case .color:
            guard isColor(text) else { throw Issue("custom", name, "Invalid color: use #RRGGBB") }
            return .text(text)
        case .date: return text.isEmpty ? .null : .moment(try moment(text))
        case .destination: return .text(try destination(text))
        case .country:
            guard isCountry(text) else {
                throw Issue(
                    "custom", name,
                    "Invalid country: expected a code of ISO 3166-1 such as \"US\"")
            }
            return .text(text.uppercased())
        case .currency:
            guard Currency(text) != nil else {
                throw Issue(
                    "custom", name, "Invalid currency: expected an ISO 4217 code such as \"usd\"")
            }
            return .text(text)
        default: throw Issue("invalid_type", name, wrongTypeMessage ?? expected("string"))
        }
    }

    private func destination(_ text: String) throws(Issue) -> String {
        let text = trim(text)
        try checkLength(text, min: 0, max: urlMax)
        if text.isEmpty { return "" }
        let url = spacesEncoded(withScheme(text))
        guard isDestination(url) else { throw invalid("custom", "Invalid destination URL") }
        return normalizedURL(url)
    }

    func invalid(_ code: String, _ message: String) -> Issue {
        invalidMessage.map { Issue(plain: $0) } ?? Issue(code, name, message)
    }

    func checkLength(_ text: String, min: Int, max: Int) throws(Issue) {
        // A text of n UTF-8 bytes has at most n UTF-16 units: most texts need no counting.
        if min == 0 && text.utf8.count <= max { return }
        let count = text.utf16.count
        guard count >= min else {
            throw Issue(
                "too_small", name,
                tooSmallMessage ?? "Too small: expected string to have >=\(min) characters")
        }
        guard count <= max else {
            throw Issue(
                "too_big", name, "Too big: expected string to have <=\(max) characters")
        }
    }

    private func moment(_ text: String) throws(Issue) -> Timestamp {
        guard let moment = Timestamp(dateText: text) else {
            throw invalid("custom", invalidDateText)
        }
        return moment
    }

    /// A whole number, however it is spelled (`100`, `100.0`, `1e2`), within the safe integers.
    func integer(_ text: String, min: Int64, max: Int64) throws(Issue) -> Int64 {
        guard let number = WholeNumber(text) else {
            throw Issue(
                "invalid_type", name,
                wrongTypeMessage ?? "Invalid input: expected int, received number")
        }
        guard let value = number.value, value >= -Money.largestAmount else {
            throw number.isNegative
                ? tooSmall(min) : tooBig("int", Money.largestAmount)
        }
        guard value <= Money.largestAmount else { throw tooBig("int", Money.largestAmount) }
        guard value >= min else { throw tooSmall(min) }
        guard value <= max else { throw tooBig("number", max) }
        return value
    }

    private func tooSmall(_ min: Int64) -> Issue {
        Issue(
            "too_small", name, tooSmallMessage ?? "Too small: expected number to be >=\(min)")
    }

    private func tooBig(_ type: String, _ max: Int64) -> Issue {
        Issue("too_big", name, tooBigMessage ?? "Too big: expected \(type) to be <=\(max)")
    }

    private var capitalizedName: String { name.prefix(1).uppercased() + name.dropFirst() }

    private func grouped(_ number: Int) -> String {
        number < 1_000
            ? "\(number)" : "\(number / 1_000),\(String(1_000 + number % 1_000).dropFirst())"
    }
}

/// A number's text read without floating point. nil if it has a fractional part.
struct WholeNumber {
    let isNegative: Bool
    /// nil if it does not fit into 64 bits.
    let value: Int64?

    init?(_ text: String) {
        if let value = Int64(text) {
            (isNegative, self.value) = (value < 0, value)
            return
        }
        let lower = text.lowercased()
        let parts = lower.split(separator: "e", maxSplits: 1)
        guard let mantissa = parts.first else { return nil }
        let unsigned = mantissa.drop { $0 == "-" }
        let halves = unsigned.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = halves.count > 1 ? halves[1] : ""
        var digits = String(halves[0]) + fraction
        isNegative = mantissa.hasPrefix("-")
        guard digits.contains(where: { $0 != "0" }) else {
            value = 0
            return
        }
        // Larger than any body has digits: beyond it an exponent is as good as infinite.
        let spelled = parts.count > 1 ? parts[1] : "0"
        let limit = 1 << 30
        let exponent = Int(spelled) ?? (spelled.hasPrefix("-") ? -limit : limit)
        var shift = max(-limit, min(limit, exponent)) - fraction.count
        while shift < 0, digits.last == "0" {
            digits.removeLast()
            shift += 1
        }
        guard shift >= 0 else { return nil }
        let significant = digits.drop { $0 == "0" }
        guard significant.count + shift <= 19 else {
            value = nil
            return
        }
        value = Int64((isNegative ? "-" : "") + significant + String(repeating: "0", count: shift))
    }
}
