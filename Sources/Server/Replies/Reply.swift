import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import Wire

/// A JSON answer before it is handed to whoever sends it.
package struct Reply: Sendable {
    var status: HTTPResponse.Status = .ok
    /// Besides the usual ones.
    var headers: HTTPFields = [:]
    var body: [UInt8]

    init(_ writer: JSONWriter, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) {
        (self.status, self.headers, body) = (status, headers, writer.bytes)
    }

    init(
        capacity: Int = 256, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:],
        _ members: (inout JSONWriter) -> Void
    ) {
        var writer = JSONWriter(capacity: capacity)
        writer.object(members)
        self.init(writer, status: status, headers: headers)
    }

    var response: Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(
            status: status, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    /// The same answer as it stands on the wire.
    package func bytes(date: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(body.count + 160)
        buffer.writeStart(status, headers)
        buffer.writeStaticString("Content-Type: application/json\r\nContent-Length: ")
        buffer.writeString(String(body.count))
        buffer.writeStaticString("\r\n")
        buffer.writeEnd(date: date)
        buffer.writeBytes(body)
        return buffer
    }
}

extension Response {
    /// An answer without a body as it stands on the wire.
    func headBytes(date: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(512)
        buffer.writeStart(status, headers)
        buffer.writeEnd(date: date)
        return buffer
    }
}

extension ByteBuffer {
    /// The first line of an answer, and these headers.
    fileprivate mutating func writeStart(_ status: HTTPResponse.Status, _ headers: HTTPFields) {
        if status == .ok {
            writeStaticString("HTTP/1.1 200 OK\r\n")
        } else {
            writeString("HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n")
        }
        for field in headers {
            writeString(field.name.rawName)
            writeStaticString(": ")
            writeString(field.value)
            writeStaticString("\r\n")
        }
    }

    /// The last header, and the end of the head.
    fileprivate mutating func writeEnd(date: String) {
        writeStaticString("Date: ")
        writeString(date)
        writeStaticString("\r\n\r\n")
    }
}

/// The `Date` of answers, written once a second.
package final class ResponseDates: Sendable {
    private let last = Mutex<(second: Int, text: String)>((0, ""))

    package init() {}

    package func now() -> String {
        var clock = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &clock)
        return last.withLock { last in
            if last.second != clock.tv_sec { last = (clock.tv_sec, Self.text(clock.tv_sec)) }
            return last.text
        }
    }

    /// As RFC 9110 has it: `Sun, 06 Nov 1994 08:49:37 GMT`.
    static func text(_ second: Int) -> String {
        var (second, parts) = (time_t(second), tm())
        gmtime_r(&second, &parts)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 40) { buffer in
            let count = strftime(buffer.baseAddress, 40, "%a, %d %b %Y %H:%M:%S GMT", &parts)
            return String(
                decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}
