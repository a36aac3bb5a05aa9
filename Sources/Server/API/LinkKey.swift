import Attribution
import Foundation
import Wire

/// What a key may look like.
enum LinkKey {
    /// UTF-8 bytes; a column's index sets it.
    static let bytesMax = 190

    /// Paths that browsers and crawlers ask every host for.
    private static let reserved: Set<String> = [
        "favicon.ico", "sitemap.xml", "robots.txt", "manifest.webmanifest", "manifest.json",
        "apple-app-site-association",
    ]

    /// As it is kept: outer slashes gone, letters beyond ASCII in punycode.
    static func checked(_ text: String) throws -> String {
        let trimmed = withoutOuterSlashes(text)
        if trimmed == Link.rootKey { return Link.rootKey }
        let key = kept(trimmed)
        guard !key.isEmpty, key.utf8.count <= bytesMax, !key.hasPrefix("_"),
            !isForOthers(key), trimmed.unicodeScalars.allSatisfy(isAllowed),
            // Browsers take such steps out of a path before they ask for it.
            !key.split(separator: "/").contains(where: { $0 == "." || $0 == ".." })
        else { throw APIError(.unprocessable, "Invalid key.") }
        let folded = foldedKey(key)
        let first = String(folded.prefix { $0 != "/" })
        if reserved.contains(folded) || Routes.reservedFirstWords.contains(first) {
            throw APIError(
                .forbidden, "\(key) is a reserved path and cannot be used as a short link.")
        }
        return key
    }

    /// How a key that somebody names is looked for; an empty one is the domain's root.
    static func named(_ text: some StringProtocol) -> String {
        let key = withoutOuterSlashes(text)
        return key.isEmpty ? Link.rootKey : kept(key)
    }

    /// The key that the path of a URL names; nil if it is not valid percent-encoded UTF-8.
    static func inPath(_ path: some StringProtocol) -> String? {
        percentDecoded(path).flatMap { $0.utf8.contains(0) ? nil : named($0) }
    }

    /// A letter is the same however it is composed.
    private static func kept(_ key: Substring) -> String {
        if key.utf8.count > 1_024 || key.utf8.allSatisfy({ $0 < 0x80 }) { return String(key) }
        return punycoded(key.precomposedStringWithCanonicalMapping)
    }

    /// What is asked of web servers of another kind, and by standards: never a link.
    static func isForOthers(_ key: String) -> Bool {
        let folded = key.lowercased()
        return folded.hasPrefix(".well-known") || folded.hasSuffix(".php")
            || folded.hasSuffix(".php7")
    }

    static func withoutOuterSlashes(_ text: some StringProtocol) -> Substring {
        var rest = Substring(text)
        while rest.first == "/" { rest.removeFirst() }
        while rest.last == "/" { rest.removeLast() }
        return rest
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "0"..."9", "A"..."Z", "a"..."z", "_", "-", "/", ".": return true
        default:
            // What can't be seen, or turns the direction of writing, would show another key than
            // it names.
            return scalar.value >= 0x80 && !scalar.properties.isWhitespace
                && scalar.properties.generalCategory != .control
                && !scalar.properties.isBidiControl && !isInvisible(scalar)
        }
    }

    /// Joiners and selectors are part of emoji and of some scripts.
    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        let isPartOfLetters = scalar == "\u{200D}" || scalar == "\u{200C}"
        return scalar.properties.isDefaultIgnorableCodePoint && !isPartOfLetters
            && !scalar.properties.isVariationSelector
    }
}

/// A domain as it is kept: ASCII, lower case, without `www.`.
func domainSlug(_ text: some StringProtocol) -> String { normalizedHostname(asciiHost(text)) }

/// A host's name in ASCII, as browsers read it: letters that only look different (`ａ`) are the
/// plain ones, and what can't be seen is gone.
func asciiHost(_ text: some StringProtocol) -> String { punycoded(plainHost(text)) }

func plainHost(_ text: some StringProtocol) -> String {
    if text.utf8.count > 1_024 || text.utf8.allSatisfy({ $0 < 0x80 }) { return String(text) }
    var host = String.UnicodeScalarView()
    for scalar in text.precomposedStringWithCompatibilityMapping.unicodeScalars
    where !scalar.properties.isDefaultIgnorableCodePoint {
        host.append(scalar)
    }
    return String(host)
}
