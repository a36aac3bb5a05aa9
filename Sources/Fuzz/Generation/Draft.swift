import Integrations

/// An input in the making.
struct Draft {
    var random: SplitMix
    var bytes: [UInt8] = []

    init(_ random: SplitMix) { self.random = random }

    mutating func put(_ text: String) { bytes += text.utf8 }
    mutating func chance(_ percent: Int) -> Bool { random.chance(percent) }
    mutating func int(_ range: Range<Int>) -> Int { random.int(range) }
    mutating func pick<Element>(_ elements: [Element]) -> Element { random.pick(elements) }
    mutating func putOne(_ texts: [String]) { put(random.pick(texts)) }

    /// More than any body or row may have.
    static let longMax = 1_100_000

    /// Repeats a part until the whole is long.
    mutating func stretch() {
        guard !bytes.isEmpty else { return }
        let start = int(0..<bytes.count)
        let part = bytes[start..<min(bytes.count, start + int(1..<40))]
        let length = int(10_000..<(chance(5) ? Self.longMax : 100_000))
        var middle: [UInt8] = []
        while middle.count < length { middle += part }
        bytes.insert(contentsOf: middle, at: start)
    }

    /// One to six small changes.
    mutating func mutate(_ tokens: [String], _ seeds: [[UInt8]]) {
        for _ in 0..<[1, 1, 1, 2, 3, 6][int(0..<6)] { mutateOnce(tokens, seeds) }
    }

    private mutating func mutateOnce(_ tokens: [String], _ seeds: [[UInt8]]) {
        guard !bytes.isEmpty else { return bytes.append(UInt8(int(0..<256))) }
        let place = int(0..<bytes.count)
        let end = min(bytes.count, place + int(1..<12))
        switch int(0..<12) {
        case 0: bytes[place] ^= 1 << UInt8(int(0..<8))
        case 1: bytes[place] = UInt8(int(0..<256))
        case 2: bytes.insert(UInt8(int(0x20..<0x7F)), at: place)
        case 3: bytes.removeSubrange(place..<end)
        case 4: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 5: bytes.insert(contentsOf: bytes[place..<end], at: int(0..<bytes.count))
        case 6: bytes.insert(contentsOf: Self.scalars[int(0..<Self.scalars.count)], at: place)
        case 7: bytes.replaceSubrange(place..<end, with: Self.numbers[int(0..<Self.numbers.count)])
        case 8 where !tokens.isEmpty: bytes.insert(contentsOf: pick(tokens).utf8, at: place)
        case 9 where !tokens.isEmpty:
            bytes.replaceSubrange(place..<end, with: Array(pick(tokens).utf8))
        case 10 where !seeds.isEmpty: splice(pick(seeds), at: place)
        default: bytes.removeLast(min(bytes.count, int(1..<8)))
        }
    }

    private mutating func splice(_ other: [UInt8], at place: Int) {
        guard !other.isEmpty else { return }
        bytes.replaceSubrange(place..., with: other[int(0..<other.count)...])
    }

    /// Where texts of Unicode go wrong: marks that join what stands before them, letters that turn
    /// into others, and bytes that are no UTF-8.
    static let scalars: [[UInt8]] =
        [
            "\u{301}", "e\u{301}", "\u{E9}", "\u{200B}", "\u{200D}", "\u{FEFF}", "\u{FFFD}",
            "\u{2028}", "\u{85}", "\u{A0}", "\u{3000}", "\u{3002}", "\u{FF0E}", "\u{FF41}",
            "\u{212A}", "\u{130}", "\u{DF}", "\u{17F}", "\u{1F600}", "\u{10FFFF}", "\u{FFFF}",
            "\u{202E}", "\u{0}", "\u{7F}", "\r\n", "\r", "\n", "\u{C}",
            "\u{1F468}\u{200D}\u{1F469}",
            "\u{441}", "\u{4F8B}", "\u{AD}",
        ].map { Array($0.utf8) }
        + [[0xFF], [0xC0, 0x80], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80]]
        + [[0xEF, 0xBB, 0xBF], [0xFE, 0xFF], [0xFF, 0xFE], [0xF0, 0x9F, 0x98]]

    static let numberTexts = [
        "0", "-0", "1", "-1", "01", "00", "100.0", "1e2", "1E+2", "1.5", "1e-1", "1e400", "1e-400",
        "9007199254740991", "9007199254740992", "-9007199254740991", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "18446744073709551616",
        "99999999999999999999",
        "0.1", "1e", "-", "+1", ".5", "1.", "NaN", "Infinity", "0x10", "1e2147483648",
        "0e99999999999999999999", "1000000000000000000000e-18", "4900.00", "10e-1", "100e-2",
        "0.00", "-0.0", "1e18", "0.1e1", "123456789.123456789", "1-2", "--1",
    ]
    static let numbers: [[UInt8]] = numberTexts.map { Array($0.utf8) }
}
