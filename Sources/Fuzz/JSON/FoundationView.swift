import Foundation
import Wire

/// What Foundation's two readers make of a text. Each disagreement must be of a class that can be
/// told from the text itself.
struct FoundationView {
    func checkRefused(
        _ input: [UInt8], _ facts: JSONFacts, _ kind: JSONError.Kind, _ classes: inout Classes
    ) throws(Finding) {
        let data = Data(input)
        let object = try? JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)
        let node = isSampled(input) ? try? JSONDecoder().decode(JSONNode.self, from: data) : nil
        guard object != nil || node != nil else { return }
        if let difference = documented(kind) { return classes.note(difference) }
        // Its decoder keeps one of two keys, and never looks into the value of the other.
        if object == nil, JSONFacts(input, looksForKeysAlike: true).hasKeysAlike {
            return classes.note(.keysAlike)
        }
        guard let difference = laxness(input) else {
            throw Finding(
                "refused as \(kind), but \(object == nil ? "decoded" : "accepted") by Foundation")
        }
        classes.note(difference)
    }

    /// The second reader costs ten times the first.
    private func isSampled(_ input: [UInt8]) -> Bool {
        input.reduce(0 as UInt8) { $0 &* 31 &+ $1 } % 8 == 0
    }

    private func documented(_ kind: JSONError.Kind) -> Difference? {
        switch kind {
        case .duplicateKey: .duplicateKey
        case .loneSurrogate: .loneSurrogate
        case .nulCharacter: .nulCharacter
        case .tooDeep: .tooDeep
        case .tooManyKeys: .tooManyKeys
        case .notAnObject: .notAnObject
        case .syntax, .invalidUTF8, .notAnArray: nil
        }
    }

    /// What Foundation takes that is no JSON in UTF-8.
    private func laxness(_ input: [UInt8]) -> Difference? {
        let marks: [[UInt8]] = [[0xEF, 0xBB, 0xBF], [0xFE, 0xFF], [0xFF, 0xFE]]
        if input.contains(0) || marks.contains(where: { input.starts(with: $0) }) {
            return .otherEncoding
        }
        if Self.hasTrailingComma(input) { return .trailingComma }
        return nil
    }

    /// Whether a text is JSON once commas before closing brackets are gone.
    private static func hasTrailingComma(_ input: [UInt8]) -> Bool {
        var kept: [UInt8] = []
        var isInString = false
        var isEscaped = false
        var found = false
        for (index, byte) in input.enumerated() {
            if isInString {
                isInString = isEscaped || byte != 0x22
                isEscaped = !isEscaped && byte == 0x5C
            } else if byte == 0x22 {
                isInString = true
            } else if byte == 0x2C,
                let next = input[(index + 1)...].first(where: { !" \t\r\n".utf8.contains($0) }),
                next == 0x7D || next == 0x5D
            {
                found = true
                continue
            }
            kept.append(byte)
        }
        return found && JSONFacts(kept).isValid
    }

    func checkAccepted(
        _ input: [UInt8], _ facts: JSONFacts, _ members: [JSONMember], _ classes: inout Classes
    ) throws(Finding) {
        let data = Data(input)
        let object = try? JSONSerialization.jsonObject(with: data)
        if let object {
            var view = ValueView(hasByteOrderMark: facts.hasByteOrderMark)
            try expect(
                view.isEqual(members, object), "Foundation reads other values: \(object)")
            view.seen.forEach { classes.note($0) }
        } else {
            guard facts.numbers.contains(where: isWide) else {
                throw Finding("accepted, but refused by JSONSerialization")
            }
            classes.note(.numberOutOfRange)
        }
        guard isSampled(input) else { return }
        do {
            let node = try JSONDecoder().decode(JSONNode.self, from: data)
            var view = ValueView(hasByteOrderMark: facts.hasByteOrderMark)
            try expect(view.isEqual(members, node), "JSONDecoder reads other values: \(node)")
            view.seen.forEach { classes.note($0) }
        } catch let finding as Finding {
            throw finding
        } catch {
            guard facts.numbers.contains(where: isWide) else {
                throw Finding("accepted, but refused by JSONDecoder: \(error)")
            }
            classes.note(.numberOutOfRange)
        }
    }

    /// A number that the floating point of either reader may not hold.
    private func isWide(_ text: String) -> Bool {
        guard let number = Double(text) else { return true }
        let isZero = text.prefix { $0 != "e" && $0 != "E" }.allSatisfy { "-0.".contains($0) }
        return !number.isFinite || abs(number) > 1e100 || (!isZero && abs(number) < 1e-100)
            || isZero && text.count > 20
    }
}

/// Any JSON, as `JSONDecoder` reads it.
enum JSONNode: Decodable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONNode])
    case object([String: JSONNode])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let flag = try? value.decode(Bool.self) {
            self = .bool(flag)
        } else if let text = try? value.decode(String.self) {
            self = .string(text)
        } else if let number = try? value.decode(Int64.self) {
            self = .integer(number)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let list = try? value.decode([JSONNode].self) {
            self = .array(list)
        } else {
            self = .object(try value.decode([String: JSONNode].self))
        }
    }
}
