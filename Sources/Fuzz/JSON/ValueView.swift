import Foundation
import Wire

/// Compares values with those of Foundation's readers.
struct ValueView {
    let hasByteOrderMark: Bool
    private(set) var seen: Set<Difference> = []

    init(hasByteOrderMark: Bool) { self.hasByteOrderMark = hasByteOrderMark }

    mutating func isEqual(_ members: [JSONMember], _ other: Any) -> Bool {
        guard let other = other as? [String: Any] else { return false }
        return isEqual(members, other.count) { view, member in
            guard let value = view.value(other, member.name) else { return false }
            return view.isEqual(member.value, value)
        }
    }

    mutating func isEqual(_ members: [JSONMember], _ other: JSONNode) -> Bool {
        guard case .object(let other) = other else { return false }
        return isEqual(members, other.count) { view, member in
            guard let value = view.value(other, member.name) else { return false }
            return view.isEqual(member.value, value)
        }
    }

    private mutating func isEqual(
        _ members: [JSONMember], _ count: Int, _ isSame: (inout ValueView, JSONMember) -> Bool
    ) -> Bool {
        // Foundation's keys are equal if they look alike.
        let alike = Set(members.map { hasByteOrderMark ? withoutMarks($0.name) : $0.name })
        if alike.count < members.count {
            seen.insert(.keysAlike)
            return (alike.count...members.count).contains(count)
        }
        return members.count == count && members.allSatisfy { isSame(&self, $0) }
    }

    private func value<Value>(_ members: [String: Value], _ name: String) -> Value? {
        if let value = members[name] { return value }
        guard hasByteOrderMark else { return nil }
        let plain = withoutMarks(name)
        return members.first { withoutMarks($0.key) == plain }?.value
    }

    private func withoutMarks(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0 != "\u{FEFF}" }))
    }

    private mutating func isEqual(_ text: String, _ other: String) -> Bool {
        if text.unicodeScalars.elementsEqual(other.unicodeScalars) { return true }
        // Foundation takes a mark behind an escape for the beginning of a text.
        guard hasByteOrderMark,
            withoutMarks(text).unicodeScalars.elementsEqual(withoutMarks(other).unicodeScalars)
        else { return false }
        seen.insert(.droppedMark)
        return true
    }

    private func isEqual(_ text: String, _ other: Double, within share: Double) -> Bool {
        guard let number = Double(text) else { return false }
        return number == other || abs(number - other) <= abs(number) * share
    }

    private mutating func isEqual(_ value: JSONValue, _ other: Any) -> Bool {
        switch value {
        case .null: return other is NSNull
        case .bool(let flag): return other as? Bool == flag
        case .number(let text):
            guard let number = other as? NSNumber else { return false }
            if let integer = Int64(text) { return number.int64Value == integer }
            // It goes through Decimal, whose last bit may differ.
            return isEqual(text, number.doubleValue, within: 1e-14)
        case .string(let text): return (other as? String).map { isEqual(text, $0) } ?? false
        case .object(let raw):
            guard let members = try? raw.members() else { return false }
            return isEqual(members, other)
        case .array(let raw):
            guard let elements = try? raw.elements(), let list = other as? [Any] else {
                return false
            }
            return elements.count == list.count
                && zip(elements, list).allSatisfy { isEqual($0, $1) }
        }
    }

    private mutating func isEqual(_ value: JSONValue, _ other: JSONNode) -> Bool {
        switch (value, other) {
        case (.null, .null): return true
        case (.bool(let flag), .bool(let other)): return flag == other
        case (.number(let text), .integer(let other)):
            // Spelled in another way, it may be a whole number too.
            return Int64(text).map { $0 == other } ?? isEqual(text, Double(other), within: 1e-15)
        case (.number(let text), .number(let other)): return isEqual(text, other, within: 0)
        case (.string(let text), .string(let other)): return isEqual(text, other)
        case (.object(let raw), .object):
            guard let members = try? raw.members() else { return false }
            return isEqual(members, other)
        case (.array(let raw), .array(let list)):
            guard let elements = try? raw.elements() else { return false }
            return elements.count == list.count
                && zip(elements, list).allSatisfy { isEqual($0, $1) }
        default: return false
        }
    }
}
