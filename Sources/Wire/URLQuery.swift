/// The URL with this query parameter, in the place of one of the same name if there is one.
package func settingQuery(_ url: String, _ name: String, to value: String) -> String {
    let fragmentStart = url.firstIndex(of: "#") ?? url.endIndex
    let beforeFragment = url[..<fragmentStart]
    let fragment = url[fragmentStart...]
    let parameter = "\(percentEncoded(name))=\(percentEncoded(value))"
    guard let mark = beforeFragment.firstIndex(of: "?") else {
        return beforeFragment + "?" + parameter + fragment
    }
    let query = beforeFragment[beforeFragment.index(after: mark)...]
    var parts = query.split(separator: "&").map(String.init)
    let isSame = { (part: String) in
        part == percentEncoded(name) || part.hasPrefix(percentEncoded(name) + "=")
    }
    if let first = parts.firstIndex(where: isSame) {
        parts[first] = parameter
        let rest = parts[(first + 1)...].filter { !isSame($0) }
        parts = Array(parts[...first]) + rest
    } else {
        parts.append(parameter)
    }
    return beforeFragment[...mark] + parts.joined(separator: "&") + fragment
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
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        guard byte == 0x25 else {
            bytes.append(byte)
            continue
        }
        guard let high = rest.popFirst().flatMap(hexDigit),
            let low = rest.popFirst().flatMap(hexDigit)
        else { return nil }
        bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
}
