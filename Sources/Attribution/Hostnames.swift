/// Which sites may track from a browser (contract: exact hostname, or `*.example.com` for any
/// proper sub-domain; a leading `www.` does not count; an empty list allows everything).
package func isAllowed(hostname: String?, by allowed: [String]) -> Bool {
    if allowed.isEmpty { return true }
    guard let hostname, !hostname.isEmpty else { return false }
    return allowed.contains { entry in
        if entry.hasPrefix("*.") {
            return hostname.hasSuffix(entry.dropFirst(1)) && hostname != entry.dropFirst(2)
        }
        return entry == hostname
    }
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
    var authority = rest.prefix { !"/?#\\".unicodeScalars.contains($0) }
    if let at = authority.lastIndex(of: "@") {
        authority = authority[authority.index(after: at)...]
    }
    return authority.startIndex..<authority.endIndex
}

/// The path of an http or https URL as it is written; nil if it is none.
package func urlPath(_ text: String) -> String? {
    guard let rest = withoutScheme(text) else { return nil }
    let path = rest.drop { !"/?#\\".unicodeScalars.contains($0) }.prefix {
        !"?#".unicodeScalars.contains($0)
    }
    return String(String.UnicodeScalarView(path))
}

private func withoutScheme(_ text: String) -> Substring.UnicodeScalarView? {
    // Scalars, not characters: a combining mark must not hide the slash that it follows.
    let scalars = text.unicodeScalars
    let scheme = String(String.UnicodeScalarView(scalars.prefix(8))).lowercased().unicodeScalars
    if scheme.starts(with: "https://".unicodeScalars) { return scalars.dropFirst(8) }
    return scheme.starts(with: "http://".unicodeScalars) ? scalars.dropFirst(7) : nil
}

/// A host without its port. One in brackets that do not close is all of it.
package func hostname(_ authority: some StringProtocol) -> String {
    let scalars = Substring(authority).unicodeScalars
    guard scalars.first == "[" else { return String(Substring(scalars.prefix { $0 != ":" })) }
    let end = scalars.firstIndex(of: "]").map { scalars.index(after: $0) } ?? scalars.endIndex
    return String(Substring(scalars[..<end]))
}

/// What follows the host: a colon and the port, or nothing.
package func portPart(_ authority: String) -> String {
    let host = hostname(authority)
    return String(Substring(authority.unicodeScalars.dropFirst(host.unicodeScalars.count)))
}
