/// Which sites may track from a browser (contract: exact hostname, or `*.example.com` for any
/// proper sub-domain; a leading `www.` does not count; an empty list allows everything).
package func isAllowed(hostname: String?, by allowed: [String]) -> Bool {
    if allowed.isEmpty { return true }
    guard let hostname, !hostname.isEmpty else { return false }
    return allowed.contains { entry in
        entry.hasPrefix("*.") ? isBelow(entry.dropFirst(2), hostname) : entry == hostname
    }
}

/// Whether a hostname is a proper sub-domain: something must stand before the dot.
package func isBelow(_ domain: some StringProtocol, _ hostname: String) -> Bool {
    let end = ".\(domain)"
    return hostname.hasSuffix(end) && hostname.utf8.count > end.utf8.count
}

/// The hostname in lower case without a leading `www.`.
package func normalizedHostname(_ text: some StringProtocol) -> String {
    let lower = text.lowercased()
    return lower.hasPrefix("www.") ? String(lower.dropFirst(4)) : lower
}

/// The host of an http or https URL, in lower case; nil if it is none.
package func urlHost(_ text: String) -> String? {
    urlAuthority(text).map { authority in
        let host = hostname(authority).lowercased()
        // The root's own dot names the same host.
        return host.hasSuffix(".") ? String(host.dropLast()) : host
    }
}

/// Host and port of an http or https URL; nil if it is none.
package func urlAuthority(_ text: String) -> String? {
    urlAuthorityRange(text).map { String(text[$0]) }
}

/// Where they stand. What looks like them may stand in the name of a user before.
package func urlAuthorityRange(_ text: String) -> Range<String.Index>? {
    guard let rest = withoutScheme(text) else { return nil }
    var authority = rest.prefix { !endsAuthority($0) }
    if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
        authority = authority[authority.index(after: at)...]
    }
    return authority.startIndex..<authority.endIndex
}

/// The path of an http or https URL as it is written; nil if it is none.
package func urlPath(_ text: String) -> String? {
    guard let rest = withoutScheme(text) else { return nil }
    let path = rest.drop { !endsAuthority($0) }.prefix {
        $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
    }
    return String(Substring(path))
}

private func endsAuthority(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\\"): true
    default: false
    }
}

// Bytes, not characters: a combining mark must not hide the slash that it follows.
private func withoutScheme(_ text: String) -> Substring.UTF8View? {
    for scheme in ["https://", "http://"] where startsWith(scheme, text) {
        return text.utf8.dropFirst(scheme.utf8.count)
    }
    return nil
}

/// Whatever the case of the text's ASCII letters; `start` is in lower case.
private func startsWith(_ start: String, _ text: String) -> Bool {
    var bytes = text.utf8.makeIterator()
    return start.utf8.allSatisfy { expected in
        guard let byte = bytes.next() else { return false }
        let isCapital = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        return (isCapital ? byte | 0x20 : byte) == expected
    }
}

/// A host without its port. One in brackets that do not close is all of it.
package func hostname(_ authority: some StringProtocol) -> String {
    let bytes = Substring(authority).utf8
    guard bytes.first == UInt8(ascii: "[") else {
        return String(Substring(bytes.prefix { $0 != UInt8(ascii: ":") }))
    }
    let close = bytes.firstIndex(of: UInt8(ascii: "]"))
    return String(Substring(bytes[..<(close.map { bytes.index(after: $0) } ?? bytes.endIndex)]))
}

/// What follows the host: a colon and the port, or nothing.
package func portPart(_ authority: String) -> String {
    let host = hostname(authority)
    return String(Substring(authority.unicodeScalars.dropFirst(host.unicodeScalars.count)))
}
