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
