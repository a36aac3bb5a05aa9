import Attribution
import Server

/// The heads that the fast lane takes, against a second reading of them. What it declines is read
/// by the library's parser; what it takes, nobody looks at again.
struct HeadTarget: FuzzTarget {
    let canary: Bool
    let tokens = [
        "\r\n", "\n", "\r", "\r\n ", "\r\n\t", "\r\n\r\n", " ", "\t", ":", ": ", " HTTP/1.1",
        " HTTP/1.1\r\n", " HTTP/1.0", "GET ", "POST ", "CONNECT ", "/track/sale", "\r\nHost: b",
        "\r\nhost:", "\r\nAuthorization: Bearer x", "\r\nContent-Length: 5",
        "\r\ncontent-length:0", "Content-Length", "\r\nTransfer-Encoding: chunked",
        "\r\ntransfer-encoding:", "\r\nExpect: 100-continue", "\r\nConnection: close",
        "\r\nConnection: keep-alive", "keep-alive", ", ", "\r\nUpgrade: h2c", "\r\nTrailer: x",
        "\r\nProxy-Connection: x", "+", "-", "0", "\0", "\u{E9}", "http://a",
    ]

    init(canary: Bool) { self.canary = canary }

    func grammar(_ draft: inout Draft) { draft.headText() }

    func check(_ input: [UInt8], _ classes: inout Classes) throws(Finding) -> Bool {
        guard let head = Self.scan(input[...]) else { return false }
        guard let model = HeadModel(input) else { throw Finding("a head is taken that is none") }
        try expect(
            head.length == model.length && head.length <= 8_192,
            "a head of \(model.length) bytes is taken for one of \(head.length)")
        try checkLine(head, model, input)
        try checkFields(head, model, input)
        try checkParts(head, input)
        return true
    }

    private static func scan(_ input: ArraySlice<UInt8>) -> RequestHead? {
        input.withUnsafeBytes(RequestHead.init)
    }

    private func checkLine(
        _ head: RequestHead, _ model: HeadModel, _ input: [UInt8]
    ) throws(Finding) {
        let method: RequestHead.Method =
            switch model.method {
            case "GET": .get
            case "POST": .post
            default: .other
            }
        try expect(
            head.method == method && model.method != "CONNECT",
            "\(model.method) is taken for \(head.method)")
        let target = text(head.target, input)
        try expect(
            isSame(target, model.target) && target.hasPrefix("/"),
            "\(model.target) is taken for \(target)")
    }

    private func checkFields(
        _ head: RequestHead, _ model: HeadModel, _ input: [UInt8]
    ) throws(Finding) {
        for (name, found) in [("host", head.host), ("authorization", head.authorization)] {
            let values = model.values(name)
            try expect(
                values.count < 2 && isSame(found.map { text($0, input) }, values.first),
                "\(name) is \(values), and taken for \(found.map { text($0, input) } ?? "nil")")
        }
        // The canary's second reader knows one spelling only.
        let lengths =
            canary
            ? model.fields.filter { $0.name == "Content-Length" }.map(\.value)
            : model.values("content-length")
        let isNumber = lengths.allSatisfy { $0.utf8.allSatisfy { (48...57).contains($0) } }
        try expect(
            lengths.count < 2 && isNumber
                && head.contentLength == (lengths.isEmpty ? 0 : Int(lengths[0])),
            "the length is \(lengths), and taken for \(head.contentLength)")
        for name in [
            "transfer-encoding", "expect", "upgrade", "trailer", "proxy-connection",
        ] {
            try expect(model.values(name).isEmpty, "a head with \(name) is taken")
        }
        let connection = model.values("connection")
        try expect(
            connection.allSatisfy { $0.lowercased() == "keep-alive" },
            "a head with the connection \(connection) is taken")
    }

    /// The same head whatever comes behind it, and none while anything is missing.
    private func checkParts(_ head: RequestHead, _ input: [UInt8]) throws(Finding) {
        try expect(Self.scan(input[..<head.length]) == head, "another head without its body")
        for count in [0, 1, head.target.upperBound, head.length / 2, head.length - 1] {
            try expect(Self.scan(input[..<count]) == nil, "\(count) bytes of a head are taken")
        }
    }

    private func text(_ range: Range<Int>, _ input: [UInt8]) -> String {
        String(decoding: input[range], as: UTF8.self)
    }
}
