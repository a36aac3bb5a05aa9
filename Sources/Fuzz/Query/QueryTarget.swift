import Attribution
import Foundation
import HTTPTypes
import Hummingbird
import Server
import Wire

/// What reads queries, cookies, addresses and e-mail addresses, against second writings of it.
struct QueryTarget: FuzzTarget {
    let canary: Bool
    let tokens = [
        "https://", "http://", "HTTPS://", "://", "?", "#", "&", "=", "%", "%00", "%0D%0A", "%2",
        "+",
        "@", ":", ":80", ":+80", "[::1]", "[", "]", "\\", "/", "//", "..", ".", ";", "; ",
        "dub_id=",
        "via=x", "mailto:", "tel:", "javascript:", "xn--", "www.", "%E9", "%C3%A9", "\"", "{", "|",
    ]

    init(canary: Bool) { self.canary = canary }

    func grammar(_ draft: inout Draft) { draft.queryText() }

    func check(_ input: [UInt8], _ classes: inout Classes) throws(Finding) -> Bool {
        let text = String(decoding: input, as: UTF8.self)
        try checkForms(text)
        try checkQuery(text)
        try checkCookies(text)
        try checkQueriedURL(text)
        try checkAddress(text)
        try checkPunycode(text)
        try checkEmail(text)
        return isEmail(text) || isDestination(text)
    }

    /// In a long text the pattern has more places to go back to than its engine keeps, which then
    /// finds nothing.
    private func checkEmail(_ text: String) throws(Finding) {
        let isFine = isEmail(text)
        guard text.utf8.count <= 20_000 else { return }
        try expect(isFine == EmailPattern.matches(text), "isEmail is \(isFine) for \(text)")
    }

    private func checkForms(_ text: String) throws(Finding) {
        let encoded = percentEncoded(text)
        try expect(
            encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "encoded as \(encoded)")
        try expect(isSame(percentDecoded(encoded), text), "percentDecoded of \(encoded)")
        try expect(isSame(formDecoded(encoded), text), "formDecoded of \(encoded)")
        try expect(
            isSame(formDecoded(text), FormModel.decoded(text.utf8)),
            "formDecoded gives \(formDecoded(text))")
        let (found, expected) = (percentDecoded(text), FormModel.strictlyDecoded(text))
        try expect(
            isSame(found, expected)
                && isSameInFoundation(found, text),
            "percentDecoded gives \(found ?? "nil"), not \(expected ?? "nil")")
    }

    /// Foundation drops a byte order mark.
    private func isSameInFoundation(_ found: String?, _ text: String) -> Bool {
        guard let found, !found.unicodeScalars.contains("\u{FEFF}") else { return true }
        return isSame(found, text.removingPercentEncoding)
    }

    /// Bytes of a request's line or header that SwiftNIO lets through.
    private static let headMax = 80 * 1_024

    private func checkQuery(_ text: String) throws(Finding) {
        guard text.utf8.count <= Self.headMax else { return }
        let query = Self.reachable(text)
        let found = Self.request(path: "/k?\(query)").queryItems
        var expected = FormModel.items(query.utf8.prefix { $0 != 0x23 })
        if canary { expected.removeAll { $0.name == "via" } }
        try expect(FormModel.isSameItems(found, expected), "the query is read as \(found)")
    }

    /// The text as it can stand in a request's line.
    static func reachable(_ text: String) -> String {
        text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            ? text
            : text.utf8.reduce(into: "") { result, byte in
                let scalar = String(Unicode.Scalar(byte))
                if byte > 0x20, byte < 0x7F {
                    result += scalar
                } else {
                    result += byte < 0x80 ? percentEncoded(scalar) : "%\(String(byte, radix: 16))"
                }
            }
    }

    static func request(path: String, authority: String = "go.example", cookie: String? = nil)
        -> Request
    {
        var fields = HTTPFields()
        if let cookie { fields[.cookie] = cookie }
        return Request(
            head: HTTPRequest(
                method: .get, scheme: "https", authority: authority, path: path,
                headerFields: fields),
            body: .init(buffer: ByteBuffer()))
    }

    /// Of cookies in ASCII every one is found, and nothing else.
    private func checkCookies(_ text: String) throws(Finding) {
        guard text.utf8.count < 4_096, text.utf8.allSatisfy({ $0 < 0x80 }) else { return }
        let plain = Self.request(path: "/", cookie: text)
        let request = VisitRequest(plain, address: nil)
        guard let header = plain.headers[.cookie] else { return }
        var seen: Set<String> = []
        for part in header.utf8.split(separator: 0x3B).prefix(5) {
            let name = part.prefix { $0 != 0x3D }
            guard name.count < part.count else { continue }
            let trimmed = BodyModel.trimmed(String(decoding: name, as: UTF8.self))
            guard seen.insert(trimmed).inserted else { continue }
            let value = String(decoding: part.dropFirst(name.count + 1), as: UTF8.self)
            let expected = FormModel.strictlyDecoded(BodyModel.trimmed(value))
            let found = request.cookie(trimmed)
            try expect(
                isSame(found, expected),
                "the cookie '\(trimmed)' is read as \(found ?? "nil"), not \(expected ?? "nil")")
        }
        try expect(request.cookie("no;such") == nil, "a cookie that is none")
    }

