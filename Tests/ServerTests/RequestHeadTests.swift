import Server
import Testing

/// Which heads are plain enough to be answered from their bytes, what is found in them, and that
/// whatever could be read in two ways is none of them.
@Suite struct RequestHeadTests {
    struct Found: Equatable, Sendable {
        var method = RequestHead.Method.post
        var target = "/track/sale"
        var host: String?
        var authorization: String?
        var contentLength = 0
    }

    private static let sale = """
        POST /track/sale HTTP/1.1\r\nHost: api.example:8080\r\nUser-Agent: a/1 (b; c)\r\n\
        Authorization: Bearer dub_1\r\nContent-Type: application/json\r\nContent-Length: 25\r\n\r\n
        """

    private func scan(_ bytes: [UInt8]) -> RequestHead? { bytes.withUnsafeBytes(RequestHead.init) }

    private func scan(_ text: String) -> RequestHead? { scan(Array(text.utf8)) }

    /// A request of a sale with these lines.
    private func scan(lines: String...) -> RequestHead? {
        scan("POST /track/sale HTTP/1.1\r\n\(lines.map { "\($0)\r\n" }.joined())\r\n")
    }

    private func found(_ text: String) -> Found? {
        let bytes = Array(text.utf8)
        return scan(bytes).map { head in
            func text(_ range: Range<Int>) -> String {
                String(decoding: bytes[range], as: UTF8.self)
            }
            return Found(
                method: head.method, target: text(head.target), host: head.host.map(text),
                authorization: head.authorization.map(text), contentLength: head.contentLength)
        }
    }

    // MARK: What is found

