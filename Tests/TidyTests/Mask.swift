/// Blanks comments, string literals and regular expressions, so that braces and words in them don't
/// count as code. Code within interpolations stays.
struct Mask {
    private let bytes: [UInt8]
    private var output: [UInt8]
    private var position = 0
    private var line = 0
    private var lineStart = 0
    private(set) var literals: [Int: [Range<Int>]] = [:]

    init(_ text: String) {
        bytes = Array(text.utf8)
        output = bytes
    }

    var text: String { String(decoding: output, as: UTF8.self) }

    mutating func run() { code(inInterpolation: false) }

    private func has(_ word: String, at place: Int) -> Bool {
        bytes[min(place, bytes.count)...].starts(with: word.utf8)
    }

    /// Goes one byte further; a blanked one leaves a space unless it ends a line.
    private mutating func step(isBlank: Bool) {
        if bytes[position] == UInt8(ascii: "\n") {
            line += 1
            lineStart = position + 1
        } else if isBlank {
            output[position] = UInt8(ascii: " ")
        }
        position += 1
    }

    private mutating func blank(_ count: Int) {
        for _ in 0..<count where position < bytes.count { step(isBlank: true) }
    }

    private mutating func code(inInterpolation: Bool) {
        var depth = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "/") where has("//", at: position):
                while position < bytes.count, !has("\n", at: position) { step(isBlank: true) }
            case UInt8(ascii: "/") where has("/*", at: position): comment()
            case UInt8(ascii: "/") where beginsRegex(): regex()
            case UInt8(ascii: "\""): literal(hashes: 0)
            case UInt8(ascii: "#"):
                let hashes = bytes[position...].prefix { $0 == UInt8(ascii: "#") }.count
                if has("\"", at: position + hashes) {
                    literal(hashes: hashes)
                } else {
                    step(isBlank: false)
                }
            case UInt8(ascii: "("):
                depth += 1
                step(isBlank: false)
            case UInt8(ascii: ")"):
                if inInterpolation && depth == 0 { return }
                depth -= 1
                step(isBlank: false)
            default: step(isBlank: false)
            }
        }
    }

    private mutating func comment() {
        var depth = 0
        repeat {
            if has("/*", at: position) {
                depth += 1
                blank(2)
            } else if has("*/", at: position) {
                depth -= 1
                blank(2)
            } else {
                step(isBlank: true)
            }
        } while depth > 0 && position < bytes.count
    }

    /// A slash is a division unless something is about to begin.
    private func beginsRegex() -> Bool {
        let before = bytes[..<position].last { !" \n".utf8.contains($0) }
        let rest = bytes[(position + 1)...].prefix { $0 != UInt8(ascii: "\n") }
        return before.map { "(,=:[".utf8.contains($0) } == true
            && rest.first != UInt8(ascii: " ") && rest.contains(UInt8(ascii: "/"))
    }

    private mutating func regex() {
        step(isBlank: true)
        while position < bytes.count, !has("/", at: position) {
            blank(has("\\", at: position) ? 2 : 1)
        }
        blank(1)
    }

    private mutating func literal(hashes: Int) {
        let (start, startLine, startColumn) = (position, line, position - lineStart)
        blank(hashes)
        let quotes = has("\"\"\"", at: position) ? "\"\"\"" : "\""
        let fence = String(repeating: "#", count: hashes)
        blank(quotes.utf8.count)
        while position < bytes.count, !has(quotes + fence, at: position) {
            if has("\\\(fence)(", at: position) {
                blank(hashes + 2)
                code(inInterpolation: true)
                blank(1)
            } else if has("\\\(fence)", at: position) {
                blank(hashes + 2)
            } else {
                step(isBlank: true)
            }
        }
        blank(quotes.utf8.count + hashes)
        if line == startLine {
            literals[line, default: []].append(startColumn..<startColumn + position - start)
        }
    }
}
