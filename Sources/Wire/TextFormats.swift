import Attribution

/// Without the white space that JavaScript's `trim` removes at both ends.
package func trim(_ text: String) -> String {
    guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last,
        isSpace(first) || isSpace(last)
    else { return text }
    let start = text.unicodeScalars.drop(while: isSpace)
    guard let end = start.lastIndex(where: { !isSpace($0) }) else { return "" }
    return String(start[...end])
}

private func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace && scalar != "\u{85}" || scalar == "\u{FEFF}"
}

/// Whether a text is an e-mail address as Zod's default pattern has it: a local part of letters,
/// digits and `_'+-.` that neither begins nor ends with a dot, and a dotted domain whose last
/// label has two letters or more.
package func isEmail(_ text: String) -> Bool {
    let halves = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
    guard halves.count == 2, let first = halves[0].first, let last = halves[0].last,
        first != UInt8(ascii: "."),
        isAlphanumeric(last) || last == 0x5F || last == 0x2B
            || last == 0x2D,
        halves[0].allSatisfy({ isAlphanumeric($0) || "_'+-.".utf8.contains($0) }),
        !text.utf8.elementsContain("..")
    else { return false }
    let labels = halves[1].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard labels.count >= 2, let top = labels.last, top.count >= 2, top.allSatisfy(isLetter) else {
        return false
    }
    return labels.dropLast().allSatisfy { label in
        guard let first = label.first else { return false }
        return isAlphanumeric(first)
            && label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }
}

private func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte & 0xDF) }
private func isAlphanumeric(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || isLetter(byte)
}

extension String.UTF8View {
    fileprivate func elementsContain(_ pair: StaticString) -> Bool {
        zip(self, dropFirst()).contains { $0 == pair.utf8Start[0] && $1 == pair.utf8Start[1] }
    }
}

/// Longest URL that is kept, in UTF-16 units.
package let urlMax = 32_000

/// Whether a text is an absolute http or https URL with a host, free of white space and control
/// characters (which could split a header). Other schemes can be active content and are refused.
package func isURL(_ text: String) -> Bool {
    guard let authority = urlAuthority(text), isHost(hostname(authority)), isVisible(text),
        // Some readers take it for a slash, others for a part of the host's name.
        urlPath(text)?.unicodeScalars.contains("\\") == false
    else { return false }
    let port = Array(portPart(authority).utf8)
    if port.isEmpty || port == [UInt8(ascii: ":")] { return true }
    return port.first == UInt8(ascii: ":")
        && port.dropFirst().allSatisfy { (48...57).contains($0) }
        && UInt16(String(decoding: port.dropFirst(), as: UTF8.self)) != nil
}

/// Bytes of the longest name that DNS has.
private let hostMax = 253

private func isHost(_ host: String) -> Bool {
    guard !host.isEmpty, host.utf8.count <= hostMax, punycoded(host).utf8.count <= hostMax else {
        return false
    }
    if host.utf8.first == UInt8(ascii: "[") {
        let address = host.utf8.dropFirst().dropLast()
        return host.utf8.last == UInt8(ascii: "]") && address.contains(UInt8(ascii: ":"))
            && address.allSatisfy { isHexDigit($0) || ":.".utf8.contains($0) }
    }
    return !host.unicodeScalars.contains(where: forbiddenInHosts)
}

private func isHexDigit(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...70).contains(byte & 0xDF)
}

/// What the URL standard forbids in a host, and escapes, which could hide such.
private func forbiddenInHosts(_ scalar: Unicode.Scalar) -> Bool {
    "%<>^|\"'`{}@[]".unicodeScalars.contains(scalar)
}

private func isVisible(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
}

/// `example.com/a` with `https://` before it, as people write addresses. A text with a scheme, or
/// that does not begin with a host, stays as it is.
package func withScheme(_ text: String) -> String {
    let host = text.prefix { !":/?#".contains($0) }
    return host.contains(".") || host == "localhost" ? "https://" + text : text
}

/// Spaces behind the host as browsers send them.
func spacesEncoded(_ url: String) -> String {
    guard let authority = urlAuthority(url), !authority.contains(" ") else { return url }
    return url.replacing(" ", with: "%20")
}

/// Two ASCII letters.
func isCountry(_ text: String) -> Bool { text.utf8.count == 2 && text.utf8.allSatisfy(isLetter) }

/// Where a link may lead: a web address, or a scheme that opens an app to talk to somebody.
package func isDestination(_ text: String) -> Bool {
    isURL(text) || isAppURL(text) && isVisible(text)
}

/// Whether a text has a scheme that browsers hand to an app; such a URL can't run in a page.
package func isAppURL(_ text: String) -> Bool {
    let schemes: Set<String> = ["mailto", "sms", "tel", "tg", "whatsapp", "xmpp"]
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return false }
    return schemes.contains(text[..<colon].lowercased()) && text.utf8[colon...].count > 1
}
