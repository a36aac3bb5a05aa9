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
    /// Of a CSV file, by its header.
    private var columns: [CSVColumn]?
    private var isHeaderBroken = false
    private var line = 1
    private var rowLine = 1
    private var row: [UInt8] = []
    private var isQuoted = false
    private var isTooLong = false

    package init(_ format: ImportFormat) { self.format = format }

    package mutating func read(
        _ bytes: UnsafeRawBufferPointer, _ body: (ImportRow) throws -> Void
    ) rethrows {
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            append(rest[..<end])
            line += 1
            if isQuoted { append(rest[end...end]) } else { try self.end(body) }
            rest = rest[(end + 1)...]
        }
        append(rest)
    }

    private mutating func append(_ part: Slice<UnsafeRawBufferPointer>) {
        if format == .csv {
            for byte in part where byte == UInt8(ascii: "\"") { isQuoted.toggle() }
        }
        let room = Self.rowMax - row.count
        if part.count > room { isTooLong = true }
        row.append(contentsOf: part.prefix(room))
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
            isHeaderBroken = format == .csv && columns == nil
            let quote = isQuoted ? ": a quote in it is not closed, up to line \(line)" : ""
            let error = ImportError("the row is longer than \(Self.rowMax) bytes\(quote)")
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
            do throws(ImportError) { return try csvMembers().map { .success($0) } } catch {
                return .failure(error)
            }
        }
    }

    private mutating func csvMembers() throws(ImportError) -> [JSONMember]? {
        if isHeaderBroken { throw ImportError("the header on the first line can't be read") }
        guard String(validating: row, as: UTF8.self) != nil else {
            isHeaderBroken = columns == nil
            throw ImportError("the row is not valid UTF-8")
        }
        // JSON with one is refused, too; PostgreSQL has no room for it.
        guard !row.contains(0) else {
            isHeaderBroken = columns == nil
            throw ImportError("the row has a NUL character")
        }
        guard let fields = row.withUnsafeBufferPointer(csvFields) else {
            isHeaderBroken = columns == nil
            throw ImportError("a quoted field does not end properly")
        }
        guard let columns else {
            if Set(fields.map(ExactText.init)).count < fields.count {
                isHeaderBroken = true
                throw ImportError("the header names a column twice")
            }
            columns = fields.map(CSVColumn.init)
            return nil
        }
        guard fields.count == columns.count else {
            throw ImportError("the row has \(fields.count) fields, the header \(columns.count)")
        }
        var members: [JSONMember] = []
        members.reserveCapacity(fields.count)
        for (column, field) in zip(columns, fields) where !field.isEmpty {
            members.append(try column.member(field))
        }
        return members
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
