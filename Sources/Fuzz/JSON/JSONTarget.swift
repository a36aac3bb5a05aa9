import Foundation
import Wire

/// The reader of JSON against `JSONFacts` and Foundation: who accepts what, and with which values.
struct JSONTarget: FuzzTarget {
    let canary: Bool
    let tokens = [
        "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u0000", "\\ud83d", "\\ude00", "\\u0061",
        "null",
        "true", "1e400", "-0", "\"a\":1,", "\"a\":", "{\"a\":", "[[[[[[[[", "]]]]]]]]", ",}", ",]",
    ]
    private let foundation = FoundationView()

    init(canary: Bool) { self.canary = canary }

    func grammar(_ draft: inout Draft) { draft.jsonText() }

    func check(_ input: [UInt8], _ classes: inout Classes) throws(Finding) -> Bool {
        try checkItems(input)
        let facts = JSONFacts(input)
        let members: [JSONMember]
        do throws(JSONError) {
            members = try input.withUnsafeBufferPointer { (bytes) throws(JSONError) in
                var reader = JSONReader(bytes)
                return try reader.members()
            }
        } catch {
            // The canary's second reader knows nothing of duplicate keys.
            try expect(!facts.isStrictlyFine, "refused as \(error.kind), and nothing is wrong")
            try expect(
                !canary || error.kind != .duplicateKey, "a duplicate key is refused (canary)")
            try checkReason(error.kind, facts, &classes)
            try foundation.checkRefused(input, facts, error.kind, &classes)
            return false
        }
        try expect(facts.isStrictlyFine, "accepted: \(facts.complaint)")
        try foundation.checkAccepted(input, facts, members, &classes)
        try checkWriting(members)
        try checkContainers(members, input)
        return true
    }

    /// What the reader says is wrong must be so.
    private func checkReason(
        _ kind: JSONError.Kind, _ facts: JSONFacts, _ classes: inout Classes
    ) throws(Finding) {
        let isSo: Bool
        switch kind {
        case .syntax, .invalidUTF8: isSo = !facts.isValid
        case .notAnObject, .notAnArray: isSo = facts.isValid && !facts.isObject
        case .loneSurrogate: isSo = facts.hasLoneSurrogate
        case .nulCharacter: isSo = facts.hasNUL
        case .duplicateKey: isSo = facts.hasDuplicateKey
        case .tooDeep: isSo = facts.depth > JSONReader.depthMax
        case .tooManyKeys: isSo = facts.keysMax > JSONReader.keysMax
        }
        try expect(isSo, "refused as \(kind), which is not so")
    }

    /// Written and read again, everything is the same.
    private func checkWriting(_ members: [JSONMember]) throws(Finding) {
        let text = JSONWriter.text(members)
        let again = try? Array(text.utf8).withUnsafeBufferPointer { try readMembers($0) }
        try expect(again.map { isSameJSON($0, members) } == true, "written as \(text)")
    }

    /// Containers are parts of the text, and are as long as their compact writing.
    private func checkContainers(_ members: [JSONMember], _ input: [UInt8]) throws(Finding) {
        for member in members {
            guard let raw = member.value.raw else { continue }
            let text = Array(raw.text.utf8)
            try expect(input.firstRange(of: text) != nil, "\(raw.text) is not in the input")
            var writer = JSONWriter()
            try expect(writer.compact(member.value), "\(raw.text) can't be read again")
            let length = writer.text.utf16.count
            try expect(
                length == raw.compactLength,
                "\(raw.text) has \(length) compact units, not \(raw.compactLength)")
        }
    }
}

extension JSONFacts {
    /// Why the server should not have taken it.
    var complaint: String {
        "valid \(isValid), object \(isObject), duplicate key \(hasDuplicateKey), "
            + "lone surrogate \(hasLoneSurrogate), NUL \(hasNUL), depth \(depth), keys \(keysMax)"
    }
}

extension JSONValue {
    var raw: RawJSON? {
        switch self {
        case .object(let raw), .array(let raw): raw
        default: nil
        }
    }
}

extension JSONWriter {
    static func text(_ members: [JSONMember]) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            for member in members {
                writer.name(text: member.name)
                writer.value(member.value)
            }
        }
        return writer.text
    }

    private mutating func value(_ value: JSONValue) {
        switch value {
        case .null: raw("null")
        case .bool(let flag): raw(flag ? "true" : "false")
        case .number(let text): raw(text)
        case .string(let text): string(text)
        case .object(let container), .array(let container): raw(container.text)
        }
    }

    /// The value without any spaces, as `JSON.stringify` writes it; false if it can't be read.
    mutating func compact(_ value: JSONValue) -> Bool {
        var isFine = true
        switch value {
        case .object(let raw):
            guard let members = try? raw.members() else { return false }
            object { writer in
                for member in members {
                    writer.name(text: member.name)
                    isFine = writer.compact(member.value) && isFine
                }
            }
        case .array(let raw):
            guard let elements = try? raw.elements() else { return false }
            array(elements) { writer, element in isFine = writer.compact(element) && isFine }
        default: self.value(value)
        }
        return isFine
    }
}

/// `==` of texts also holds for other spellings of a letter.
func isSameJSON(_ a: [JSONMember], _ b: [JSONMember]) -> Bool {
    a.count == b.count
        && zip(a, b).allSatisfy { a, b in
            a.name.utf8.elementsEqual(b.name.utf8) && isSameJSON(a.value, b.value)
        }
}

private func isSameJSON(_ a: JSONValue, _ b: JSONValue) -> Bool {
    switch (a, b) {
    case (.string(let a), .string(let b)), (.number(let a), .number(let b)):
        a.utf8.elementsEqual(b.utf8)
    case (.object(let a), .object(let b)), (.array(let a), .array(let b)):
        a.text.utf8.elementsEqual(b.text.utf8) && a.compactLength == b.compactLength
    default: a == b
    }
}
