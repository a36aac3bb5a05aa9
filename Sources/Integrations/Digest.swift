import Crypto

/// SHA-256 in lower-case hex: how tokens and identities are kept.
package func sha256Hex(_ text: String) -> String { hex(SHA256.hash(data: Array(text.utf8))) }

func hex(_ digest: SHA256.Digest) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(unsafeUninitializedCapacity: 64) { buffer in
        var end = 0
        for byte in digest {
            buffer[end] = digits[Int(byte >> 4)]
            buffer[end + 1] = digits[Int(byte & 15)]
            end += 2
        }
        return end
    }
}

/// The first 64 bits of the SHA-256.
package func sha256Prefix(_ text: String) -> UInt64 {
    SHA256.hash(data: Array(text.utf8)).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
}
