import Crypto
import Foundation

/// SHA-256 of a file in lower-case hex, read in pieces.
package func sha256Hex(ofFile path: String) throws -> String {
    let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? handle.close() }
    var hash = SHA256()
    while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
        hash.update(data: piece)
    }
    return hex(hash.finalize())
}
