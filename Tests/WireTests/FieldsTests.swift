import Attribution
import Testing
import Wire

/// Values that hold several, queries, and URLs as they are kept.
@Suite struct FieldsTests {
    private static let rules: [Rule] = [
        .texts("ids", max: 5, count: 3), Rule("geo", .geo, .nullish),
        Rule("variants", .variants, .nullish), Rule("file", .json(max: 20), .nullish),
        .url("url"), .date("at", "No date."), Rule("count", .integer(min: 1, max: 9), .optional),
        .flag("flag"),
    ]

    @Test(arguments: [
        (#"{"ids":["a","b"]}"#, "ids", "a|b"), (#"{"ids":"a, b,,c"}"#, "ids", "a|b|c"),
        (#"{"ids":[]}"#, "ids", ""), (#"{"ids":null}"#, "ids", "null"),
        (
            #"{"geo":{"DE":"https://a.test","US":"http://b.test/x"}}"#, "geo",
            "DE https://a.test/US http://b.test/x"
        ),
        (#"{"geo":{}}"#, "geo", ""),
        (
            #"{"variants":[{"url":"https://a.test","percentage":90},{"url":"https://b.test","percentage":10}]}"#,
            "variants", "90 https://a.test/10 https://b.test"
        ),
        (#"{"file":"{\"a\":[1]}"}"#, "file", #"{"a":[1]}"#),
        (#"{"url":"https://MÜLLER.test:8443/ü?x"}"#, "url", "https://xn--mller-kva.test:8443/ü?x"),
    ])
    func reads(body: String, name: String, expected: String) throws {
        #expect(words(try fields(body)[name]) == expected)
    }

    @Test(arguments: [
        (#"{"ids":5}"#, "invalid_union: ids: Invalid input"),
        (#"{"ids":[5]}"#, "invalid_union: ids: Invalid input"),
        (#"{"ids":"a,b,c,d"}"#, "too_big: ids: Too big: expected array to have <=3 items"),
        (#"{"ids":"abcdef"}"#, "too_big: ids: Too big: expected string to have <=5 characters"),
        (#"{"geo":[]}"#, "invalid_type: geo: Invalid input: expected record, received array"),
        (
            #"{"geo":{"de":"https://a.test"}}"#,
            "invalid_value: geo.de: Invalid key: expected a country code of ISO 3166-1 such as \"US\""
        ),
        (#"{"geo":{"DE":"javascript:1"}}"#, "invalid_format: geo.DE: Invalid URL"),
        (
            #"{"variants":[{"url":"https://a.test","percentage":50}]}"#,
            "too_small: variants: Too small: expected array to have >=2 items"
        ),
        (
            #"{"variants":[{"url":"https://a.test","percentage":50},{"url":"x","percentage":50}]}"#,
            "invalid_format: variants[1].url: Invalid URL"
        ),
        (
            #"{"variants":[{"url":"https://a.test","percentage":50},{"url":"https://b.test","percentage":5}]}"#,
            "too_small: variants[1].percentage: Too small: expected number to be >=10"
        ),
        (
            #"{"variants":[{"url":"https://a.test","percentage":50},{"url":"https://b.test","percentage":40}]}"#,
            "custom: variants: The percentages must add up to 100, not 90."
        ),
        (#"{"file":"{"}"#, "custom: file: Invalid JSON"),
        (#"{"at":"someday"}"#, "No date."),
    ])
    func refuses(body: String, expected: String) {
        let error = #expect(throws: Wire.Issue.self) { try fields(body) }
        #expect(error?.text == expected)
    }

    @Test func queries() throws {
        let fields = try Fields(
            Self.rules,
            query: [
                ("ids", "a,b"), ("ids", "c"), ("count", "9"), ("flag", "true"), ("url", ""),
                ("other", "x"),
            ])
        #expect(fields.texts("ids") == ["a", "b", "c"])
        #expect(fields.integer("count") == 9)
        #expect(fields.flag("flag") == true)
        #expect(!fields.has("url"))
    }

    @Test(arguments: [
        ("flag", "yes", #"invalid_value: flag: Invalid option: expected one of "true"|"false""#),
        ("count", "x", "invalid_type: count: Invalid input: expected number, received string"),
        ("count", "10", "too_big: count: Too big: expected number to be <=9"),
        ("ids", "\0", "invalid_format: ids: Invalid input: NUL characters are not allowed"),
    ])
    func queriesThatAreRefused(name: String, value: String, expected: String) {
        let error = #expect(throws: Wire.Issue.self) {
            try Fields(Self.rules, query: [(name, value)])
        }
        #expect(error?.text == expected)
    }

    @Test(arguments: [
        ("Jan 1, 2031", "2031-01-01T00:00:00.000Z"), ("1 January 2031", "2031-01-01T00:00:00.000Z"),
        ("Tue, 01 Jan 2030 10:20:30 GMT", "2030-01-01T10:20:30.000Z"),
        ("Sept. 5 2031", nil), ("Sep. 5 2031 10:00", "2031-09-05T10:00:00.000Z"),
        ("2031/02/03", "2031-02-03T00:00:00.000Z"), ("2031/13/03", nil), ("02/03/2031", nil),
        ("Jan 32 2031", nil), ("tomorrow", nil), ("Jan 2031", nil), (" ", nil), ("1 2 3", nil),
        ("2031-02-03T04:05:06+02:00", "2031-02-03T02:05:06.000Z"), ("Jan 1 2031 25:00", nil),
    ])
    func dates(text: String, expected: String?) throws {
        let rule = Rule.date("at")
        guard let expected else {
            #expect(throws: Wire.Issue.self) { try rule.check(.string(text)) }
            return
        }
        #expect(try rule.check(.string(text)) == .moment(try #require(Timestamp(text: expected))))
    }

    /// Spellings that RFC 3492 and the registries give.
    @Test(arguments: [
        ("abc", "abc"), ("bücher", "xn--bcher-kva"), ("BÜCHER.example", "xn--bcher-kva.example"),
        ("ドメイン名例", "xn--eckwd4c7cu47r2wf"), ("他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"),
        ("почемужеонинеговорятпорусски", "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l"),
        ("\u{1F496}", "xn--1r8h"), ("", ""),
    ])
    func punycode(text: String, expected: String) { #expect(punycoded(text) == expected) }

    @Test(arguments: [
        ("apple.com", false), ("müller.de", false), ("\u{430}pple.com", true),
        ("\u{430}\u{440}\u{440}.example", false), ("g\u{3BF}\u{3BF}gle.com", true),
        ("日本語テスト.example", false), ("日本abc.example", false),
        ("日本\u{3BF}.example", true),
    ])
    func scripts(host: String, isMixed: Bool) { #expect(mixesScripts(host) == isMixed) }

    @Test(arguments: [
        ("https://a.test/?x=1&y=2#f", "x", "1", "https://a.test/?y=2#f"),
        ("https://a.test/?x=1", "x", "1", "https://a.test/"),
        ("https://a.test/?%78=a+b", "x", "a b", "https://a.test/"),
        ("https://a.test/?x", "x", "", "https://a.test/"),
        ("https://a.test/#?x=1", "x", nil, "https://a.test/#?x=1"),
        ("https://a.test", "x", nil, "https://a.test"),
    ])
    func queryOfURL(url: String, name: String, value: String?, rest: String) {
        var queried = QueriedURL(url)
        #expect(queried.value(name) == value)
        queried.remove(name)
        #expect(queried.url == rest)
    }

    @Test(arguments: [
        ("https://a.test", "https://a.test/"), ("https://a.test?x", "https://a.test/?x"),
        ("https://a.test#f", "https://a.test/#f"), ("https://a.test/", "https://a.test/"),
        ("https://a.test/b?c", "https://a.test/b?c"), ("https://a.test:8/?", "https://a.test:8/?"),
    ])
    func rootPaths(url: String, expected: String) {
        var parts = QueriedURL(url)
        parts.setRootPath()
        #expect(parts.url == expected)
    }

    @Test(arguments: [
        "javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
        "ftp://a.test",
        "https:javascript", "https://a%2eb.test", "https://a<b.test", "mailto:", "tel:1 2",
        "//a.test",
        "https://", "mailto:a\u{7F}b",
    ])
    func notADestination(url: String) { #expect(!isDestination(url)) }

    @Test(arguments: [
        "mailto:a@b.test", "tel:+49123", "SMS:1", "https://a.test", "http://[::1]:8/",
    ])
    func destination(url: String) { #expect(isDestination(url)) }

    private func fields(_ body: String) throws -> Fields {
        let members = try Array(body.utf8).withUnsafeBufferPointer { try readMembers($0) }
        return try Fields(Self.rules, members)
    }

    private func words(_ checked: Checked) -> String {
        switch checked {
        case .texts(let texts): texts.joined(separator: "|")
        case .urls(let urls): urls.description.replacing("\n", with: "/")
        case .text(let text): text
        case .null: "null"
        default: "\(checked)"
        }
    }
}
