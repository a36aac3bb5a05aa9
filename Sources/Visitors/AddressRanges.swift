import Foundation

/// IP addresses and ranges of them.
package struct AddressRanges: Equatable, Sendable {
    private struct Range: Equatable, Sendable {
        let bytes: [UInt8]
        let bits: Int
    }
    private let ranges: [Range]

    /// `10.0.0.0/8, 192.0.2.1, 2001:db8::/32`; nil if any of them is malformed or there is none.
    package init?(_ list: String) {
        var ranges: [Range] = []
        for part in list.split(separator: ",") {
            let halves = part.filter { $0 != " " }.split(
                separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard let bytes = halves.first.flatMap({ addressBytes(String($0)) }) else { return nil }
            var bits = 128
            if halves.count > 1 {
                let isV4 = !halves[0].contains(":")
                guard let given = Int(halves[1]), (0...(isV4 ? 32 : 128)).contains(given) else {
                    return nil
                }
                bits = isV4 ? given + 96 : given
            }
            ranges.append(Range(bytes: bytes, bits: bits))
        }
        guard !ranges.isEmpty else { return nil }
        self.ranges = ranges
    }

    package func contains(_ address: String) -> Bool {
        guard let bytes = addressBytes(address) else { return false }
        return ranges.contains { range in
            let (whole, rest) = (range.bits / 8, range.bits % 8)
            guard bytes[..<whole].elementsEqual(range.bytes[..<whole]) else { return false }
            return rest == 0 || (bytes[whole] ^ range.bytes[whole]) >> (8 - UInt8(rest)) == 0
        }
    }
}

/// Sixteen bytes; an IPv4 address as the IPv6 one that stands for it.
private func addressBytes(_ text: String) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 16)
    if text.utf8.contains(UInt8(ascii: ":")) {
        return inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil
    }
    var four = [UInt8](repeating: 0, count: 4)
    guard inet_pton(AF_INET, text, &four) == 1 else { return nil }
    bytes.replaceSubrange(10..<16, with: [0xFF, 0xFF] + four)
    return bytes
}

/// The visitor's address: the peer's, unless that is a proxy that is believed; then the last one in
/// `X-Forwarded-For` that no such proxy has. What stands before it anybody can have written.
package func clientAddress(
    peer: String?, forwardedFor: [String], trusted: AddressRanges
) -> String? {
    guard let peer, trusted.contains(peer) else { return peer }
    var address = peer
    let hops = forwardedFor.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
    for hop in hops.reversed() {
        guard let next = plainAddress(hop) else { return address }
        address = next
        if !trusted.contains(next) { return next }
    }
    return address
}

/// `192.0.2.1:80` and `[2001:db8::1]:80` without the port; nil if it is no address.
private func plainAddress(_ text: Substring) -> String? {
    var text = text.drop { $0 == " " || $0 == "\t" }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    if text.hasPrefix("[") {
        text = text.dropFirst().prefix { $0 != "]" }
    } else if text.count(where: { $0 == ":" }) == 1 {
        text = text.prefix { $0 != ":" }
    }
    return addressBytes(String(text)) == nil ? nil : String(text)
}
