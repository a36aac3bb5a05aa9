/// A second reading of RFC 8259, written apart from the server's: it keeps nothing and only tells
/// what a text is like, as far as it is one.
struct JSONFacts {
    private(set) var isValid = false
    private(set) var isObject = false
    private(set) var hasDuplicateKey = false
    private(set) var hasLoneSurrogate = false
    private(set) var hasNUL = false
    private(set) var hasByteOrderMark = false
    private(set) var depth = 0
    private(set) var keysMax = 0
    /// The spelling of each number.
    private(set) var numbers: [String] = []

    private struct Container {
        let isObject: Bool
        var keys: Set<[UInt16]> = []
        var alike: Set<String> = []
        var count = 0
    }

    /// Whether keys of one object look alike, escapes that are none aside.
    private(set) var hasKeysAlike = false

    private let bytes: [UInt8]
    private let looksForKeysAlike: Bool
    private var place = 0
    private var stack: [Container] = []

    init(_ bytes: [UInt8], looksForKeysAlike: Bool = false) {
        (self.bytes, self.looksForKeysAlike) = (bytes, looksForKeysAlike)
        isValid = readText() && UTF8Facts.isValid(bytes)
    }

    /// Whether the reader's own limits and refusals leave the text alone.
    var isStrictlyFine: Bool {
        isValid && isObject && !hasDuplicateKey && !hasLoneSurrogate && !hasNUL && depth <= 32
            && keysMax <= 1_000
    }

    private var byte: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skip() {
        while let byte, byte == 32 || byte == 9 || byte == 10 || byte == 13 { place += 1 }
    }

    private mutating func take(_ wanted: Character) -> Bool {
        guard byte == wanted.asciiValue else { return false }
        place += 1
        return true
    }

    private mutating func readText() -> Bool {
        skip()
        isObject = byte == 0x7B
        guard readValue() else { return false }
        while let top = stack.last {
            guard readStep(top.isObject) else { return false }
        }
        skip()
        return place == bytes.count
    }

    /// What stands behind a value within a container, up to the end of the next.
    private mutating func readStep(_ isObject: Bool) -> Bool {
        skip()
        if take(isObject ? "}" : "]") {
            stack.removeLast()
            return true
        }
        let isFirst = stack[stack.count - 1].count == 0
        if !isFirst {
            guard take(",") else { return false }
        }
        stack[stack.count - 1].count += 1
        if isObject {
            skip()
            guard let key = readString() else { return false }
            if !stack[stack.count - 1].keys.insert(key).inserted { hasDuplicateKey = true }
            if looksForKeysAlike {
                let text = String(decoding: key, as: UTF16.self)
                let isNew = stack[stack.count - 1].alike.insert(text).inserted
                hasKeysAlike = hasKeysAlike || !isNew
            }
            keysMax = max(keysMax, stack[stack.count - 1].count)
            skip()
            guard take(":") else { return false }
        }
        skip()
        return readValue()
    }

    private mutating func readValue() -> Bool {
        guard let byte else { return false }
        switch byte {
        case 0x7B, 0x5B:
            place += 1
            stack.append(Container(isObject: byte == 0x7B))
            depth = max(depth, stack.count)
            return true
        case 0x22: return readString() != nil
        case 0x74: return readWord("true")
        case 0x66: return readWord("false")
        case 0x6E: return readWord("null")
        default: return readNumber()
        }
    }

    private mutating func readWord(_ word: String) -> Bool {
        guard bytes[place...].starts(with: word.utf8) else { return false }
        place += word.utf8.count
        return true
    }

    private mutating func readNumber() -> Bool {
        let start = place
        _ = take("-")
        if !take("0") {
            guard readDigits() else { return false }
        }
        if take(".") {
            guard readDigits() else { return false }
        }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            guard readDigits() else { return false }
        }
        numbers.append(String(decoding: bytes[start..<place], as: UTF8.self))
        return true
    }

    private mutating func readDigits() -> Bool {
        let start = place
        while let byte, byte >= 48, byte <= 57 { place += 1 }
        return place > start
    }

    /// The string's UTF-16 units; nil if it is none.
    private mutating func readString() -> [UInt16]? {
        guard take("\"") else { return nil }
        var units: [UInt16] = []
        var plain: [UInt8] = []
        func flush() { units += String(decoding: plain, as: UTF8.self).utf16 }
        while let byte {
            place += 1
            if byte == 0x22 {
                flush()
                hasLoneSurrogate = hasLoneSurrogate || Self.hasLone(units)
                hasByteOrderMark = hasByteOrderMark || units.contains(0xFEFF)
                return units
            }
            if byte == 0 { hasNUL = true }
            if byte < 0x20 { break }
            if byte != 0x5C {
                plain.append(byte)
                continue
            }
            flush()
            plain = []
            guard let unit = readEscape() ?? (looksForKeysAlike ? 0xFFFD : nil) else { break }
            if unit == 0 { hasNUL = true }
            units.append(unit)
        }
        hasLoneSurrogate = hasLoneSurrogate || Self.hasLone(units)
        return nil
    }

    private mutating func readEscape() -> UInt16? {
        guard let byte else { return nil }
        place += 1
        switch byte {
        case 0x22, 0x5C, 0x2F: return UInt16(byte)
        case 0x62: return 8
        case 0x66: return 12
        case 0x6E: return 10
        case 0x72: return 13
        case 0x74: return 9
        case 0x75:
            let end = place + 4
            guard end <= bytes.count else { return nil }
            let text = String(decoding: bytes[place..<end], as: UTF8.self)
            guard text.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }) else { return nil }
            place = end
            return UInt16(text, radix: 16)
        default: return nil
        }
    }

    private static func hasLone(_ units: [UInt16]) -> Bool {
        var index = 0
        while index < units.count {
            switch units[index] {
            case 0xD800..<0xDC00:
                guard index + 1 < units.count, (0xDC00..<0xE000).contains(units[index + 1]) else {
                    return true
                }
                index += 2
            case 0xDC00..<0xE000: return true
            default: index += 1
            }
        }
        return false
    }
}

/// Table 3-7 of the Unicode standard.
enum UTF8Facts {
    static func isValid(_ bytes: [UInt8]) -> Bool {
        var index = 0
        while index < bytes.count {
            let first = bytes[index]
            if first < 0x80 {
                index += 1
                continue
            }
            let (count, low, high): (Int, UInt8, UInt8)
            switch first {
            case 0xC2...0xDF: (count, low, high) = (1, 0x80, 0xBF)
            case 0xE0: (count, low, high) = (2, 0xA0, 0xBF)
            case 0xED: (count, low, high) = (2, 0x80, 0x9F)
            case 0xE1...0xEF: (count, low, high) = (2, 0x80, 0xBF)
            case 0xF0: (count, low, high) = (3, 0x90, 0xBF)
            case 0xF1...0xF3: (count, low, high) = (3, 0x80, 0xBF)
            case 0xF4: (count, low, high) = (3, 0x80, 0x8F)
            default: return false
            }
            guard index + count < bytes.count, (low...high).contains(bytes[index + 1]) else {
                return false
            }
            for offset in 1...count where bytes[index + offset] & 0xC0 != 0x80 { return false }
            index += count + 1
        }
        return true
    }
}
