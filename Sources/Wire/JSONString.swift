extension JSONReader {
    /// Reads a string of ASCII without escapes, as nearly all are, and says where it stands between
    /// its quotes. nil: it is no such string; nothing was read.
    mutating func plainString() -> Range<Int>? {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return nil }
        let start = position + 1
        var end = start
        while end < bytes.count {
            let byte = bytes[end]
            if byte == UInt8(ascii: "\"") {
                position = end + 1
                compactLength += end - start + 2
                return start..<end
            }
            if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\\") { return nil }
            end += 1
        }
        return nil
    }

    func plainText(_ range: Range<Int>) -> String {
        String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }

    /// Reads a string, its quotes included, and leaves the position behind it.
    mutating func string() throws(JSONError) -> String {
        if let range = plainString() { return plainText(range) }
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            throw failure(.syntax)
        }
        position += 1
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                let text = try text(bytes[start..<position])
                position += 1
                compactLength += 2
                return text
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            case 0..<0x20: throw failure(bytes[position] == 0 ? .nulCharacter : .syntax)
            default: position += 1
            }
        }
        throw failure(.syntax)
    }

    private mutating func text(
        _ part: Slice<UnsafeBufferPointer<UInt8>>
    ) throws(JSONError) -> String {
        guard let text = String(validating: UnsafeBufferPointer(rebasing: part), as: UTF8.self)
        else { throw failure(.invalidUTF8) }
        compactLength += text.utf16.count
        return text
    }

    /// The slow path: from the first escape on, the text is put together piece by piece.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var result = try text(bytes[start..<position])
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                compactLength += 2
                return result
            case UInt8(ascii: "\\"):
                position += 1
                let scalar = try escape()
                compactLength += Self.stringifiedLength(scalar)
                result.unicodeScalars.append(scalar)
            case 0..<0x20: throw failure(bytes[position] == 0 ? .nulCharacter : .syntax)
            default:
                let piece = position
                while position < bytes.count, bytes[position] >= 0x20,
                    bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\")
                { position += 1 }
                result += try text(bytes[piece..<position])
            }
        }
        throw failure(.syntax)
    }

    /// How many UTF-16 units `JSON.stringify` writes for a character that came escaped.
    private static func stringifiedLength(_ scalar: Unicode.Scalar) -> Int {
        switch scalar {
        case "\"", "\\", "\n", "\r", "\t", "\u{8}", "\u{C}": 2
        case "\u{0}"..."\u{1F}": 6
        default: scalar.value > 0xFFFF ? 2 : 1
        }
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        guard position < bytes.count else { throw failure(.syntax) }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw failure(.syntax)
        }
    }

    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let unit = try hexUnit()
        if unit == 0 { throw failure(.nulCharacter) }
        guard UTF16.isSurrogate(unit) else { return Unicode.Scalar(unit) ?? "\u{FFFD}" }
        guard UTF16.isLeadSurrogate(unit), position + 1 < bytes.count,
            bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
        else { throw failure(.loneSurrogate) }
        position += 2
        let trail = try hexUnit()
        guard UTF16.isTrailSurrogate(trail) else { throw failure(.loneSurrogate) }
        return UTF16.decode(UTF16.EncodedScalar([unit, trail]))
    }

    private mutating func hexUnit() throws(JSONError) -> UInt16 {
        guard position + 4 <= bytes.count else { throw failure(.syntax) }
        var value: UInt16 = 0
        for byte in bytes[position..<position + 4] {
            let digit: UInt8
            switch byte {
            case 48...57: digit = byte - 48
            case 65...70: digit = byte - 55
            case 97...102: digit = byte - 87
            default: throw failure(.syntax)
            }
            value = value << 4 | UInt16(digit)
        }
        position += 4
        return value
    }
}
