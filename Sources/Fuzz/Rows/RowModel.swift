import Integrations
import Wire

/// How a file falls into rows and fields, looked at as a whole.
enum RowModel {
    struct Row {
        let line: Int
        let bytes: [UInt8]
        let isTooLong: Bool
    }

    static func rows(_ input: [UInt8], _ format: ImportFormat) -> [Row] {
        var rows: [Row] = []
        var start = 0
        var line = 1
        while start < input.count {
            var (end, isOpen) = (start, false)
            while end < input.count, input[end] != 0x0A || isOpen {
                if format == .csv, input[end] == 0x22 { isOpen.toggle() }
                end += 1
            }
            rows.append(row(Array(input[start..<end]), line))
            line += input[start..<end].count { $0 == 0x0A } + 1
            start = end + 1
        }
        return rows.filter { !$0.bytes.isEmpty || $0.isTooLong }
    }

    private static func row(_ bytes: [UInt8], _ line: Int) -> Row {
        let isTooLong = bytes.count > RowReader.rowMax
        var kept = Array(bytes.prefix(RowReader.rowMax))
        if kept.last == 0x0D { kept.removeLast() }
        if line == 1, kept.starts(with: [0xEF, 0xBB, 0xBF]) { kept.removeFirst(3) }
        return Row(line: line, bytes: kept, isTooLong: isTooLong)
    }

    /// RFC 4180, one byte at a time; nil if a quote is out of place.
    static func fields(_ row: [UInt8]) -> [String]? {
        enum State { case start, plain, quoted, closed }
        var fields: [[UInt8]] = [[]]
        var state = State.start
        for byte in row {
            let last = fields.count - 1
            switch (state, byte) {
            case (.start, 0x22): state = .quoted
            case (.start, 0x2C), (.plain, 0x2C), (.closed, 0x2C):
                fields.append([])
                state = .start
            case (.start, _), (.plain, _):
                fields[last].append(byte)
                state = .plain
            case (.quoted, 0x22): state = .closed
            case (.quoted, _): fields[last].append(byte)
            case (.closed, 0x22):
                fields[last].append(byte)
                state = .quoted
            case (.closed, _): return nil
            }
        }
        return state == .quoted ? nil : fields.map { String(decoding: $0, as: UTF8.self) }
    }

    enum Record {
        case members([(name: String, text: String)])
        case unreadable
        case badNumber(String)
        case badMetadata(String)
    }

    static func record(_ header: [String], _ row: [UInt8]) -> Record {
        guard UTF8Facts.isValid(row), !row.contains(0), let fields = fields(row),
            fields.count == header.count
        else {
            return .unreadable
        }
        let members = zip(header, fields).filter { !$0.1.isEmpty }
        for (name, text) in members {
            switch name {
            case "amount", "eventQuantity":
                let digits = text.utf8.drop { $0 == 0x2D }
                let isWhole =
                    !digits.isEmpty && text.utf8.count - digits.count <= 1
                    && digits.allSatisfy { (48...57).contains($0) }
                guard isWhole else { return .badNumber(text) }
            case "metadata":
                let facts = JSONFacts(Array(text.utf8))
                let within = JSONFacts(Array("{\"metadata\":\(text)}".utf8))
                guard facts.isValid, within.isStrictlyFine else { return .badMetadata(text) }
            default: continue
            }
        }
        return .members(members.map { ($0.0, $0.1) })
    }
}