    private func checkQueriedURL(_ text: String) throws(Finding) {
        let parsed = QueriedURL(text)
        try expect(isSame(parsed.url, text), "an untouched URL changes")
        let items = FormModel.items(FormModel.query(of: text))
        for name in [items.last?.name ?? "via", "dub_id"] {
            let first = items.first { isSame($0.name, name) }?.value
            try expect(isSame(parsed.value(name), first), "value of \(name)")
            let others = items.filter { !isSame($0.name, name) }
            var without = parsed
            without.remove(name)
            try expect(isSameQuery(without.url, others), "without \(name): \(without.url)")
            try checkFrame(without.url, text)
            var expected = items
            let value = "a b&c=\u{E9}#"
            if let place = items.firstIndex(where: { isSame($0.name, name) }) {
                let behind = items[place...].filter { !isSame($0.name, name) }
                expected = items[..<place] + [(name, value)] + behind
            } else {
                expected.append((name, value))
            }
            var with = parsed
            with.set(name, to: value)
            try expect(isSameQuery(with.url, expected), "with \(name): \(with.url)")
            try checkFrame(with.url, text)
        }
    }

    private func isSameQuery(_ url: String, _ items: [(name: String, value: String)]) -> Bool {
        FormModel.isSameItems(FormModel.items(FormModel.query(of: url)), items)
    }

    /// Everything around the query stays.
    private func checkFrame(_ changed: String, _ text: String) throws(Finding) {
        func frame(_ url: String) -> ([UInt8], [UInt8]) {
            let start = Array(url.utf8.prefix { $0 != 0x3F && $0 != 0x23 })
            return (start, Array(url.utf8.drop { $0 != 0x23 }))
        }
        try expect(frame(changed) == frame(text), "around the query of \(changed)")
    }

    private func checkAddress(_ text: String) throws(Finding) {
        let model = AddressModel(text)
        let isFine = isURL(text)
        let isExpected = isFine == (model?.isSafe ?? false) || !isFine && model?.mayGrow == true
        try expect(isExpected, "isURL is \(isFine) for \(text)")
        try checkDestination(text, isFine)
        guard let model, isFine else { return }
        var host = model.hostText.lowercased()
        if host.hasSuffix(".") { host.removeLast() }
        let found = urlHost(text) ?? "nil"
        try expect(isSame(found, host), "urlHost is \(found), not \(host)")
        let normal = normalizedURL(text)
        guard let after = AddressModel(normal) else { throw Finding("normalized as \(normal)") }
        try expect(
            after.host.allSatisfy { $0 < 0x80 } && after.user == model.user
                && after.port == model.port && after.rest == model.rest,
            "normalized as \(normal)")
        try expect(
            isURL(normal) && isSame(normalizedURL(normal), normal), "normalized as \(normal)")
    }

    private func checkDestination(_ text: String, _ isWeb: Bool) throws(Finding) {
        let schemes = ["mailto:", "sms:", "tel:", "tg:", "whatsapp:", "xmpp:"]
        let start = text.utf8.prefix(9).map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        let scheme = text.utf8.prefix { $0 != UInt8(ascii: ":") }.count + 1
        let isApp = schemes.contains {
            start.starts(with: $0.utf8) && scheme == $0.utf8.count && text.utf8.count > scheme
        }
        let isVisible = text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
        try expect(
            isDestination(text) == (isWeb || isApp && isVisible),
            "isDestination is \(isDestination(text)) for \(text)")
        let rule = Rule("url", .destination, .required)
        guard case .text(let kept)? = try? rule.check(.string(text)) else { return }
        try expect(kept.isEmpty || isDestination(kept), "kept as \(kept)")
        let again = try? rule.check(.string(kept))
        guard case .text(let twice)? = again, isSame(twice, kept) else {
            throw Finding("kept as \(kept), and then as \(String(describing: again))")
        }
    }

    private func checkPunycode(_ text: String) throws(Finding) {
        let result = punycoded(text)
        guard text.utf8.count <= 1_024, !text.utf8.allSatisfy({ $0 < 0x80 }) else {
            return try expect(isSame(result, text), "punycoded changes it")
        }
        try expect(result.utf8.allSatisfy { $0 < 0x80 }, "punycoded as \(result)")
        let dots: Set<Unicode.Scalar> = [".", "\u{3002}", "\u{FF0E}", "\u{FF61}"]
        let labels = text.lowercased().unicodeScalars
            .split(omittingEmptySubsequences: false) { dots.contains($0) }
        let coded = result.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        try expect(labels.count == coded.count, "punycoded as \(result)")
        for (label, code) in zip(labels, coded) {
            let isPlain = label.allSatisfy(\.isASCII)
            let back =
                isPlain
                ? code.map { Unicode.Scalar($0) }
                : PunycodeModel.decoded(code.dropFirst(4)) ?? []
            try expect(
                back == Array(label) && (isPlain || code.starts(with: "xn--".utf8)),
                "punycoded as \(result)")
        }
    }
}
