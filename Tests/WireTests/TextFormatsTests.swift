import Attribution
import Foundation
import Integrations
import Testing
import Wire

@Suite struct TextFormatsTests {
    @Test(arguments: [
        ("a@b.co", true), ("A.b+c-d_e'f@sub.example-x.com", true), ("a_@b.co", true),
        ("", false), ("a", false), ("a@b", false), ("@b.co", false), ("a@", false),
        (".a@b.co", false), ("a.@b.co", false), ("a..b@b.co", false), ("a'@b.co", false),
        ("a@b..co", false), ("a@-b.co", false), ("a@b.c", false), ("a@b.c1", false),
        ("a@@b.co", false), ("a b@b.co", false), ("a@b.co ", false), ("a@b.co\n", false),
        ("ä@b.co", false), ("a@b\u{FC}.co", false), ("\"a\"@b.co", false), ("a@[1.2.3.4]", false),
    ])
    func emails(text: String, isValid: Bool) { #expect(isEmail(text) == isValid) }

    /// Zod's own pattern, on random texts.
    @Test func emailsAreWhatZodTakes() throws {
        let pattern = try NSRegularExpression(
            pattern: #"\A(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]"#
                + #"@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}\z"#)
        var random = SplitMix(seed: 31)
        let pieces = ["a", "Z", "9", ".", "..", "@", "-", "_", "'", "+", "b.co", "@b.co", " ", "é"]
        var accepted = 0
        for _ in 0..<30_000 {
            let text = (0..<random.int(1..<9)).map { _ in random.pick(pieces) }.joined()
            let range = NSRange(text.startIndex..., in: text)
            let expected = pattern.firstMatch(in: text, range: range) != nil
            guard isEmail(text) == expected else {
                Issue.record("\(text): Zod says \(expected)")
                return
            }
            accepted += expected ? 1 : 0
        }
        #expect(accepted > 300)
    }

    @Test(arguments: [
        ("https://a.test", true), ("http://a.test/x?y#z", true), ("HTTPS://A.test", true),
        ("https://u:p@a.test:8443/", true), ("https://[::1]:80/", true),
        ("https://xn--caf-dma.test/", true), ("https://caf\u{E9}.test/", true),
        ("", false), ("a.test", false), ("//a.test", false), ("https:a.test", false),
        ("https:/a.test", false), ("https://", false), ("https:///x", false),
        ("https://?x", false), ("https://:80/", false), ("ftp://a.test", false),
        ("javascript:alert(1)", false), ("data:text/html,x", false),
        (" https://a.test", false), ("https://a.test/\r\nSet-Cookie: x", false),
        ("https://a.test/\r\n", false), ("https://a.test/a b", false),
        ("https://a.test/\u{0}", false), ("https://a.test/\u{7F}", false),
        ("https://a.test/\t", false),
        ("https://a.test:", true), ("https://a.test:+80", false), ("https://a.test:-0", false),
        ("https://a.test:99999", false), ("https://a.test:8\u{301}0/", false),
        ("https://[::1", false), ("https://[::1]x", false), ("https://[a.test]", false),
        ("https://a[b].test", false), ("https://[]", false), ("https://[fe80::1%25x]/", false),
        ("https://\(String(repeating: "a", count: 253))/", true),
        ("https://\(String(repeating: "a", count: 254))/", false),
        ("https://\(String(repeating: "\u{E9}.", count: 70))example/", false),
    ])
    func urls(text: String, isValid: Bool) { #expect(isURL(text) == isValid) }

    @Test(
        arguments: [
            ("https://A.Test/x", "a.test"), ("http://a.test:80", "a.test"),
            ("https://u:p@a.test/x@y", "a.test"), ("https://a.test?b@c.test", "a.test"),
            ("https://a.test#@c.test", "a.test"), (#"https://a.test\@c.test"#, "a.test"),
            ("https://[2001:DB8::1]:443/", "[2001:db8::1]"), ("https://a.test.", "a.test"),
            ("HTTP://A", "a"),
            // A mark that joins the slash to one letter for the eye does not hide the slash.
            ("https://evil.test/\u{301}@a.test", "evil.test"),
            ("https://evil.test?\u{301}@a.test", "evil.test"),
            ("mailto:a@a.test", nil), ("a.test", nil), ("", nil), ("https:", nil),
        ] as [(String, String?)])
    func hosts(text: String, host: String?) { #expect(urlHost(text) == host) }

    @Test(arguments: [
        ("a.test", "a.test"), ("a.test:80", "a.test"), ("[::1]", "[::1]"), ("[::1]:80", "[::1]"),
        ("", ""), (":80", ""),
    ])
    func hostnames(authority: String, expected: String) {
        #expect(hostname(authority) == expected)
    }

    @Test(arguments: [
        ("", ""), (" ", ""), ("a", "a"), (" a b ", "a b"), ("\t\n\r\u{B}\u{C}a", "a"),
        ("\u{A0}\u{FEFF}a\u{3000}\u{2028}", "a"), ("a\u{200B}", "a\u{200B}"), ("\r\na\r\n", "a"),
    ])
    func trims(text: String, expected: String) { #expect(trim(text) == expected) }
}

@Suite struct URLQueryTests {
    @Test(arguments: [
        ("https://a.test", "https://a.test?via=x"), ("https://a.test/", "https://a.test/?via=x"),
        ("https://a.test/?", "https://a.test/?via=x"),
        ("https://a.test/#f", "https://a.test/?via=x#f"),
        ("https://a.test/?b=1", "https://a.test/?b=1&via=x"),
        ("https://a.test/?b=1#f?g", "https://a.test/?b=1&via=x#f?g"),
        ("https://a.test/?via=1&b=2", "https://a.test/?via=x&b=2"),
        ("https://a.test/?via&b=2&via=3", "https://a.test/?via=x&b=2"),
        ("https://a.test/?viabc=1&xvia=2", "https://a.test/?viabc=1&xvia=2&via=x"),
        ("https://a.test/?b=%20+c&d=%C3%A9", "https://a.test/?b=%20+c&d=%C3%A9&via=x"),
        ("https://a.test/?\u{301}=1", "https://a.test/?\u{301}=1&via=x"),
        ("https://a.test/#\u{301}", "https://a.test/?via=x#\u{301}"),
    ])
    func sets(url: String, expected: String) {
        #expect(Array(setting(url, "via", to: "x").utf8) == Array(expected.utf8))
    }

    private func setting(_ url: String, _ name: String, to value: String) -> String {
        var queried = QueriedURL(url)
        queried.set(name, to: value)
        return queried.url
    }

    @Test func namesAndValuesAreEncoded() {
        #expect(
            setting("https://a.test", "a b", to: "c&d=é")
                == "https://a.test?a%20b=c%26d%3D%C3%A9")
        #expect(
            setting("https://a.test/?a%20b=1", "a b", to: "2") == "https://a.test/?a%20b=2")
    }

    /// Thousands of parameters are set in a moment: anybody may send them.
    @Test func manyParametersTakeOnePass() {
        var url = QueriedURL(
            "https://a.test/?" + (0..<9_000).map { "a\($0)=1" }.joined(separator: "&"))
        let elapsed = ContinuousClock().measure {
            for number in 0..<9_000 { url.set("a\(number)", to: "2") }
            for number in 0..<9_000 { url.set("b\(number)", to: "3") }
        }
        #expect(url.url.hasPrefix("https://a.test/?a0=2&a1=2&"))
        #expect(url.url.hasSuffix("&b8999=3") && !url.url.contains("=1"))
        #expect(elapsed < .seconds(3), "a pass for each would take minutes")
    }

    @Test func percentCodingGoesThereAndBack() {
        var random = SplitMix(seed: 41)
        let unreserved = CharacterSet(
            charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        for _ in 0..<2_000 {
            var text = ""
            for _ in 0..<random.int(0..<12) {
                text.unicodeScalars.append(
                    Unicode.Scalar(UInt32(random.int(0..<0xD800))) ?? "x")
            }
            let encoded = percentEncoded(text)
            guard encoded == text.addingPercentEncoding(withAllowedCharacters: unreserved),
                percentDecoded(encoded).map({ Array($0.utf8) }) == Array(text.utf8)
            else {
                Issue.record("\(text.debugDescription): \(encoded)")
                return
            }
        }
    }

    @Test(
        arguments: [
            ("a%20b", "a b"), ("a+b", "a+b"), ("%c3%A9", "é"), ("", ""), ("%", nil), ("%2", nil),
            ("%zz", nil), ("%C3", nil), ("%ff", nil), ("a%", nil),
        ] as [(String, String?)])
    func decodes(text: String, expected: String?) { #expect(percentDecoded(text) == expected) }
}
