import Attribution

/// Texts beyond ASCII as DNS and headers carry them (RFC 3492): each part between dots that has
/// such letters becomes `xn--…`, in lower case. Letters are taken as they come.
///
/// The work grows with the square of a part's length; what is longer than any key or host can be
/// stays as it is.
package func punycoded(_ text: String) -> String {
    if text.utf8.count > 1_024 || text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
    return text.lowercased().unicodeScalars
        .split(omittingEmptySubsequences: false) {
            ".\u{3002}\u{FF0E}\u{FF61}".unicodeScalars.contains($0)
        }
        .map { part in
            let scalars = Array(part)
            return scalars.allSatisfy(\.isASCII)
                ? String(String.UnicodeScalarView(scalars)) : "xn--" + Punycode.encoded(scalars)
        }
        .joined(separator: ".")
}

private enum Punycode {
    static func encoded(_ scalars: [Unicode.Scalar]) -> String {
        var output = scalars.filter(\.isASCII).map { UInt8(truncatingIfNeeded: $0.value) }
        let basicCount = output.count
        if basicCount > 0 { output.append(UInt8(ascii: "-")) }
        var (next, delta, bias) = (UInt32(128), 0, 72)
        var handled = basicCount
        while handled < scalars.count {
            guard let smallest = scalars.map(\.value).filter({ $0 >= next }).min() else { break }
            delta += Int(smallest - next) * (handled + 1)
            next = smallest
            for scalar in scalars {
                if scalar.value < next { delta += 1 }
                guard scalar.value == next else { continue }
                append(delta, bias, to: &output)
                bias = adapted(delta, handled + 1, isFirst: handled == basicCount)
                delta = 0
                handled += 1
            }
            delta += 1
            next += 1
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// A number in digits of growing weight, least significant first.
    private static func append(_ number: Int, _ bias: Int, to output: inout [UInt8]) {
        var rest = number
        var position = 36
        while true {
            let threshold = min(max(position - bias, 1), 26)
            if rest < threshold { break }
            output.append(digit(threshold + (rest - threshold) % (36 - threshold)))
            rest = (rest - threshold) / (36 - threshold)
            position += 36
        }
        output.append(digit(rest))
    }

    private static func digit(_ value: Int) -> UInt8 {
        UInt8(value < 26 ? 97 + value : 22 + value)
    }

    private static func adapted(_ delta: Int, _ count: Int, isFirst: Bool) -> Int {
        var rest = isFirst ? delta / 700 : delta / 2
        rest += rest / count
        var shift = 0
        while rest > 455 {
            rest /= 35
            shift += 36
        }
        return shift + 36 * rest / (rest + 38)
    }
}

/// A URL whose host is in ASCII and lower case. The rest stays as it was written.
package func normalizedURL(_ text: String) -> String {
    guard let place = urlAuthorityRange(text) else { return text }
    let authority = String(text[place])
    if authority.utf8.allSatisfy({ $0 < 0x80 }) { return text }
    let scalars = text.unicodeScalars
    return String(scalars[..<place.lowerBound]) + punycoded(hostname(authority))
        + portPart(authority) + String(scalars[place.upperBound...])
}

/// Whether all letters of each part of a host's name are of one script: what mixes them is made to
/// look like another name. Blocks that are not listed count as one script of their own.
package func mixesScripts(_ host: String) -> Bool {
    host.split(separator: ".").contains { label in
        var scripts: Set<Int> = []
        for scalar in label.unicodeScalars where scalar.properties.isAlphabetic {
            scripts.insert(script(scalar.value))
        }
        // Japanese is written in three scripts, beside Latin letters.
        return scripts.count > 1 && !scripts.isSubset(of: [0, cjk])
    }
}

private let cjk = 100

private func script(_ value: UInt32) -> Int {
    switch value {
    case 0..<0x250, 0x1E00..<0x1F00: 0
    case 0x370..<0x400, 0x1F00..<0x2000: 1
    case 0x400..<0x530: 2
    case 0x530..<0x590: 3
    case 0x590..<0x600: 4
    case 0x600..<0x780: 5
    case 0x900..<0x980: 6
    case 0xE00..<0xE80: 7
    case 0x10A0..<0x1100: 8
    case 0x3040..<0x3130, 0x4E00..<0xA000: cjk
    case 0x1100..<0x1200, 0xAC00..<0xD7B0: cjk
    default: 1_000 + Int(value >> 8)
    }
}
