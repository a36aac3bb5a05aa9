import Attribution

/// Queries as the URL standard parses them: bytes, split and decoded once more.
enum FormModel {
    static func items(_ query: some Sequence<UInt8>) -> [(name: String, value: String)] {
        Array(query).split(separator: 0x26).map { part in
            let name = part.prefix { $0 != 0x3D }
            return (decoded(name), decoded(part.dropFirst(name.count + 1)))
        }
    }

    static func decoded(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: unescaped(bytes.map { $0 == 0x2B ? 0x20 : $0 }).bytes, as: UTF8.self)
    }

    /// nil if an escape is broken or the bytes behind them are not UTF-8. (Foundation puts U+FFFD
    /// in place of some.)
    static func strictlyDecoded(_ text: String) -> String? {
        let (bytes, isWhole) = unescaped(Array(text.utf8))
        return isWhole && UTF8Facts.isValid(bytes) ? String(decoding: bytes, as: UTF8.self) : nil
    }

    private static func unescaped(_ bytes: [UInt8]) -> (bytes: [UInt8], isWhole: Bool) {
        var result: [UInt8] = []
        var (index, isWhole) = (0, true)
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == 0x25, index + 2 <= bytes.count,
                let value = hex(bytes[index], bytes[index + 1])
            {
                result.append(value)
                index += 2
            } else {
                isWhole = isWhole && byte != 0x25
                result.append(byte)
            }
        }
        return (result, isWhole)
    }

    private static func hex(_ high: UInt8, _ low: UInt8) -> UInt8? {
        let text = String(decoding: [high, low], as: UTF8.self)
        guard text.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }) else { return nil }
        return UInt8(text, radix: 16)
    }

    /// What stands between the `?` and the `#` of a URL.
    static func query(of url: String) -> [UInt8] {
        let bytes = Array(url.utf8).prefix { $0 != 0x23 }
        guard let mark = bytes.firstIndex(of: 0x3F) else { return [] }
        return Array(bytes[(mark + 1)...])
    }

    static func isSameItems(
        _ a: [(name: String, value: String)], _ b: [(name: String, value: String)]
    ) -> Bool {
        a.count == b.count
            && zip(a, b).allSatisfy { isSame($0.name, $1.name) && isSame($0.value, $1.value) }
    }
}

/// What a browser takes a web address for, as far as it matters here.
struct AddressModel {
    /// `http` or `https`.
    let scheme: String
    /// What stands before the host, `@` included.
    let user: [UInt8]
    let host: [UInt8]
    /// nil if there is no colon.
    let port: [UInt8]?
    let rest: [UInt8]

    /// nil if the text is no such address at all.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        let start = bytes.prefix(8).map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        guard start.starts(with: "http://".utf8) || start.elementsEqual("https://".utf8) else {
            return nil
        }
        scheme = start[4] == 0x73 ? "https" : "http"
        let behind = bytes.dropFirst(scheme.utf8.count + 3)
        let authority = behind.prefix { !"/?#\\".utf8.contains($0) }
        rest = Array(behind.dropFirst(authority.count))
        let hostStart = authority.lastIndex(of: 0x40).map { $0 + 1 } ?? authority.startIndex
        user = Array(authority[..<hostStart])
        let hostAndPort = authority[hostStart...]
        let literal = hostAndPort.first == 0x5B ? hostAndPort.firstIndex(of: 0x5D) : nil
        let colon = hostAndPort[(literal ?? hostStart)...].firstIndex(of: 0x3A)
        host = Array(hostAndPort[..<(colon ?? hostAndPort.endIndex)])
        port = colon.map { Array(hostAndPort[($0 + 1)...]) }
    }

    var hostText: String { String(decoding: host, as: UTF8.self) }

    /// A name that DNS could have, or a whole address in brackets.
    private var hasSoundHost: Bool {
        guard !host.isEmpty, host.count <= 253 else { return false }
        guard host.first == 0x5B else {
            return host.allSatisfy { !"%<>^|\"'`{}@[]".utf8.contains($0) }
        }
        let inner = host.dropFirst().dropLast()
        return host.last == 0x5D && inner.contains(0x3A)
            && inner.allSatisfy { "0123456789abcdefABCDEF:.".utf8.contains($0) }
    }

    /// Whether punycode may make the name too long for DNS, so that it is refused for that.
    var mayGrow: Bool { host.count >= 90 && host.contains { $0 >= 0x80 } }

    private var hasSoundPort: Bool {
        guard let port else { return true }
        let number = UInt16(String(decoding: port, as: UTF8.self))
        return port.allSatisfy { (48...57).contains($0) } && (port.isEmpty || number != nil)
    }

    /// Whether the whole may be kept and sent as a header.
    var isSafe: Bool {
        hasSoundHost && hasSoundPort
            && !rest.prefix { $0 != 0x3F && $0 != 0x23 }.contains(0x5C)
            && (user + host + (port ?? []) + rest).allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }
}
