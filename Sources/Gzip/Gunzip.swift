import CZlib

/// Why bytes are not inflated.
package enum GunzipError: Error {
    /// No gzip, cut off, changed on the way, or something stands behind it.
    case broken
    /// More comes out than is allowed.
    case tooLarge
}

/// What gzip (RFC 1952) has compressed, in one member or several one after the other.
///
/// - Parameter max: bytes that may come out; nothing is inflated beyond the first one more.
package func gunzip(
    _ bytes: UnsafeBufferPointer<UInt8>, max: Int
) throws(GunzipError) -> [UInt8] {
    guard bytes.count <= Int(UInt32.max) else { throw .tooLarge }
    let inflation = Inflation(bytes)
    var result: [UInt8] = []
    while true {
        let isMemberOver = try inflation.step(&result, room: max + 1 - result.count)
        guard result.count <= max else { throw .tooLarge }
        if isMemberOver {
            if inflation.isAtEnd { return result }
            inflation.beginMember()
        }
    }
}

/// zlib's state, which must stay in its place.
private struct Inflation: ~Copyable {
    /// Bytes that are inflated at a time.
    private static let stepMax = 64 << 10
    /// The largest window, and 16: of gzip's forms nothing but gzip.
    private static let gzipOnly: Int32 = 15 + 16

    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let piece = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: Self.stepMax)

    /// - Parameter bytes: must outlive this.
    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        stream.initialize(to: z_stream())
        // zlib reads them only.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
        stream.pointee.avail_in = UInt32(bytes.count)
        // If this fails, so does the first step.
        let size = Int32(MemoryLayout<z_stream>.size)
        inflateInit2_(stream, Self.gzipOnly, ZLIB_VERSION, size)
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        piece.deallocate()
    }

    var isAtEnd: Bool { stream.pointee.avail_in == 0 }

    func beginMember() { inflateReset(stream) }

    /// Inflates some more, at most `room` bytes.
    ///
    /// - Returns: whether that was the end of a member, whose checksum and length are right.
    func step(_ result: inout [UInt8], room: Int) throws(GunzipError) -> Bool {
        let size = min(room, Self.stepMax)
        stream.pointee.next_out = piece.baseAddress
        stream.pointee.avail_out = UInt32(size)
        let status = inflate(stream, Z_NO_FLUSH)
        result.append(contentsOf: piece[..<(size - Int(stream.pointee.avail_out))])
        // Z_BUF_ERROR: there is room and no more comes in, so the end is missing.
        guard status == Z_OK || status == Z_STREAM_END else { throw .broken }
        return status == Z_STREAM_END
    }
}
