import Attribution
import Integrations
import Wire

/// The reader of imported files against `RowModel`, however the bytes are cut, and what the
/// translator makes of the rows.
struct RowsTarget: FuzzTarget {
    let canary: Bool
    let tokens = [
        "\n", "\r\n", "\r", ",", "\"", "\"\"", "\",\"", ",,", "type,", "click,", "sale,", "amount,",
        "metadata,", "\"{\"\"a\"\":1}\"", "{\"type\":\"sale\"", "\"amount\":1", "\u{FEFF}", "-",
        "2026-08-21T10:00:00Z", "timestamp,", "\n\n", ",-,", "1-2", "{},\"a\":1",
    ]
    private let stamper = Stamper()

    init(canary: Bool) { self.canary = canary }

    func grammar(_ draft: inout Draft) { draft.rowsText() }

    func check(_ input: [UInt8], _ classes: inout Classes) throws(Finding) -> Bool {
        var isAccepted = false
        // A long one is read in one way only: what is timed here is mostly the checks.
        let isLong = input.count > 200_000
        let formats = ImportFormat.allCases
        for format in isLong ? [formats[input.count % formats.count]] : formats {
            var rows = read([input[...]], format)
            if canary, rows.count > 1 { rows.removeLast() }
            if rows.count < 50_000 { try checkPieces(input, format, rows) }
            let isComplete = try checkRows(input, format, rows)
            let hasDrafts = isLong ? false : try checkDrafts(rows)
            isAccepted = isAccepted || isComplete && hasDrafts
        }
        return isAccepted
    }

    private func read(_ pieces: [ArraySlice<UInt8>], _ format: ImportFormat) -> [ImportRow] {
        var reader = RowReader(format)
        var rows: [ImportRow] = []
        for piece in pieces {
            piece.withUnsafeBytes { bytes in reader.read(bytes) { rows.append($0) } }
        }
        reader.finish { rows.append($0) }
        return rows
    }

    /// The cuts follow from the input, so that it is cut the same way when it is tried again.
    private func checkPieces(
        _ input: [UInt8], _ format: ImportFormat, _ whole: [ImportRow]
    ) throws(Finding) {
        var random = SplitMix(seed: input.reduce(7) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        let longest = random.pick([1, 3, 16, 200])
        while start < input.count {
            let end = min(input.count, start + random.int(0..<longest + 1))
            pieces.append(input[start..<end])
            start = end
        }
        let rows = read(pieces, format)
        try expect(
            rows.count == whole.count && zip(rows, whole).allSatisfy(isSameRow),
            "\(format): \(rows.count) rows in pieces of up to \(longest), \(whole.count) at once")
    }

    private func isSameRow(_ a: ImportRow, _ b: ImportRow) -> Bool {
        guard a.line == b.line, isSame(a.text, b.text) else { return false }
        return switch (a.members, b.members) {
        case (.success(let a), .success(let b)): isSameJSON(a, b)
        case (.failure(let a), .failure(let b)): a == b
        default: false
        }
    }

    /// Whether every row could be read.
    private func checkRows(
        _ input: [UInt8], _ format: ImportFormat, _ rows: [ImportRow]
    ) throws(Finding) -> Bool {
        var expected = RowModel.rows(input, format)
        var header: [String] = []
        if format == .csv, let first = expected.first,
            UTF8Facts.isValid(first.bytes), !first.bytes.contains(0), !first.isTooLong,
            let names = RowModel.fields(first.bytes),
            Set(names.map { Array($0.utf8) }).count == names.count
        {
            header = names
            expected.removeFirst()
        }
        let how = format == .csv && header.isEmpty ? " behind a broken header" : ""
        try expect(
            rows.count == expected.count,
            "\(format): \(rows.count) rows of \(expected.count)\(how)")
        for (row, model) in zip(rows, expected) {
            let place = "\(format), line \(row.line)"
            try expect(row.line == model.line, "\(place), not \(model.line)")
            if model.isTooLong {
                try expect(row.members.error != nil, "\(place) is too long")
                continue
            }
            let text = String(decoding: model.bytes, as: UTF8.self)
            try expect(isSame(row.text, text), "\(place): the text is \(row.text)")
            switch format {
            case .csv: try checkRecord(row, RowModel.record(header, model.bytes), place)
            case .ndjson:
                let isFine = JSONFacts(model.bytes).isStrictlyFine
                try expect((row.members.error == nil) == isFine, "\(place): \(row.members)")
            }
        }
        return rows.allSatisfy { $0.members.error == nil }
    }

    private func checkRecord(
        _ row: ImportRow, _ record: RowModel.Record, _ place: String
    ) throws(Finding) {
        let isRead = row.members.error == nil
        switch record {
        case .badNumber(let text):
            try expect(!isRead, "\(place): '\(text)' is taken as a number")
        case .badMetadata(let text):
            try expect(!isRead, "\(place): '\(text)' is taken as metadata")
        case .unreadable: try expect(!isRead, "\(place): \(row.members)")
        case .members(let expected):
            guard case .success(let members) = row.members else {
                throw Finding("\(place): \(row.members)")
            }
            try checkMembers(members, expected, place)
        }
    }

    private func checkMembers(
        _ members: [JSONMember], _ expected: [(name: String, text: String)], _ place: String
    ) throws(Finding) {
        let isSameRecord =
            members.count == expected.count
            && zip(members, expected).allSatisfy { member, field in
                guard isSame(member.name, field.name) else { return false }
                return switch member.value {
                case .string(let text): field.name == "metadata" || isSame(text, field.text)
                case .number(let text): isSame(text, BodyModel.trimmed(field.text))
                case .object(let raw), .array(let raw):
                    isSame(raw.text, BodyModel.trimmed(field.text))
                case .bool, .null: field.name == "metadata"
                }
            }
        try expect(isSameRecord, "\(place): \(members), not \(expected)")
    }

    /// Whether every row has a draft. The same rows have the same ids in each run, and no two rows
    /// share one.
    private func checkDrafts(_ rows: [ImportRow]) throws(Finding) -> Bool {
        let ids = ids(rows)
        try expect(ids == self.ids(rows), "another run gives other ids")
        let made = ids.compactMap { $0 }
        try expect(Set(made).count == made.count, "two rows share an id")
        return !rows.isEmpty && made.count == rows.count
    }

    private func ids(_ rows: [ImportRow]) -> [String?] {
        var translator = ImportTranslator(workspaceID: WorkspaceID("ws_fuzz"), stamper: stamper)
        return rows.enumerated().map { index, row in
            guard case .success(let members) = row.members,
                let kind = try? ImportTranslator.kind(members),
                let draft = try? translator.draft(row, members, kind)
            else { return nil }
            switch draft {
            // A click may bring its own id, and a customer's is made at random.
            case .click(let click): return "\(index) \(click.id)"
            case .command(.recordLead(let lead)): return lead.ids.first?.text
            case .command(.recordSale(let sale)): return sale.id.text
            case .command: return "\(index)"
            }
        }
    }
}
