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
    scalar.properties.isWhitespace || scalar == "\u{FEFF}"
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

/// Whether a text is an absolute http or https URL with a host, free of white space and control
/// characters (which could split a header). Other schemes can be active content and are refused.
package func isURL(_ text: String) -> Bool {
    guard let authority = urlAuthority(text), !hostname(authority).isEmpty,
        text.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F })
    else { return false }
    let port = authority.dropFirst(hostname(authority).count)
    return port.isEmpty || port == ":" || UInt16(port.dropFirst()) != nil
}

/// The host of an http or https URL, in lower case; nil if it is none.
package func urlHost(_ text: String) -> String? {
    urlAuthority(text).map { hostname($0).lowercased() }
}

/// Host and port of an http or https URL; nil if it is none.
private func urlAuthority(_ text: String) -> String? {
    // Scalars, not characters: a combining mark must not hide the slash that it follows.
    let scalars = text.unicodeScalars
    let scheme = String(String.UnicodeScalarView(scalars.prefix(8))).lowercased().unicodeScalars
    let rest: Substring.UnicodeScalarView
    if scheme.starts(with: "https://".unicodeScalars) {
        rest = scalars.dropFirst(8)
    } else if scheme.starts(with: "http://".unicodeScalars) {
        rest = scalars.dropFirst(7)
    } else {
        return nil
    }
    var authority = rest.prefix { !"/?#\\".unicodeScalars.contains($0) }
    if let at = authority.lastIndex(of: "@") {
        authority = authority[authority.index(after: at)...]
    }
    return String(String.UnicodeScalarView(authority))
}

/// A host without its port.
package func hostname(_ authority: some StringProtocol) -> String {
    if authority.hasPrefix("[") { return String(authority.prefix { $0 != "]" }) + "]" }
    return String(authority.prefix { $0 != ":" })
}
