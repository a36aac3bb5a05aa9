import Attribution

/// A JSON value of a request body. Containers stay the text that was sent, checked to be valid,
/// so that metadata leaves as it came: number spelling and key order included.
package enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// The number as it was spelled.
    case number(String)
    case string(String)
    case object(RawJSON)
    case array(RawJSON)

    /// Zod's word for the type.
    package var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number: "number"
        case .string: "string"
        case .object: "object"
        case .array: "array"
        }
    }
}

/// The text of an object or array.
package struct RawJSON: Equatable, Sendable {
    package let text: String
    /// UTF-16 units of the compact form, as `JSON.stringify` would write it, but for numbers, which
    /// count as they were spelled.
    package let compactLength: Int

    package func members() throws(JSONError) -> [JSONMember] {
        try parse { (reader) throws(JSONError) in try reader.members() }
    }
    package func elements() throws(JSONError) -> [JSONValue] {
        try parse { (reader) throws(JSONError) in try reader.elements() }
    }

    private func parse<Value>(
        _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        var text = self.text
        let result: Result<Value, JSONError> = text.withUTF8 { bytes in
            var reader = JSONReader(bytes)
            do throws(JSONError) { return .success(try body(&reader)) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

package struct JSONMember: Equatable, Sendable {
    package let name: String
    package let value: JSONValue
    package init(name: String, value: JSONValue) { (self.name, self.value) = (name, value) }
}

/// Why a text is not accepted as JSON. `path` names the place, as far as there is one.
package struct JSONError: Error, Equatable {
    package enum Kind: Sendable {
        case syntax, notAnObject, notAnArray, invalidUTF8, loneSurrogate, nulCharacter, duplicateKey
        case tooDeep, tooManyKeys
    }
    package let kind: Kind
    package let path: String
    package let found: String

    init(_ kind: Kind, path: String = "", found: String = "") {
        (self.kind, self.path, self.found) = (kind, path, found)
    }
}

/// Reads one JSON text (RFC 8259) strictly. Stricter than the RFC where a lax reading would let
/// two programs understand different things: no duplicate keys, no lone surrogates, no NUL.
package struct JSONReader: ~Copyable {
    package static let depthMax = 32
    package static let keysMax = 1_000

    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0
    /// Where the reader is: names of members from the outside in.
    var path: [String] = []
    var compactLength = 0

    package init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    /// The members of the text's one object.
    package mutating func members() throws(JSONError) -> [JSONMember] {
        skipSpace()
        guard position < bytes.count else { throw JSONError(.syntax) }
        guard bytes[position] == UInt8(ascii: "{") else {
            let value = try value(depth: 1)
            try end()
            throw JSONError(.notAnObject, found: value.typeName)
        }
        var members: [JSONMember] = []
        members.reserveCapacity(12)
        var names = SeenNames()
        try object(depth: 1) { (reader, name) throws(JSONError) in
            guard names.insert(name) else { throw reader.failure(.duplicateKey) }
            members.append(JSONMember(name: name, value: try reader.value(depth: 2)))
        }
        try end()
        return members
    }

    /// The elements of the text's one array.
    package mutating func elements() throws(JSONError) -> [JSONValue] {
        skipSpace()
        var elements: [JSONValue] = []
        try array(depth: 1) { (reader) throws(JSONError) in
            elements.append(try reader.value(depth: 2))
        }
        try end()
        return elements
    }

    /// The elements of a text that should be one array.
    mutating func root() throws(JSONError) -> [JSONValue] {
        skipSpace()
        guard position < bytes.count else { throw JSONError(.syntax) }
        if bytes[position] == UInt8(ascii: "[") { return try elements() }
        let value = try value(depth: 1)
        try end()
        throw JSONError(.notAnArray, found: value.typeName)
    }

    /// Whether the text is one JSON value.
    mutating func isValid() -> Bool {
        do throws(JSONError) {
            _ = try value(depth: 1)
            try end()
            return true
        } catch { return false }
    }

    private mutating func end() throws(JSONError) {
        skipSpace()
        guard position == bytes.count else { throw JSONError(.syntax) }
    }

    func failure(_ kind: JSONError.Kind) -> JSONError {
        JSONError(kind, path: path.joined(separator: "."))
    }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: scalar) else { return false }
        position += 1
        compactLength += 1
        return true
    }

    private mutating func expect(_ scalar: Unicode.Scalar) throws(JSONError) {
        guard take(scalar) else { throw failure(.syntax) }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        skipSpace()
        guard position < bytes.count else { throw failure(.syntax) }
        let start = position
        let lengthBefore = compactLength
        switch bytes[position] {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"):
            try skipObject(depth: depth)
            return .object(raw(from: start, lengthBefore))
        case UInt8(ascii: "["):
            try array(depth: depth) { (reader) throws(JSONError) in
                try reader.skip(depth: depth + 1)
            }
            return .array(raw(from: start, lengthBefore))
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        default:
            try number()
            return .number(text(from: start))
        }
    }

    private func text(from start: Int) -> String {
        String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private func raw(from start: Int, _ lengthBefore: Int) -> RawJSON {
        RawJSON(text: text(from: start), compactLength: compactLength - lengthBefore)
    }

    /// Checks a value without keeping it.
    private mutating func skip(depth: Int) throws(JSONError) {
        skipSpace()
        guard position < bytes.count else { throw failure(.syntax) }
        switch bytes[position] {
        case UInt8(ascii: "{"): try skipObject(depth: depth)
        case UInt8(ascii: "["):
            try array(depth: depth) { (reader) throws(JSONError) in
                try reader.skip(depth: depth + 1)
            }
        default: _ = try value(depth: depth)
        }
    }

    private mutating func skipObject(depth: Int) throws(JSONError) {
        var names = SeenNames()
        try object(depth: depth) { (reader, name) throws(JSONError) in
            guard names.insert(name) else { throw reader.failure(.duplicateKey) }
            try reader.skip(depth: depth + 1)
        }
    }

    private mutating func object(
        depth: Int, _ member: (inout JSONReader, String) throws(JSONError) -> Void
    ) throws(JSONError) {
        guard depth <= Self.depthMax else { throw failure(.tooDeep) }
        try expect("{")
        skipSpace()
        if take("}") { return }
        var count = 0
        repeat {
            skipSpace()
            let name = try string()
            count += 1
            guard count <= Self.keysMax else { throw failure(.tooManyKeys) }
            path.append(name)
            skipSpace()
            try expect(":")
            try member(&self, name)
            path.removeLast()
            skipSpace()
        } while take(",")
        try expect("}")
    }

    private mutating func array(
        depth: Int, _ element: (inout JSONReader) throws(JSONError) -> Void
    ) throws(JSONError) {
        guard depth <= Self.depthMax else { throw failure(.tooDeep) }
        try expect("[")
        skipSpace()
        if take("]") { return }
        repeat {
            try element(&self)
            skipSpace()
        } while take(",")
        try expect("]")
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        let count = word.utf8CodeUnitCount
        guard position + count <= bytes.count else { throw failure(.syntax) }
        for offset in 0..<count where bytes[position + offset] != word.utf8Start[offset] {
            throw failure(.syntax)
        }
        position += count
        compactLength += count
    }

    private mutating func number() throws(JSONError) {
        let start = position
        if byte == UInt8(ascii: "-") { position += 1 }
        if byte == UInt8(ascii: "0") { position += 1 } else { try digits() }
        if byte == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            position += 1
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        compactLength += position - start
    }

    private var byte: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func digits() throws(JSONError) {
        let start = position
        while let byte, (48...57).contains(byte) { position += 1 }
        guard position > start else { throw failure(.syntax) }
    }
}
