import Attribution
import Testing
import Wire

/// A rule, a value (nil: absent), and what comes of it: the checked value, or the issue's text.
private struct Row: Sendable, CustomTestStringConvertible {
    let rule: Rule
    let json: String?
    let expected: String

    init(_ rule: Rule, _ json: String?, _ expected: String) {
        (self.rule, self.json, self.expected) = (rule, json, expected)
    }
    var testDescription: String { "\(rule.name) \(json ?? "absent")" }
}

private let id = Rule.text("externalId", max: 5, minLength: 1)
private let name = Rule(
    "eventName", .text(min: 1, max: 5, trimmed: true), .required, missing: "eventName is required",
    tooSmall: "eventName is empty")
private let plain = Rule("domain", .text(min: 0, max: .max, trimmed: false), .required)
private let flag = Rule.flag("archived")
private let amount = Rule(
    "amount", .integer(min: 0, max: Money.largestAmount), .required, missing: "amount is required",
    tooSmall: "amount cannot be negative")
private let count = Rule("quantity", .integer(min: 1, max: 100), .nullish)
private let mode = Rule("mode", .option(["async", "wait"]), .optional)
private let metadata = Rule("metadata", .object(max: 10), .nullish)
private let large = Rule("metadata", .object(max: 10_000), .nullish)
private let currency = Rule("currency", .currency, .optional)
private let email = Rule("customerEmail", .email(max: 12), .nullish)
private let url = Rule.url("expiredUrl")
private let date = Rule.date("expiresAt")

