/// How a text holds many JSON texts.
package enum ItemForm: Sendable {
    /// One JSON array, whose elements are the items.
    case array
    /// NDJSON: one on each line. Empty lines are none.
    case lines
}

/// A text of many that can't be taken apart.
package struct ItemFormError: Error, Equatable {
    /// The item whose end is not to be found, from 0; nil: the text is no array at all.
    package let index: Int?
    package init(index: Int?) { self.index = index }
}

/// Finds the items of a text, without reading or copying them: whether each is JSON is told by
/// whoever reads it. A byte order mark at the start is none of the text.
///
/// - Parameter max: no more is looked for once there is one item more than this.
/// - Returns: parts of `text`, in order, without the space around them.
package func itemTexts(
    _ text: UnsafeBufferPointer<UInt8>, _ form: ItemForm, max: Int
) throws(ItemFormError) -> [UnsafeBufferPointer<UInt8>] {
    var scanner = ItemScanner(text)
    switch form {
    case .array: return try scanner.elements(max: max)
    case .lines: return scanner.lines(max: max)
    }
}

private struct ItemScanner {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    mutating func lines(max: Int) -> [UnsafeBufferPointer<UInt8>] {
        var items: [UnsafeBufferPointer<UInt8>] = []
        while position < bytes.count, items.count <= max {
            let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            let line = trimmed(position..<end)
            if !line.isEmpty { items.append(line) }
            position = end + 1
        }
        return items
    }

    mutating func elements(max: Int) throws(ItemFormError) -> [UnsafeBufferPointer<UInt8>] {
        skipSpace()
        guard take("[") else { throw ItemFormError(index: nil) }
        var items: [UnsafeBufferPointer<UInt8>] = []
        skipSpace()
        if take("]") { return try end(of: items) }
        repeat {
            let start = position
            guard passElement() else { throw ItemFormError(index: items.count) }
            let element = trimmed(start..<position)
            guard !element.isEmpty else { throw ItemFormError(index: items.count) }
            items.append(element)
            if items.count > max { return items }
        } while take(",")
        guard take("]") else { throw ItemFormError(index: items.count) }
        return try end(of: items)
    }

    /// Nothing but space may stand behind the array.
    private mutating func end(
        of items: [UnsafeBufferPointer<UInt8>]
    ) throws(ItemFormError) -> [UnsafeBufferPointer<UInt8>] {
        skipSpace()
        guard position == bytes.count else { throw ItemFormError(index: items.count) }
        return items
    }

    /// Goes to the comma or bracket that ends an element; false if there is none.
    private mutating func passElement() -> Bool {
        var depth = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""): guard passString() else { return false }
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return bytes[position] == UInt8(ascii: "]") }
                depth -= 1
            case UInt8(ascii: ","): if depth == 0 { return true }
            default: break
            }
            position += 1
        }
        return false
    }

    /// Goes to the quote that ends a string.
    private mutating func passString() -> Bool {
        position += 1
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\\"): position += 2
            default: position += 1
            }
        }
        return false
    }

    private func trimmed(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, Self.isSpace(bytes[start]) { start += 1 }
        while start < end, Self.isSpace(bytes[end - 1]) { end -= 1 }
        return UnsafeBufferPointer(rebasing: bytes[start..<end])
    }

    private mutating func skipSpace() {
        while position < bytes.count, Self.isSpace(bytes[position]) { position += 1 }
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: scalar) else { return false }
        position += 1
        return true
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }
}
