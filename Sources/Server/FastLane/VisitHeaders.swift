import HTTPTypes
import NIOCore

extension VisitRequest {
    /// From the bytes of a plain request.
    ///
    /// - Returns: nil if a header that visits look at is there twice: which one counts, or how they
    ///   are read as one, is known behind.
    init?(_ request: FastRequest, address: String?, _ countryHeader: HTTPField.Name?) {
        let read: VisitRequest? = request.bytes.withUnsafeReadableBytes { bytes in
            let head = UnsafeRawBufferPointer(rebasing: bytes[..<request.head.length])
            let target = String(decoding: head[request.head.target], as: UTF8.self)
            let mark = target.utf8.firstIndex(of: UInt8(ascii: "?"))
            var visit = VisitRequest(
                path: String(target[..<(mark ?? target.endIndex)]),
                query: mark.map { String(target[target.index(after: $0)...]) })
            visit.authority = request.head.host.map { String(decoding: head[$0], as: UTF8.self) }
            visit.address = address
            return visit.take(HeaderLines(head), countryHeader) ? visit : nil
        }
        guard let read else { return nil }
        self = read
    }

    private mutating func take(
        _ lines: HeaderLines, _ countryHeader: HTTPField.Name?
    ) -> Bool {
        for line in lines {
            if let countryHeader, line.isNamed(countryHeader.canonicalName) {
                if country != nil { return false }
                country = line.text
            }
            switch line.name.count {
            case 6 where line.isNamed("cookie"):
                if !cookies.isEmpty { return false }
                cookies = [line.text]
            case 7 where line.isNamed("referer"):
                if referer != nil { return false }
                referer = line.text
            case 10 where line.isNamed("user-agent"):
                if userAgent != nil { return false }
                userAgent = line.text
            case 12 where line.isNamed("dub-no-track"): hasNoTrackHeader = true
            case 15 where line.isNamed("x-forwarded-for"):
                if !forwardedFor.isEmpty { return false }
                forwardedFor = [line.text]
            default: break
            }
        }
        return true
    }
}

/// The headers of a head that was found to be plain (`RequestHead`): each line is a name, a colon
/// and a value.
struct HeaderLines: Sequence, IteratorProtocol {
    struct Line {
        let name: Slice<UnsafeRawBufferPointer>
        private let value: Slice<UnsafeRawBufferPointer>

        fileprivate init?(_ bytes: Slice<UnsafeRawBufferPointer>) {
            guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            name = bytes[..<colon]
            value = bytes[(colon + 1)...].withoutBlanks
        }

        var text: String { String(decoding: value, as: UTF8.self) }

        func isNamed(_ text: String) -> Bool { name.isNamed(text) }
    }

    private var rest: Slice<UnsafeRawBufferPointer>

    /// - Parameter head: from the request's line to the empty one.
    init(_ head: UnsafeRawBufferPointer) {
        rest = head[...]
        _ = nextLine()
    }

    mutating func next() -> Line? { nextLine().flatMap(Line.init) }

    private mutating func nextLine() -> Slice<UnsafeRawBufferPointer>? {
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        // Before it stands a carriage return.
        let line = rest[..<(end - 1)]
        rest = rest[(end + 1)...]
        return line
    }
}
