import CLibpq
import Ledger

/// One argument of a statement as it goes over the wire.
enum Argument {
    case null
    /// In digits, so that the server may take it for whatever integer type it needs.
    case integer(Int64)
    /// As its bytes with their length: nothing within ends it early.
    case text(String)
    case array(ArrayArgument)

    init(_ value: SQLValue) {
        switch value {
        case .null: self = .null
        case .integer(let number): self = .integer(number)
        case .text(let text): self = .text(text)
        }
    }

    var isBinary: Bool {
        switch self {
        case .null, .integer: false
        case .text, .array: true
        }
    }

    /// - Returns: false for NULL.
    func append(to bytes: inout [UInt8]) -> Bool {
        switch self {
        case .null: return false
        case .integer(let number): bytes.append(contentsOf: String(number).utf8)
        case .text(let text): bytes.append(contentsOf: text.utf8)
        case .array(let array): array.append(to: &bytes)
        }
        return true
    }
}

/// One column of the arguments of many runs, in the server's binary form of arrays.
struct ArrayArgument {
    enum Element: Sendable {
        case integer, text

        var oid: UInt32 {
            switch self {
            case .integer: 20
            case .text: 25
            }
        }
        /// As the server's language writes it.
        var name: String {
            switch self {
            case .integer: "bigint"
            case .text: "text"
            }
        }
    }
    let element: Element
    let values: [[SQLValue]]
    let column: Int

    func append(to bytes: inout [UInt8]) {
        let hasNull = values.contains { $0[column] == .null }
        bytes.append(bigEndian: UInt32(1))
        bytes.append(bigEndian: UInt32(hasNull ? 1 : 0))
        bytes.append(bigEndian: element.oid)
        bytes.append(bigEndian: UInt32(values.count))
        bytes.append(bigEndian: UInt32(1))
        for list in values {
            switch list[column] {
            case .null: bytes.append(bigEndian: UInt32.max)
            case .integer(let number):
                bytes.append(bigEndian: UInt32(8))
                bytes.append(bigEndian: UInt64(bitPattern: number))
            case .text(let text):
                bytes.append(bigEndian: UInt32(text.utf8.count))
                bytes.append(contentsOf: text.utf8)
            }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(bigEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }
}

/// The rows of a result, whose values come as text.
struct ResultRows {
    private let result: OpaquePointer
    private let integers: [Bool]
    private let flags: [Bool]

    init(_ result: OpaquePointer) {
        self.result = result
        let types = (0..<PQnfields(result)).map { PQftype(result, $0) }
        // int2, int4, int8 and numeric: sums of 64-bit integers are numeric.
        integers = types.map { [20, 21, 23, 1700].contains($0) }
        flags = types.map { $0 == 16 }
    }

    var rows: [SQLRow] {
        (0..<PQntuples(result)).map { row in
            SQLRow(integers.indices.map { value(row, $0) })
        }
    }

    private func value(_ row: Int32, _ column: Int) -> SQLValue {
        let place = Int32(column)
        guard PQgetisnull(result, row, place) == 0, let start = PQgetvalue(result, row, place)
        else { return .null }
        let bytes = UnsafeRawBufferPointer(
            start: start, count: Int(PQgetlength(result, row, place)))
        if flags[column] { return .integer(bytes.first == UInt8(ascii: "t") ? 1 : 0) }
        let text = String(decoding: bytes, as: UTF8.self)
        // A number that is none of 64 bits stays a text: whoever asks for an integer is told.
        return integers[column] ? Int64(text).map(SQLValue.integer) ?? .text(text) : .text(text)
    }
}
