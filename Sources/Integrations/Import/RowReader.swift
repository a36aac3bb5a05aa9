import Attribution
import Wire

/// One row of an import file.
package struct ImportRow: Sendable {
    /// The line on which the row begins, from 1.
    package let line: Int
    /// The row as it stands in the file.
    package let text: String
    /// Its fields, or why it can't be read.
    package let members: Result<[JSONMember], ImportError>
}

package struct ImportError: Error, Equatable, Sendable {
    package let reason: String
    package init(_ reason: String) { self.reason = reason }
}

package enum ImportFormat: String, Sendable, CaseIterable { case csv, ndjson }

/// Splits the bytes of a file into rows, whatever the pieces in which they come.
package struct RowReader: Sendable {
    /// Bytes of one row; a longer one is rejected, not kept.
    package static let rowMax = 1 << 20

    private let format: ImportFormat
    private var header: [String]?
    private var isHeaderBroken = false
    private var line = 1
    private var rowLine = 1
    private var row: [UInt8] = []
    private var isQuoted = false
    private var isTooLong = false

    package init(_ format: ImportFormat) { self.format = format }

    package mutating func read(
        _ bytes: some Sequence<UInt8>, _ body: (ImportRow) throws -> Void
    ) rethrows {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") { line += 1 }
            if format == .csv, byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == UInt8(ascii: "\n"), !isQuoted {
                try end(body)
            } else if row.count < Self.rowMax {
                row.append(byte)
            } else {
                isTooLong = true
            }
        }
    }

    /// The last row may lack its line feed.
    package mutating func finish(_ body: (ImportRow) throws -> Void) rethrows { try end(body) }

    private mutating func end(_ body: (ImportRow) throws -> Void) rethrows {
        defer {
            row.removeAll(keepingCapacity: true)
            (rowLine, isQuoted, isTooLong) = (line, false, false)
        }
        if row.last == UInt8(ascii: "\r") { row.removeLast() }
        if rowLine == 1, row.starts(with: [0xEF, 0xBB, 0xBF]) { row.removeFirst(3) }
        guard !row.isEmpty || isTooLong else { return }
        let text = String(decoding: row, as: UTF8.self)
        if isTooLong {
            isHeaderBroken = format == .csv && header == nil
            let error = ImportError("the row is longer than \(Self.rowMax) bytes")
            return try body(
                ImportRow(line: rowLine, text: String(text.prefix(200)), members: .failure(error)))
        }
        guard let members = members() else { return }
        try body(ImportRow(line: rowLine, text: text, members: members))
    }

    /// nil for the header.
    private mutating func members() -> Result<[JSONMember], ImportError>? {
        switch format {
        case .ndjson:
            return row.withUnsafeBufferPointer { bytes in
                do throws(BodyError) { return .success(try readMembers(bytes)) } catch {
                    return .failure(ImportError(error.reason))
                }
            }
        case .csv:
            if isHeaderBroken {
                return .failure(ImportError("the header on the first line can't be read"))
            }
            guard String(validating: row, as: UTF8.self) != nil else {
                isHeaderBroken = header == nil
                return .failure(ImportError("the row is not valid UTF-8"))
            }
            guard let fields = csvFields(row) else {
                isHeaderBroken = header == nil
                return .failure(ImportError("a quoted field does not end properly"))
            }
            guard let header else {
                if Set(fields.map(ExactText.init)).count < fields.count {
                    isHeaderBroken = true
                    return .failure(ImportError("the header names a column twice"))
                }
                header = fields
                return nil
            }
            guard fields.count == header.count else {
                return .failure(
                    ImportError("the row has \(fields.count) fields, the header \(header.count)"))
            }
            return csvMembers(header, fields)
        }
    }

    /// Empty fields are absent; amounts are numbers, metadata is JSON.
    private func csvMembers(
        _ header: [String], _ fields: [String]
    ) -> Result<[JSONMember], ImportError> {
        var members: [JSONMember] = []
        for (name, field) in zip(header, fields) where !field.isEmpty {
            switch name {
            case "amount", "eventQuantity":
                guard field.wholeMatch(of: /-?[0-9]+/) != nil else {
                    return .failure(
                        ImportError("\(name): '\(field)' is not a whole number of minor units"))
                }
                members.append(JSONMember(name: name, value: .number(field)))
            case "metadata":
                guard let value = parsed(field) else {
                    return .failure(ImportError("metadata: not a JSON object"))
                }
                members.append(JSONMember(name: name, value: value))
            default: members.append(JSONMember(name: name, value: .string(field)))
            }
        }
        return .success(members)
    }

    private func parsed(_ json: String) -> JSONValue? {
        var wrapped = "{\"metadata\":\(json)}"
        let members = wrapped.withUTF8 { try? readMembers($0) }
        return members?.count == 1 ? members?.first?.value : nil
    }
}

/// The fields of one CSV record (RFC 4180); nil if a quote does not close.
func csvFields(_ row: [UInt8]) -> [String]? {
    var fields: [String] = []
    var field: [UInt8] = []
    var position = 0
    while true {
        if position < row.count, row[position] == UInt8(ascii: "\"") {
            position += 1
            while true {
                guard position < row.count else { return nil }
                if row[position] != UInt8(ascii: "\"") {
                    field.append(row[position])
                    position += 1
                } else if position + 1 < row.count, row[position + 1] == UInt8(ascii: "\"") {
                    field.append(UInt8(ascii: "\""))
                    position += 2
                } else {
                    position += 1
                    break
                }
            }
        } else {
            while position < row.count, row[position] != UInt8(ascii: ",") {
                field.append(row[position])
                position += 1
            }
        }
        fields.append(String(decoding: field, as: UTF8.self))
        field.removeAll(keepingCapacity: true)
        if position == row.count { return fields }
        guard row[position] == UInt8(ascii: ",") else { return nil }
        position += 1
    }
}

extension BodyError {
    /// The text for people.
    package var reason: String {
        switch self {
        case .malformed(let message): message
        case .invalid(let issue): "\(issue.path): \(issue.message)"
        }
    }
}
