import Integrations

/// Writes random JSON texts twice: as somebody might send them, with spaces and escapes anywhere,
/// and in the compact form of `JSON.stringify` (numbers keep their spelling).
struct JSONTexts {
    var random: SplitMix
    private(set) var sent = ""
    private(set) var compact = ""

    init(seed: UInt64) { random = SplitMix(seed: seed) }

    /// One object.
    mutating func next() -> (sent: String, compact: String) {
        (sent, compact) = ("", "")
        space()
        object(depth: 1)
        space()
        return (sent, compact)
    }

    private mutating func both(_ text: String) {
        sent += text
        compact += text
    }

    private mutating func space() {
        while random.chance(20) { sent += random.pick([" ", "\t", "\n", "\r", "  "]) }
    }

    private mutating func value(depth: Int) {
        space()
        switch random.int(0..<(depth < 5 ? 10 : 7)) {
        case 0: both(random.pick(["true", "false", "null"]))
        case 1...3: both(number())
        case 4...6: string()
        case 7, 8: object(depth: depth + 1)
        default: array(depth: depth + 1)
        }
        space()
    }

    private mutating func object(depth: Int) {
        both("{")
        space()
        for index in 0..<random.int(0..<5) {
            if index > 0 { both(",") }
            space()
            string(suffix: "\(index)")
            space()
            both(":")
            value(depth: depth)
        }
        both("}")
    }

    private mutating func array(depth: Int) {
        both("[")
        space()
        for index in 0..<random.int(0..<5) {
            if index > 0 { both(",") }
            value(depth: depth)
        }
        both("]")
    }

    private mutating func number() -> String {
        let whole = random.pick(["0", "1", "-0", "-7", "10", "4900", "\(random.int(0..<1 << 53))"])
        let fraction = random.chance(30) ? ".\(random.int(0..<1_000))" : ""
        let exponent =
            random.chance(20)
            ? "\(random.pick(["e", "E"]))\(random.pick(["", "+", "-"]))\(random.int(0..<20))" : ""
        return whole + fraction + exponent
    }

    private mutating func string(suffix: String = "") {
        both("\"")
        for _ in 0..<random.int(0..<8) { character(random.pick(Self.scalars)) }
        both(suffix + "\"")
    }

    /// Without U+FEFF, which Foundation drops behind an escape.
    private static let scalars: [Unicode.Scalar] =
        [
            "a", "Z", "0", " ", "/", "\"", "\\", "\n", "\r", "\t", "\u{8}", "\u{C}", "\u{1}",
            "\u{1F}",
        ]
        + [
            "\u{7F}", "\u{E9}", "\u{301}", "\u{20AC}", "\u{2028}", "\u{FFFD}",
            "\u{FFFF}",
        ]
        + ["\u{1F600}", "\u{10FFFF}", "{", "}", "[", "]", ":", ","]

    private mutating func character(_ scalar: Unicode.Scalar) {
        compact += Self.stringified(scalar)
        let mustEscape = scalar == "\"" || scalar == "\\" || scalar.value < 0x20
        switch random.int(0..<10) {
        case 0, 1: sent += hexEscape(scalar)
        case 2 where scalar == "/": sent += "\\/"
        default:
            if mustEscape {
                sent += Self.stringified(scalar)
            } else {
                sent.unicodeScalars.append(scalar)
            }
        }
    }

    private static func stringified(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        case "\u{8}": "\\b"
        case "\u{C}": "\\f"
        default:
            scalar.value < 0x20 ? "\\u00" + hex(UInt16(scalar.value)).suffix(2) : String(scalar)
        }
    }

    private mutating func hexEscape(_ scalar: Unicode.Scalar) -> String {
        let isUpper = random.chance(50)
        return String(scalar).utf16.map { unit in
            "\\u" + (isUpper ? Self.hex(unit).uppercased() : Self.hex(unit))
        }.joined()
    }

    private static func hex(_ unit: UInt16) -> String {
        String(String(0x1_0000 + Int(unit), radix: 16).dropFirst())
    }
}
