/// The body of a call as it is kept. It holds no API key: a client may have put one where it does
/// not belong, and what is kept is shown to others.
package struct KeptBody: Equatable, Sendable {
    package let text: String
    /// Whether that is the body as it came, to the byte.
    package let isWhole: Bool

    /// Bytes of a body that is kept.
    package static let max = 64 << 10

    /// As it was kept.
    package init(text: String, isWhole: Bool) { (self.text, self.isWhole) = (text, isWhole) }

    package init(_ body: String) {
        guard body.utf8.count <= Self.max else {
            self.init(text: "", isWhole: false)
            return
        }
        let text = withoutKeys(body)
        // One that is written with escapes is not worth finding its place.
        let isHidden = unescaped(text).map(hasKey) ?? false
        self.init(text: isHidden ? "" : text, isWhole: !isHidden && isSame(text, body))
    }

    /// What is no text is shown as far as it is one.
    package init(bytes: some Collection<UInt8>) {
        if let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) {
            self.init(text)
            return
        }
        // Texts of databases can't hold NUL.
        let readable = KeptBody(
            String(decoding: bytes.map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self))
        self.init(text: readable.text, isWhole: false)
    }
}

/// The text with its API keys taken out.
func withoutKeys(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var end = 0
    for key in keys(in: bytes) {
        result += bytes[end..<key.lowerBound]
        result += Array("[API key removed]".utf8)
        end = key.upperBound
    }
    return end == 0 ? text : String(decoding: result + bytes[end...], as: UTF8.self)
}

func hasKey(_ text: String) -> Bool { !keys(in: Array(text.utf8)).isEmpty }

/// `dub_` and 24 letters and digits, as keys are made. Publishable ones (`dub_pk_…`) are no secret,
/// and words such as `dub_order_20261126_0000000000001` are no keys.
private func keys(in bytes: [UInt8]) -> [Range<Int>] {
    let prefix = Array("dub_".utf8)
    guard bytes.count >= prefix.count + secretLength else { return [] }
    var found: [Range<Int>] = []
    var index = 0
    while index <= bytes.count - prefix.count - secretLength {
        guard bytes[index] == prefix[0], bytes[index...].starts(with: prefix) else {
            index += 1
            continue
        }
        let secret = bytes[(index + prefix.count)...].prefix(while: isKeyByte)
        guard secret.count >= secretLength else {
            index += prefix.count
            continue
        }
        found.append(index..<secret.endIndex)
        index = secret.endIndex
    }
    return found
}

private let secretLength = 24

private func isKeyByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"):
        true
    default: false
    }
}

/// The text with its JSON escapes of ASCII characters (`\u0064`) written out, whether it is JSON or
/// not; nil if it has none.
private func unescaped(_ text: String) -> String? {
    guard text.utf8.contains(UInt8(ascii: "\\")) else { return nil }
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
        if bytes[index] == UInt8(ascii: "\\"), index + 6 <= bytes.count,
            bytes[index + 1] == UInt8(ascii: "u"),
            let code = UInt8(
                String(decoding: bytes[(index + 2)..<(index + 6)], as: UTF8.self), radix: 16)
        {
            result.append(code)
            index += 6
        } else {
            result.append(bytes[index])
            index += 1
        }
    }
    return String(decoding: result, as: UTF8.self)
}
