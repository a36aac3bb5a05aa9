/// The head of an HTTP/1.1 request of the plain kind that clients send, found in its bytes without
/// copying any. Whatever could be understood in two ways is `unknown`: such a request, and the rest
/// of its connection, is left to the library's parser. So the two can't disagree about where a
/// request ends.
package struct RequestHead: Equatable, Sendable {
    package enum Method: Equatable, Sendable { case get, post, other }

    package var method: Method
    /// Where the target, and values of headers, stand in the bytes.
    package var target: Range<Int>
    package var host: Range<Int>?
    package var authorization: Range<Int>?
    package var contentLength = 0
    /// Bytes up to the body.
    package var length = 0

    /// Bytes and headers of the longest head, and digits of the longest body, that are plain.
    static let lengthMax = 8_192
    static let headersMax = 100
    static let contentLengthDigitsMax = 9

    /// nil: it is not of the plain kind, or not all of it is there.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        var scanner = Scanner(bytes: bytes)
        guard scanner.scan() else { return nil }
        self = scanner.head
    }

    fileprivate init() { (method, target) = (.other, 0..<0) }
}

private struct Scanner {
    let bytes: UnsafeRawBufferPointer
    private(set) var head = RequestHead()
    private var hasContentLength = false

    init(bytes: UnsafeRawBufferPointer) {
        self.bytes = UnsafeRawBufferPointer(
            rebasing: bytes.prefix(RequestHead.lengthMax))
    }

    mutating func scan() -> Bool {
        guard let first = line(from: 0), requestLine(first) else { return false }
        var start = first.upperBound + 2
        var headers = 0
        while headers <= RequestHead.headersMax, let line = line(from: start) {
            headers += 1
            start = line.upperBound + 2
            if line.isEmpty {
                head.length = start
                return true
            }
            guard header(line) else { return false }
        }
        return false
    }

    /// The line up to its CR LF; nil if that has not come, or LF stands alone.
    private func line(from start: Int) -> Range<Int>? {
        var index = start
        while index < bytes.count {
            if bytes[index] == lineFeed {
                return index > start && bytes[index - 1] == carriageReturn
                    ? start..<index - 1 : nil
            }
            index += 1
        }
        return nil
    }

    private mutating func requestLine(_ line: Range<Int>) -> Bool {
        guard let space = bytes[line].firstIndex(of: blank) else { return false }
        let version = " HTTP/1.1"
        let end = line.upperBound - version.utf8.count
        guard space + 1 < end, isSame(end..<line.upperBound, version) else { return false }
        let method = line.lowerBound..<space
        if isSame(method, "POST") {
            head.method = .post
        } else if isSame(method, "GET") {
            head.method = .get
        } else if method.isEmpty || isSame(method, "CONNECT")
            || !bytes[method].allSatisfy(isCapital)
        {
            return false
        }
        head.target = space + 1..<end
        return bytes[space + 1] == UInt8(ascii: "/")
            && bytes[head.target].allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private mutating func header(_ line: Range<Int>) -> Bool {
        guard let colon = bytes[line].firstIndex(of: UInt8(ascii: ":")), colon > line.lowerBound
        else { return false }
        let name = line.lowerBound..<colon
        let value = bytes[colon + 1..<line.upperBound].withoutBlanks.indices
        guard bytes[name].allSatisfy(isNameByte),
            bytes[value].allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
        else { return false }
        switch name.count {
        case 4 where isNamed(name, "host"): return take(value, \.host)
        case 13 where isNamed(name, "authorization"): return take(value, \.authorization)
        case 14 where isNamed(name, "content-length"): return takeLength(value)
        case 10 where isNamed(name, "connection"): return isNamed(value, "keep-alive")
        // These change what follows the head, or how it is to be answered.
        case 17 where isNamed(name, "transfer-encoding"): return false
        case 6 where isNamed(name, "expect"): return false
        case 7 where isNamed(name, "upgrade") || isNamed(name, "trailer"): return false
        case 16 where isNamed(name, "proxy-connection"): return false
        default: return true
        }
    }

    /// One of each.
    private mutating func take(
        _ value: Range<Int>, _ place: WritableKeyPath<RequestHead, Range<Int>?>
    ) -> Bool {
        guard head[keyPath: place] == nil else { return false }
        head[keyPath: place] = value
        return true
    }

    private mutating func takeLength(_ value: Range<Int>) -> Bool {
        guard !hasContentLength, !value.isEmpty,
            value.count <= RequestHead.contentLengthDigitsMax
        else { return false }
        hasContentLength = true
        for byte in bytes[value] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return false }
            head.contentLength = head.contentLength * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return true
    }

    private func isSame(_ range: Range<Int>, _ text: String) -> Bool {
        range.count == text.utf8.count && bytes[range].elementsEqual(text.utf8)
    }

    private func isNamed(_ range: Range<Int>, _ text: String) -> Bool {
        bytes[range].isNamed(text)
    }
}

extension Slice<UnsafeRawBufferPointer> {
    /// Without those that stand around it.
    var withoutBlanks: Self {
        var (start, end) = (startIndex, endIndex)
        while start < end, self[start] == blank { start += 1 }
        while start < end, self[end - 1] == blank { end -= 1 }
        return self[start..<end]
    }

    /// Whatever the case of the bytes; `text` is in lower case.
    func isNamed(_ text: String) -> Bool {
        guard count == text.utf8.count else { return false }
        var index = startIndex
        for expected in text.utf8 {
            let byte = self[index]
            guard byte == expected || byte | 0x20 == expected && isLetter(byte) else {
                return false
            }
            index += 1
        }
        return true
    }
}

private let lineFeed = UInt8(ascii: "\n")
private let carriageReturn = UInt8(ascii: "\r")
private let blank = UInt8(ascii: " ")

private func isCapital(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
}
private func isLetter(_ byte: UInt8) -> Bool { isCapital(byte & 0xDF) }
private func isNameByte(_ byte: UInt8) -> Bool {
    isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
}
