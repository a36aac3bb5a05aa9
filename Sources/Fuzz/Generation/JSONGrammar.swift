/// Texts by the grammar of RFC 8259, with what programs get wrong here and there.
extension Draft {
    mutating func jsonText() {
        jsonSpace()
        if chance(93) { jsonObject(depth: 1) } else { jsonValue(depth: 1) }
        jsonSpace()
        if chance(2) { putOne([",", "}", "{}", "]", "\u{0}", "//", "\u{FEFF}"]) }
    }

    private mutating func jsonSpace() {
        if chance(80) { return }
        putOne([" ", "\t", "\n", "\r", "  ", "\r\n"])
    }

    mutating func jsonValue(depth: Int) {
        jsonSpace()
        let isDeep = depth > 4 && !chance(20)
        switch int(0..<(isDeep ? 10 : 14)) {
        case 0...1: putOne(["true", "false", "null", "true", "false", "null", "tru", "nul"])
        case 2...4: jsonNumber()
        case 5...9: jsonString()
        case 10...11: jsonObject(depth: depth + 1)
        case 12: jsonArray(depth: depth + 1)
        default: jsonNest()
        }
        jsonSpace()
    }

    private mutating func jsonNest() {
        let depth = pick([2, 10, 28, 29, 30, 31, 32, 33, 64])
        let isObject = chance(50)
        for _ in 0..<depth { put(isObject ? "{\"a\":" : "[") }
        jsonNumber()
        for _ in 0..<depth { put(isObject ? "}" : "]") }
    }

    private mutating func jsonObject(depth: Int) {
        put("{")
        if chance(1), chance(10) { return jsonManyKeys() }
        for index in 0..<int(0..<6) {
            if index > 0 { put(",") }
            jsonSpace()
            jsonKey(index)
            jsonSpace()
            put(chance(99) ? ":" : "=")
            jsonValue(depth: depth)
        }
        if chance(1) { put(",") }
        put(chance(99) ? "}" : "]")
    }

    private mutating func jsonManyKeys() {
        let count = pick([999, 1_000, 1_001])
        put((0..<count).map { "\"k\($0)\":1" }.joined(separator: ",") + "}")
    }

    private mutating func jsonKey(_ index: Int) {
        switch int(0..<20) {
        case 0: putOne(["\"a\"", "\"\\u0061\"", "\"b\""])
        case 1: putOne(["\"caf\u{E9}\"", "\"cafe\u{301}\"", "\"\u{212A}\"", "\"K\"", "\"\""])
        case 2...8: put("\"k\(index)\"")
        case 9: put("k")
        default: jsonString(suffix: "\(index)")
        }
    }

    private mutating func jsonArray(depth: Int) {
        put("[")
        for index in 0..<int(0..<6) {
            if index > 0 { put(",") }
            jsonValue(depth: depth)
        }
        if chance(1) { put(",") }
        put("]")
    }

    mutating func jsonNumber() {
        if chance(25) { return putOne(Self.numberTexts) }
        if chance(30) { put("-") }
        put(chance(40) ? "\(int(0..<100))" : "\(int(0..<1 << 54))")
        if chance(25) { put(".\(int(0..<1_000_000))") }
        if chance(15) { put(pick(["e", "E", "e+", "E-", "e-"]) + "\(int(0..<30))") }
    }

    mutating func jsonString(suffix: String = "") {
        put("\"")
        for _ in 0..<int(0..<8) { jsonCharacter() }
        put(suffix + "\"")
    }

    private mutating func jsonCharacter() {
        switch int(0..<30) {
        case 0: putOne(["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"])
        case 1: jsonEscape(UInt16(int(0x20..<0xD800)))
        case 2:
            jsonEscape(UInt16(0xD800 + int(0..<0x400)))
            if chance(90) { jsonEscape(UInt16(0xDC00 + int(0..<0x400))) }
        case 3: putOne(["\\u0000", "\\ud800", "\\udc00x", "\\u00e9", "\\uFEFF", "\\u12", "\\x"])
        case 4, 5: bytes += Self.scalars[int(0..<Self.scalars.count)]
        case 6: putOne(["{", "}", "[", "]", ",", ":", "\u{1}", "\t"])
        default: putOne(["a", "b", "Z", "0", " ", "/", "ab", "-", "\u{E4}", "\u{4E2D}"])
        }
    }

    private mutating func jsonEscape(_ unit: UInt16) {
        let digits = String(0x1_0000 + Int(unit), radix: 16).dropFirst()
        put("\\u" + (chance(50) ? digits.uppercased() : String(digits)))
    }
}
