import Attribution

/// A URL taken apart at its query, so that many parameters are set in one pass. Names are compared
/// decoded; parameters that are not touched keep their place and their spelling.
package struct QueriedURL: Sendable {
    // Bytes, not characters: a combining mark must not hide the `?` or `#` that it follows.
    private var base: Substring.UTF8View
    private let fragment: Substring.UTF8View
    private let written: String
    private var items: [(name: ExactText, text: Substring.UTF8View?)] = []
    private var places: [ExactText: [Int]] = [:]
    private var isChanged = false

    package init(_ url: String) {
        written = url
        let bytes = url.utf8
        let end = bytes.firstIndex(of: UInt8(ascii: "#")) ?? bytes.endIndex
        fragment = Substring(url).utf8[end...]
        guard let mark = bytes[..<end].firstIndex(of: UInt8(ascii: "?")) else {
            base = Substring(url).utf8[..<end]
            return
        }
        base = Substring(url).utf8[..<mark]
        let query = Substring(url).utf8[bytes.index(after: mark)..<end]
        for text in query.split(separator: UInt8(ascii: "&")) {
            append(ExactText(formDecoded(Substring(Self.halves(text)[0]))), text)
        }
    }

    /// The value of a parameter, decoded; nil if there is none of that name.
    package func value(_ name: String) -> String? {
        guard let text = places[ExactText(name)]?.first.flatMap({ items[$0].text }) else {
            return nil
        }
        let halves = Self.halves(text)
        return halves.count > 1 ? formDecoded(Substring(halves[1])) : ""
    }

    /// In the place of the first of that name; the others of that name go.
    package mutating func set(_ name: String, to value: String) {
        let text = Substring("\(percentEncoded(name))=\(percentEncoded(value))").utf8
        let known = places[ExactText(name)] ?? []
        remove(name)
        isChanged = true
        guard let first = known.first else { return append(ExactText(name), text) }
        items[first].text = text
        places[ExactText(name)] = [first]
    }

    package mutating func remove(_ name: String) {
        for place in places.removeValue(forKey: ExactText(name)) ?? [] {
            items[place].text = nil
            isChanged = true
        }
    }

    /// Adds `/` where the path is left out, as browsers write it.
    package mutating func setRootPath() {
        guard let colon = base.firstIndex(of: UInt8(ascii: ":")) else { return }
        let rest = base[colon...].dropFirst()
        guard rest.starts(with: "//".utf8),
            !rest.dropFirst(2).contains(where: { $0 == UInt8(ascii: "/") || $0 == 0x5C })
        else { return }
        base = Substring(String(Substring(base)) + "/").utf8
        isChanged = true
    }

    package var url: String {
        if !isChanged { return written }
        let query = Array(items.compactMap(\.text).map { Array($0) }.joined(separator: [0x26]))
        let mark = query.isEmpty ? [] : [UInt8(ascii: "?")]
        return String(decoding: Array(base) + mark + query + Array(fragment), as: UTF8.self)
    }

    private mutating func append(_ name: ExactText, _ text: Substring.UTF8View) {
        places[name, default: []].append(items.count)
        items.append((name, text))
    }

    private static func halves(_ text: Substring.UTF8View) -> [Substring.UTF8View] {
        text.split(
            separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
    }
}

/// The parameters of a query in their order, read as browsers read them.
package func queryItems(_ query: String?) -> [(name: String, value: String)] {
    guard let query, !query.isEmpty else { return [] }
    return query.split(separator: "&").map { item in
        let halves = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            .map(formDecoded)
        return (halves[0], halves.count > 1 ? halves[1] : "")
    }
}

/// Everything but letters, digits and `-._~` as `%XX`.
package func percentEncoded(_ text: String) -> String {
    var result: [UInt8] = []
    let digits = Array("0123456789ABCDEF".utf8)
    for byte in text.utf8 {
        switch byte {
        case 48...57, 65...90, 97...122, 0x2D, 0x2E, 0x5F, 0x7E: result.append(byte)
        default: result += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: result, as: UTF8.self)
}

/// The text behind `%XX`; nil if an escape is broken or the bytes are not UTF-8.
package func percentDecoded(_ text: some StringProtocol) -> String? {
    let (bytes, isWhole) = decodedEscapes(Substring(text))
    return isWhole ? String(validating: bytes, as: UTF8.self) : nil
}

/// A name or value of a query as the URL standard reads forms: `+` is a space, a broken escape
/// stays as it came, and what is not UTF-8 becomes U+FFFD.
package func formDecoded(_ text: some StringProtocol) -> String {
    String(decoding: decodedEscapes(Substring(text), plus: 0x20).bytes, as: UTF8.self)
}

/// Broken escapes are kept, and the text is not whole then. One concrete type: the same over any
/// sequence of bytes took nine times as long.
///
/// - Parameter plus: what a `+` stands for.
private func decodedEscapes(
    _ text: Substring, plus: UInt8 = UInt8(ascii: "+")
) -> (bytes: [UInt8], isWhole: Bool) {
    let written = Array(text.utf8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(written.count)
    var (index, isWhole) = (0, true)
    while index < written.count {
        let byte = written[index]
        index += 1
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte == UInt8(ascii: "+") ? plus : byte)
            continue
        }
        if index + 1 < written.count, let high = hexDigit(written[index]),
            let low = hexDigit(written[index + 1])
        {
            bytes.append(high << 4 | low)
            index += 2
        } else {
            bytes.append(byte)
            isWhole = false
        }
    }
    return (bytes, isWhole)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
}
