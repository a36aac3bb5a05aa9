import Wire

/// A column of a CSV file, and what its fields are: amounts are numbers, metadata is JSON.
struct CSVColumn: Sendable {
    private enum Kind { case text, number, json }
    private let name: String
    private let kind: Kind

    init(_ name: String) {
        self.name = name
        kind =
            switch name {
            case "amount", "eventQuantity": .number
            case "metadata": .json
            default: .text
            }
    }

    func member(_ field: String) throws(ImportError) -> JSONMember {
        switch kind {
        case .text: return JSONMember(name: name, value: .string(field))
        case .number:
            let digits =
                field.utf8.first == UInt8(ascii: "-") ? field.utf8.dropFirst() : field.utf8[...]
            guard !digits.isEmpty,
                digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
            else {
                throw ImportError("\(name): '\(field)' is not a whole number of minor units")
            }
            return JSONMember(name: name, value: .number(field))
        case .json:
            guard let value = Self.parsed(field) else {
                throw ImportError("metadata: not a JSON object")
            }
            return JSONMember(name: name, value: value)
        }
    }

    private static func parsed(_ json: String) -> JSONValue? {
        var wrapped = "{\"metadata\":\(json)}"
        let members = wrapped.withUTF8 { try? readMembers($0) }
        return members?.count == 1 ? members?.first?.value : nil
    }
}

/// The fields of one CSV record (RFC 4180); nil if a quote does not close.
func csvFields(_ row: UnsafeBufferPointer<UInt8>) -> [String]? {
    let (comma, quote) = (UInt8(ascii: ","), UInt8(ascii: "\""))
    var fields: [String] = []
    fields.reserveCapacity(16)
    var position = 0
    while true {
        if position < row.count, row[position] == quote {
            guard let field = quotedField(row, &position) else { return nil }
            fields.append(field)
        } else {
            let end = row[position...].firstIndex(of: comma) ?? row.count
            fields.append(text(row[position..<end]))
            position = end
        }
        if position == row.count { return fields }
        guard row[position] == comma else { return nil }
        position += 1
    }
}

/// From its quote on; afterwards the position is behind the closing one.
private func quotedField(_ row: UnsafeBufferPointer<UInt8>, _ position: inout Int) -> String? {
    let quote = UInt8(ascii: "\"")
    var field: [UInt8] = []
    while let end = row[(position + 1)...].firstIndex(of: quote) {
        let part = row[(position + 1)..<end]
        position = end + 1
        guard position < row.count, row[position] == quote else {
            return field.isEmpty ? text(part) : String(decoding: field + part, as: UTF8.self)
        }
        // Two of them stand for one.
        field.append(contentsOf: part)
        field.append(quote)
    }
    return nil
}

private func text(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> String {
    String(decoding: UnsafeBufferPointer(rebasing: bytes), as: UTF8.self)
}
