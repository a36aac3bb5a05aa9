/// The head of a request, read by splitting it at the ends of its lines.
struct HeadModel {
    let method: String
    let target: String
    let fields: [(name: String, value: String)]
    /// Bytes up to the body.
    let length: Int

    /// nil: it has no end, or is not written as RFC 9112 asks of those who send one.
    init?(_ input: [UInt8]) {
        guard let (lines, length) = Self.lines(input), let first = lines.first else { return nil }
        let words = first.split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count == 3, words[2].elementsEqual("HTTP/1.1".utf8),
            words.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0 > 0x20 && $0 < 0x7F } })
        else { return nil }
        let fields = lines.dropFirst().map(Self.field)
        self.length = length
        self.fields = fields.compactMap(\.self)
        guard self.fields.count == fields.count else { return nil }
        method = String(decoding: words[0], as: UTF8.self)
        target = String(decoding: words[1], as: UTF8.self)
    }

    /// The lines before the empty one, and the bytes with it.
    private static func lines(_ input: [UInt8]) -> (lines: [ArraySlice<UInt8>], length: Int)? {
        var lines: [ArraySlice<UInt8>] = []
        var rest = input[...]
        while let end = rest.indices.first(where: { rest[$0...].starts(with: [0x0D, 0x0A]) }) {
            let line = rest[..<end]
            rest = rest[(end + 2)...]
            if line.isEmpty { return (lines, rest.startIndex) }
            lines.append(line)
        }
        return nil
    }

    private static func field(_ line: ArraySlice<UInt8>) -> (name: String, value: String)? {
        let parts = line.split(
            separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        let signs = "!#$%&'*+-.^_`|~"
        guard parts.count == 2, !parts[0].isEmpty,
            parts[0].allSatisfy({ isLetterOrDigit($0) || signs.utf8.contains($0) }),
            parts[1].allSatisfy({ $0 == 0x09 || $0 >= 0x20 && $0 < 0x7F })
        else { return nil }
        let value = String(decoding: parts[1], as: UTF8.self)
        return (
            String(decoding: parts[0], as: UTF8.self),
            String(
                value.drop { $0 == " " || $0 == "\t" }.reversed()
                    .drop { $0 == " " || $0 == "\t" }.reversed())
        )
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }

    func values(_ name: String) -> [String] {
        fields.filter { $0.name.lowercased() == name }.map(\.value)
    }
}