@Suite struct RuleCheckTests {
    fileprivate static let texts: [Row] = [
        Row(id, nil, "absent"), Row(id, "null", "null"), Row(id, "\"abc\"", "text abc"),
        Row(
            id, "\"\"",
            "too_small: externalId: Too small: expected string to have >=1 characters"),
        Row(id, "\"abcde\"", "text abcde"),
        Row(
            id, "\"abcdef\"",
            "too_big: externalId: Too big: expected string to have <=5 characters"),
        Row(id, "\"éééé\"", "text éééé"), Row(id, "\"ééééé\"", "text ééééé"),
        Row(id, "\"😀😀\"", "text 😀😀"),
        Row(
            id, "\"😀😀😀\"",
            "too_big: externalId: Too big: expected string to have <=5 characters"),
        Row(
            id, "7", "invalid_type: externalId: Invalid input: expected string, received number"),
        Row(
            id, "true",
            "invalid_type: externalId: Invalid input: expected string, received boolean"),
        Row(
            id, "[]", "invalid_type: externalId: Invalid input: expected string, received array"),
        Row(
            id, "{}",
            "invalid_type: externalId: Invalid input: expected string, received object"),
        Row(name, nil, "invalid_type: eventName: eventName is required"),
        Row(
            name, "null",
            "invalid_type: eventName: Invalid input: expected string, received null"),
        Row(name, "\"  ab \"", "text ab"), Row(name, #""\u00a0ab\ufeff""#, "text ab"),
        Row(name, "\"   \"", "too_small: eventName: eventName is empty"),
        Row(name, "\"  abcde  \"", "text abcde"),
        Row(
            plain, nil,
            "invalid_type: domain: Invalid input: expected string, received undefined"),
        Row(plain, "\" a \"", "text  a "), Row(plain, "\"\"", "text "),
    ]

    fileprivate static let numbers: [Row] = [
        Row(amount, nil, "invalid_type: amount: amount is required"),
        Row(amount, "0", "integer 0"), Row(amount, "4900", "integer 4900"),
        Row(amount, "-1", "too_small: amount: amount cannot be negative"),
        Row(amount, "1.5", "invalid_type: amount: Invalid input: expected int, received number"),
        Row(
            amount, "\"100\"",
            "invalid_type: amount: Invalid input: expected number, received string"),
        Row(amount, "null", "invalid_type: amount: Invalid input: expected number, received null"),
        Row(
            amount, "9007199254740992",
            "too_big: amount: Too big: expected int to be <=9007199254740991"),
        Row(amount, "-1e400", "too_small: amount: amount cannot be negative"),
        Row(count, "0", "too_small: quantity: Too small: expected number to be >=1"),
        Row(count, "1", "integer 1"), Row(count, "100", "integer 100"),
        Row(count, "101", "too_big: quantity: Too big: expected number to be <=100"),
        Row(count, "null", "null"), Row(count, nil, "absent"),
        Row(flag, "true", "flag true"), Row(flag, "false", "flag false"), Row(flag, nil, "absent"),
        Row(
            flag, "\"true\"",
            "invalid_type: archived: Invalid input: expected boolean, received string"),
        Row(flag, "null", "invalid_type: archived: Invalid input: expected boolean, received null"),
        Row(flag, "1", "invalid_type: archived: Invalid input: expected boolean, received number"),
    ]

    fileprivate static let formats: [Row] = [
        Row(mode, "\"wait\"", "text wait"), Row(mode, nil, "absent"),
        Row(
            mode, "\"later\"",
            #"invalid_value: mode: Invalid option: expected one of "async"|"wait""#),
        Row(
            mode, "\"Wait\"",
            #"invalid_value: mode: Invalid option: expected one of "async"|"wait""#),
        Row(mode, "7", #"invalid_value: mode: Invalid option: expected one of "async"|"wait""#),
        Row(metadata, "{ \"a\" : 1.0 }", "object { \"a\" : 1.0 }"),
        Row(metadata, "{\"a\":1234}", "object {\"a\":1234}"),
        Row(
            metadata, "{\"a\":12345}",
            "custom: metadata: Metadata must be less than 10 characters when stringified"),
        Row(
            large, "{\"a\":\"\(String(repeating: "x", count: 9_993))\"}",
            "custom: metadata: Metadata must be less than 10,000 characters when stringified"),
        Row(metadata, "null", "null"),
        Row(
            metadata, "[]",
            "invalid_type: metadata: Invalid input: expected object, received array"),
        Row(
            metadata, "\"{}\"",
            "invalid_type: metadata: Invalid input: expected object, received string"),
        Row(currency, "\"EUR\"", "text EUR"),
        Row(
            currency, "\"zzz\"",
            #"custom: currency: Invalid currency: expected an ISO 4217 code such as "usd""#),
        Row(email, "\"a@b.test\"", "text a@b.test"),
        Row(email, "\"a@b\"", "invalid_format: customerEmail: Invalid email address"),
        Row(
            email, "\"abcdef@b.test\"",
            "too_big: customerEmail: Too big: expected string to have <=12 characters"),
        Row(url, "\"https://a.test/\"", "text https://a.test/"),
        Row(url, "\"a.test\"", "text https://a.test"),
        Row(url, "\"a\"", "invalid_format: expiredUrl: Invalid URL"),
        Row(url, "\"\"", "null"),
        Row(date, "\"2026-08-21T10:00:00Z\"", "moment 2026-08-21T10:00:00.000Z"),
        Row(date, "1790000000123", "moment 2026-09-21T14:13:20.123Z"),
        Row(
            date, "\"soon\"",
            "custom: expiresAt: Invalid date: expected ISO 8601 from 1970 to 9999, such as 2026-08-21T10:00:00Z"
        ),
        Row(
            date, "true",
            "invalid_type: expiresAt: Invalid input: expected string, received boolean"),
    ]

    @Test(arguments: texts) fileprivate func checksTexts(_ row: Row) throws { try check(row) }
    @Test(arguments: numbers) fileprivate func checksNumbers(_ row: Row) throws { try check(row) }
    @Test(arguments: formats) fileprivate func checksFormats(_ row: Row) throws { try check(row) }

    private func check(_ row: Row) throws {
        let value = try row.json.map { try WireTests.value($0) }
        #expect(words(row.rule, value) == row.expected)
    }
}

@Suite struct WholeNumberTests {
    private static let rule = Rule(
        "n", .integer(min: -Money.largestAmount, max: Money.largestAmount), .required)
    private static let fractional = "Invalid input: expected int, received number"
    private static let tooBig = "Too big: expected int to be <=9007199254740991"
    private static let tooSmall = "Too small: expected number to be >=-9007199254740991"

    @Test(
        arguments: [
            ("100", 100), ("100.0", 100), ("1e2", 100), ("1E2", 100), ("1e+2", 100), ("1.0e2", 100),
            ("0.1e3", 100), ("10000e-2", 100), ("100.000e0", 100), ("-0", 0), ("-0.0", 0),
            ("0e9", 0),
            ("0.000e99999999999999999999", 0), ("-100.0", -100), ("-1e2", -100), ("49e2", 4_900),
            ("9007199254740991", 9_007_199_254_740_991),
            ("9007199254740991.0", 9_007_199_254_740_991),
            ("9.007199254740991e15", 9_007_199_254_740_991),
            ("-9007199254740991", -9_007_199_254_740_991),
        ] as [(String, Int64)])
    func spellings(text: String, number: Int64) {
        #expect(words(Self.rule, .number(text)) == "integer \(number)")
    }

    @Test(arguments: [
        "1.5", "0.5", "1e-1", "15e-1", "100.01", "-0.1", "1e-400", "1.0000000000000000000001",
    ])
    func fractions(text: String) {
        #expect(words(Self.rule, .number(text)) == "invalid_type: n: \(Self.fractional)")
    }

    @Test(arguments: [
        "9007199254740992", "9007199254740993.0", "9223372036854775807", "9223372036854775808",
        "1e16", "1e19", "1e20", "1e400", "1e999999999999999999999999", "12345678901234567890",
    ])
    func tooLarge(text: String) {
        #expect(words(Self.rule, .number(text)) == "too_big: n: \(Self.tooBig)")
        #expect(words(Self.rule, .number("-" + text)) == "too_small: n: \(Self.tooSmall)")
    }

    /// However long a spelling is, the number is what it says.
    @Test(arguments: [1_000, 99_999, 100_001, 200_000])
    func longSpellings(zeros count: Int) {
        let zeros = String(repeating: "0", count: count)
        let whole = words(Self.rule, .number("1\(zeros)e-\(count)"))
        #expect(whole == "integer 1")
        let fraction = words(Self.rule, .number("0.\(zeros)1e\(count + 1)"))
        #expect(fraction == "integer 1")
    }

    /// A megabyte of digits, and exponents of any size, take no time worth naming.
    @Test func hugeNumbersAreQuick() {
        let digits = String(repeating: "9", count: 1_000_000)
        let texts = [
            digits, "0." + digits, "1e" + digits, "1e-" + digits, digits + "e-" + digits,
            "1" + String(repeating: "0", count: 1_000_000),
        ]
        let duration = ContinuousClock().measure {
            for text in texts { _ = words(Self.rule, .number(text)) }
        }
        #expect(duration < .seconds(1))
    }
}

/// The checked value, or the text of the issue.
private func words(_ rule: Rule, _ value: JSONValue?) -> String {
    do throws(Wire.Issue) {
        switch try rule.check(value) {
        case .absent: return "absent"
        case .null: return "null"
        case .text(let text): return "text \(text)"
        case .flag(let flag): return "flag \(flag)"
        case .integer(let number): return "integer \(number)"
        case .moment(let moment): return "moment \(moment.iso8601)"
        case .object(let raw): return "object \(raw.text)"
        case .texts(let texts): return "texts \(texts.joined(separator: "|"))"
        case .urls(let urls): return "urls \(urls)"
        }
    } catch { return error.text }
}