    @Test(arguments: [
        (sale, Found(host: "api.example:8080", authorization: "Bearer dub_1", contentLength: 25)),
        ("GET / HTTP/1.1\r\n\r\n", Found(method: .get, target: "/")),
        ("GET /a?b=%20&c#d HTTP/1.1\r\n\r\n", Found(method: .get, target: "/a?b=%20&c#d")),
        ("GET //a/../b;c HTTP/1.1\r\n\r\n", Found(method: .get, target: "//a/../b;c")),
        ("PUT /track/sale HTTP/1.1\r\n\r\n", Found(method: .other)),
        ("HEAD / HTTP/1.1\r\n\r\n", Found(method: .other, target: "/")),
        ("GETS / HTTP/1.1\r\n\r\n", Found(method: .other, target: "/")),
        ("POS / HTTP/1.1\r\n\r\n", Found(method: .other, target: "/")),
        ("CONNECTS / HTTP/1.1\r\n\r\n", Found(method: .other, target: "/")),
        // Its version is the last one.
        ("GET /HTTP/1.1 HTTP/1.1\r\n\r\n", Found(method: .get, target: "/HTTP/1.1")),
    ])
    func firstLines(text: String, expected: Found) { #expect(found(text) == expected) }

    @Test(arguments: [
        ("Host: a", Found(host: "a")), ("host:a", Found(host: "a")), ("HOST: a", Found(host: "a")),
        ("hOsT:   a b   ", Found(host: "a b")), ("Host:", Found(host: "")),
        ("Host:  ", Found(host: "")), ("Host: a:b:c", Found(host: "a:b:c")),
        ("authorization:Bearer x", Found(authorization: "Bearer x")),
        ("AUTHORIZATION: Bearer  x ", Found(authorization: "Bearer  x")),
        ("Content-Length: 0", Found()), ("content-length:7", Found(contentLength: 7)),
        ("CONTENT-LENGTH: 12 ", Found(contentLength: 12)),
        ("Content-Length: 007", Found(contentLength: 7)),
        ("Content-Length: 000000000", Found()),
        ("Content-Length: 999999999", Found(contentLength: 999_999_999)),
        ("Connection: keep-alive", Found()), ("connection:KEEP-ALIVE ", Found()),
        ("Connection: Keep-Alive\r\nConnection: keep-alive", Found()),
        ("X: 1\r\nX: 2\r\nx:", Found()), ("a:b\r\nHost: c\r\nd:e", Found(host: "c")),
        ("Content-Type: x\r\nContent-Encoding: gzip\r\nTE: trailers", Found()),
        ("Keep-Alive: timeout=5\r\nCookie: a=b; c=\"d\"", Found()),
    ])
    func headers(lines: String, expected: Found) {
        #expect(found("POST /track/sale HTTP/1.1\r\n\(lines)\r\n\r\n") == expected)
    }

    /// Names that are nearly those of headers that mean something.
    @Test(arguments: [
        "Hosts", "Hos", "X-Host", "Ho-t", "Host_", "Authorizations", "Authorizatio",
        "Authorization_", "Content_Length", "Content-Lengths", "Content-Lengt", "ContentLength",
        "Content-Length-",
        "Transfer-Encodin", "Transfer-Encodings", "Transfer_Encoding", "Expects", "Expec",
        "Upgrades", "Upgrad", "Trailers", "Connections", "Connectio", "Proxy_Connection",
        "Proxy-Connections",
    ])
    func namesOfOthers(name: String) {
        #expect(found("POST /track/sale HTTP/1.1\r\n\(name): 5\r\n\r\n") == Found())
    }

    @Test func whatStandsBehindIsNotLookedAt() {
        let head = scan(Self.sale)
        #expect(head?.length == Self.sale.utf8.count)
        for rest in ["x", "\r\n\r\n", "Host: b\r\n\r\n", "\0", Self.sale] {
            #expect(scan(Self.sale + rest) == head)
        }
        #expect(scan(Array(Self.sale.utf8) + [0xFF, 0x80]) == head)
    }

    // MARK: What is not all there

    @Test func everyPartIsTooLittle() {
        let bytes = Array(Self.sale.utf8)
        for count in 0..<bytes.count { #expect(scan(Array(bytes[..<count])) == nil) }
    }

    @Test func nothing() {
        #expect(RequestHead(UnsafeRawBufferPointer(start: nil, count: 0)) == nil)
    }

    // MARK: What is not plain

    @Test(arguments: [
        "GET / HTTP/1.0", "GET / HTTP/1.2", "GET / HTTP/2.0", "GET / HTTP/1.11", "GET / HTTP/11",
        "GET / http/1.1", "GET / HTTP/1.1 ", "GET / HTTP/1.1\t", "GET /", "GET", "", " ", "/",
        "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / a HTTP/1.1", " GET / HTTP/1.1",
        "GET\t/ HTTP/1.1", "GET /\tHTTP/1.1", "GET / HTTP/1.1 HTTP/1.1", "GET HTTP/1.1",
        "GET  HTTP/1.1", "/ HTTP/1.1", " / HTTP/1.1", "GET a HTTP/1.1", "GET * HTTP/1.1",
        "GET http://a/ HTTP/1.1", "GET ?a HTTP/1.1", "CONNECT / HTTP/1.1", "CONNECT a:1 HTTP/1.1",
        "get / HTTP/1.1", "Get / HTTP/1.1", "GE\u{54}\u{301} / HTTP/1.1", "M-SEARCH / HTTP/1.1",
        "G3T / HTTP/1.1", "GET /\u{E9} HTTP/1.1", "GET /\0 HTTP/1.1", "GET /\u{7F} HTTP/1.1",
        "\u{FEFF}GET / HTTP/1.1", "\r\nGET / HTTP/1.1", "\nGET / HTTP/1.1", "GET / HTTP/1.1\r",
        "GET /\r HTTP/1.1", "GET /\n HTTP/1.1", " / HTTP/1.1\r\nContent-Length: 2",
    ])
    func firstLinesOfOthers(line: String) { #expect(scan("\(line)\r\nHost: a\r\n\r\n") == nil) }

    @Test(arguments: [
        // Of these there is one.
        "Host: a\r\nHost: a", "Host: a\r\nhost: b", "Host:\r\nHost: a", "Host: a\r\nX: b\r\nHOST:",
        "Authorization: a\r\nAuthorization: a", "authorization:\r\nAuthorization: a",
        "Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5\r\ncontent-length: 6",
        "Content-Length: 0\r\nContent-Length: 0", "Content-Length: 0\r\nX: y\r\nCONTENT-LENGTH: 3",
        // Lengths that are no plain number.
        "Content-Length:", "Content-Length: ", "Content-Length: +5", "Content-Length: -5",
        "Content-Length: -0", "Content-Length: 5.0", "Content-Length: 0x5", "Content-Length: 5a",
        "Content-Length: a", "Content-Length: 5 5", "Content-Length: 5, 5", "Content-Length: 5,5",
        "Content-Length: 5;", "Content-Length: \"5\"", "Content-Length: 1e3",
        "Content-Length: 5\u{B2}",
        "Content-Length: \u{663}", "Content-Length: 0000000005",
        "Host:\ta", "X: a\tb", "Content-Length: 5\t", "Content-Length: 1000000000",
        "Content-Length: 9223372036854775807", "Content-Length: 9223372036854775808",
        "Content-Length: 18446744073709551616", "Content-Length: 18446744073709551621",
        // What changes how the rest is read, or what is answered.
        "Transfer-Encoding: chunked", "transfer-encoding:", "Transfer-Encoding: identity",
        "Content-Length: 5\r\nTRANSFER-ENCODING: chunked", "Expect: 100-continue", "EXPECT: x",
        "Upgrade: websocket", "upgrade:", "Trailer: X", "trailer:", "Proxy-Connection: keep-alive",
        "Connection: close", "Connection: Close", "Connection:", "Connection: upgrade",
        "Connection: keep-alive, close", "Connection: keep-alive,", "Connection: keep-alives",
        "Connection: keep-alive\r\nConnection: close", "Connection: keep alive",
    ])
    func headersOfOthers(lines: String) {
        #expect(scan("POST / HTTP/1.1\r\n\(lines)\r\n\r\n") == nil)
        #expect(scan("POST / HTTP/1.1\r\nX-A: b\r\n\(lines)\r\nX-C: d\r\n\r\n") == nil)
    }

    @Test(arguments: [
        // No name, or none that is plain.
        ":", ": a", "a", "a b", " : a", "a : b", "a\t: b", "a b: c", "\u{E9}: a", "a\0: b",
        "(a): b",
        "a!: b", "\"a\": b", "a@b: c", "a/b: c", "a.b: c", "~: a", "{a}: b", "a\u{7F}: b",
        // Folded lines.
        " a: b", "\ta: b", "X: a\r\n b", "X: a\r\n\tb", "X: a\r\n b: c", "X: a\r\n  ",
        "X: a\r\n \r\nY: b",
        // Ends of lines that are none.
        "X: a\nY: b", "X: a\rY: b", "X: a\r\r", "X: a\r", "\rX: a", "X\r: a", "X:\ra", "X: a\n\r",
        // Values that are no text.
        "X: a\0b", "X: \0", "X: a\u{1}", "X: \u{B}a", "X: \u{C}", "X: \u{1B}", "X: a\u{7F}",
        "X: \u{E9}",
        "X: \u{2028}", "Host: \u{E9}", "Authorization: Bearer \u{1F600}",
    ])
    func linesOfOthers(line: String) {
        #expect(scan(lines: line) == nil)
        #expect(scan(lines: "X-A: b", line, "X-C: d") == nil)
    }

    @Test(arguments: [
        "\n\n", "\n\r\n", "\r\n\n", "\r\r\n\r\n", "\r\n\r\r\n", "\r\n\r", "\r\n \r\n",
    ])
    func endsOfOthers(end: String) {
        #expect(scan("GET / HTTP/1.1\r\nHost: a\(end)") == nil)
        #expect(scan("GET / HTTP/1.1\(end)") == nil)
    }

    // MARK: Each byte in each place

    @Test(arguments: UInt8.min...UInt8.max)
    func bytes(byte: UInt8) {
        func scan(_ before: String, _ after: String) -> RequestHead? {
            self.scan(Array(before.utf8) + [byte] + Array(after.utf8))
        }
        let isLetter = "abcdefghijklmnopqrstuvwxyz".utf8.contains(byte | 0x20) && byte >= 0x41
        let isDigit = "0123456789".utf8.contains(byte)
        let isVisible = byte > 0x20 && byte < 0x7F
        let inName = scan("GET / HTTP/1.1\r\nX", "A: b\r\n\r\n")
        // Behind a colon the rest is a value.
        #expect((inName != nil) == (isLetter || isDigit || "-_:".utf8.contains(byte)))
        let inValue = scan("GET / HTTP/1.1\r\nX: a", "b\r\n\r\n")
        #expect((inValue != nil) == (isVisible || byte == 0x20))
        let inTarget = scan("GET /a", "b HTTP/1.1\r\n\r\n")
        #expect((inTarget != nil) == isVisible)
        let inMethod = scan("G", "T / HTTP/1.1\r\n\r\n")
        #expect((inMethod != nil) == (isLetter && byte < 0x5B))
        #expect((inMethod?.method == .get) == (byte == UInt8(ascii: "E")))
        let inLength = scan("GET / HTTP/1.1\r\nContent-Length: 1", "1\r\n\r\n")
        #expect(inLength?.contentLength == (isDigit ? 101 + 10 * Int(byte - 0x30) : nil))
        let inNameOfHost = scan("GET / HTTP/1.1\r\nH", "st: b\r\n\r\n")
        #expect((inNameOfHost?.host != nil) == (byte | 0x20 == UInt8(ascii: "o") && isLetter))
        let instead = scan("GET / HTTP/1.1\r\nContent", "Length: 5\r\n\r\n")
        #expect((instead?.contentLength == 5) == (byte == UInt8(ascii: "-")))
    }

    // MARK: Bounds

    @Test(arguments: [(8_192, true), (8_193, false), (8_191, true), (80_000, false)])
    func lengths(length: Int, isPlain: Bool) {
        let frame = "GET / HTTP/1.1\r\nX: \r\n\r\n"
        let filling = String(repeating: "a", count: length - frame.utf8.count)
        let head = "GET / HTTP/1.1\r\nX: \(filling)\r\n\r\n"
        #expect(head.utf8.count == length && (scan(head)?.length == length) == isPlain)
        #expect((scan(head + String(repeating: "b", count: 100_000))?.length == length) == isPlain)
        let target = "GET /\(filling)abcde HTTP/1.1\r\n\r\n"
        #expect(target.utf8.count == length && (scan(target) != nil) == isPlain)
    }

    @Test(arguments: [(100, true), (101, false), (2_000, false)])
    func headerCounts(count: Int, isPlain: Bool) {
        let head = "GET / HTTP/1.1\r\n\(String(repeating: "a:\r\n", count: count))\r\n"
        #expect((scan(head) != nil) == isPlain)
    }

    @Test func aHeadWithoutAnEnd() {
        for line in ["a", "X: a\r\n", "\r", " ", ":"] {
            let endless = String(repeating: line, count: 100_000)
            #expect(scan("GET / HTTP/1.1\r\n\(endless)") == nil)
            #expect(scan(endless) == nil)
        }
    }
}
