/// The URL with this query parameter, in the place of one of the same name if there is one.
package func settingQuery(_ url: String, _ name: String, to value: String) -> String {
    // Bytes, not characters: a combining mark must not hide the `?` or `#` that it follows.
    let bytes = url.utf8
    let fragmentStart = bytes.firstIndex(of: UInt8(ascii: "#")) ?? bytes.endIndex
    let parameter = "\(percentEncoded(name))=\(percentEncoded(value))"
    let fragment = Array(bytes[fragmentStart...])
    guard let mark = bytes[..<fragmentStart].firstIndex(of: UInt8(ascii: "?")) else {
        return joined([Array(bytes[..<fragmentStart]), Array("?\(parameter)".utf8), fragment])
    }
    let encodedName = Array(percentEncoded(name).utf8)
    let isSameName = { (part: Substring.UTF8View) in
        part.elementsEqual(encodedName) || part.starts(with: encodedName + [UInt8(ascii: "=")])
    }
    var parts: [[UInt8]] = []
    var isPlaced = false
    for part in bytes[bytes.index(after: mark)..<fragmentStart].split(separator: UInt8(ascii: "&"))
    {
        guard isSameName(part) else {
            parts.append(Array(part))
            continue
        }
        if !isPlaced { parts.append(Array(parameter.utf8)) }
        isPlaced = true
    }
    if !isPlaced { parts.append(Array(parameter.utf8)) }
    let query = Array(parts.joined(separator: [UInt8(ascii: "&")]))
    return joined([Array(bytes[...mark]), query, fragment])
}

private func joined(_ pieces: [[UInt8]]) -> String {
    String(decoding: pieces.joined(), as: UTF8.self)
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
    var isWhole = true
    let bytes = percentDecodedBytes(text.utf8) { isWhole = false }
    return isWhole ? String(validating: bytes, as: UTF8.self) : nil
}

/// A name or value of a query as the URL standard reads forms: `+` is a space, a broken escape
/// stays as it came, and what is not UTF-8 becomes U+FFFD.
package func formDecoded(_ text: some StringProtocol) -> String {
    let plus = UInt8(ascii: "+")
    let bytes = percentDecodedBytes(text.utf8.lazy.map { $0 == plus ? 0x20 : $0 }) {}
    return String(decoding: bytes, as: UTF8.self)
}

/// Broken escapes are told and kept.
private func percentDecodedBytes(
    _ text: some Sequence<UInt8>, onBroken: () -> Void
) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(text)[...]
    while let byte = rest.popFirst() {
        if byte == 0x25, let high = rest.first.flatMap(hexDigit),
            let low = rest.dropFirst().first.flatMap(hexDigit)
        {
            bytes.append(high << 4 | low)
            rest.removeFirst(2)
        } else {
            if byte == 0x25 { onBroken() }
            bytes.append(byte)
        }
    }
    return bytes
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
}

/// The value of a URL's query parameter, decoded; nil if there is none of that name.
package func queryValue(_ url: String, _ name: String) -> String? {
    guard let parts = queryParts(url) else { return nil }
    for part in parts.query.split(separator: UInt8(ascii: "&")) {
        let halves = part.split(
            separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        guard formDecoded(Substring(halves[0])) == name else { continue }
        return halves.count > 1 ? formDecoded(Substring(halves[1])) : ""
    }
    return nil
}

/// The URL without a query parameter.
package func removingQuery(_ url: String, _ name: String) -> String {
    guard let parts = queryParts(url) else { return url }
    let kept = parts.query.split(separator: UInt8(ascii: "&")).filter { part in
        formDecoded(Substring(part.prefix { $0 != UInt8(ascii: "=") })) != name
    }
    let query = kept.map { String(Substring($0)) }.joined(separator: "&")
    return String(Substring(parts.base)) + (query.isEmpty ? "" : "?\(query)")
        + String(Substring(parts.fragment))
}

/// A URL before its `?`, between that and its `#`, and from there on; nil without a query.
private func queryParts(
    _ url: String
) -> (base: Substring.UTF8View, query: Substring.UTF8View, fragment: Substring.UTF8View)? {
    let bytes = url.utf8
    let end = bytes.firstIndex(of: UInt8(ascii: "#")) ?? bytes.endIndex
    guard let mark = bytes[..<end].firstIndex(of: UInt8(ascii: "?")) else { return nil }
    return (bytes[..<mark], bytes[bytes.index(after: mark)..<end], bytes[end...])
}

/// The URL with `/` for a path that it leaves out, as browsers write it.
package func withRootPath(_ url: String) -> String {
    let scalars = url.unicodeScalars
    guard let start = scalars.firstRange(of: "://".unicodeScalars)?.upperBound else { return url }
    let end = scalars[start...].firstIndex { "/?#\\".unicodeScalars.contains($0) }
    guard let end else { return url + "/" }
    if scalars[end] == "/" || scalars[end] == "\\" { return url }
    return String(scalars[..<end]) + "/" + String(scalars[end...])
}
