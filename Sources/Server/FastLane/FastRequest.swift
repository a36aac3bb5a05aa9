import NIOCore

/// A request that the fast lane answers, and as much of it as has come.
struct FastRequest {
    enum Endpoint: Equatable {
        /// Its place in the list of endpoints.
        case track(Int)
        case redirect
    }

    let endpoint: Endpoint
    let head: RequestHead
    private(set) var bytes = ByteBuffer()

    init(endpoint: Endpoint, head: RequestHead) {
        (self.endpoint, self.head) = (endpoint, head)
    }

    /// Bytes of the head and the body.
    var length: Int { head.length + head.contentLength }
    var isComplete: Bool { bytes.readableBytes == length }

    mutating func take(from buffer: inout ByteBuffer) {
        let missing = min(length - bytes.readableBytes, buffer.readableBytes)
        guard var part = buffer.readSlice(length: missing) else { return }
        if bytes.readableBytes == 0 {
            bytes = part
        } else {
            bytes.writeBuffer(&part)
        }
    }

    func withBody<Value>(_ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        bytes.withUnsafeReadableBytes { bytes in
            UnsafeRawBufferPointer(rebasing: bytes[head.length...])
                .withMemoryRebound(to: UInt8.self, body)
        }
    }

    /// A header's value as it stands in the bytes.
    func view(_ range: Range<Int>?) -> ByteBufferView {
        guard let range,
            let slice = bytes.viewBytes(
                at: bytes.readerIndex + range.lowerBound, length: range.count)
        else { return ByteBufferView(ByteBuffer()) }
        return slice
    }
}
