import Attribution
import Foundation
import Wire

/// The rules of sales and leads once more, as the contract has them: which field breaks its rule
/// first.
struct BodyModel {
    private let members: [JSONMember]
    private let amountMax: Int64

    init(_ members: [JSONMember], amountMax: Int64? = nil) {
        self.members = members
        self.amountMax = amountMax ?? (1 << 53) - 1
    }

    private func value(_ name: String) -> JSONValue? {
        members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    func text(_ name: String) -> String? {
        if case .string(let text)? = value(name) { text } else { nil }
    }

    /// nil if all is well, "" if no customer is named.
    func breach(sale: Bool) -> String? {
        let order =
            sale
            ? [
                "customerExternalId", "externalId", "customerId", "amount", "currency", "eventName",
                "paymentProcessor", "invoiceId", "leadEventName", "metadata", "clickId",
                "customerName", "customerEmail", "customerAvatar",
            ]
            : [
                "clickId", "eventName", "customerExternalId", "externalId", "customerId",
                "customerName", "customerEmail", "customerAvatar", "mode", "eventQuantity",
                "metadata",
            ]
        if let name = order.first(where: { !isFine($0, sale) }) { return name }
        return customer(trimmed: !sale) == nil ? "" : nil
    }

    func customer(trimmed: Bool) -> String? {
        ["customerExternalId", "externalId", "customerId"].lazy
            .compactMap { text($0) }.map { trimmed ? Self.trimmed($0) : $0 }.first { !$0.isEmpty }
    }

    var amount: Int64? { whole("amount") }
    var quantity: Int64 { whole("eventQuantity") ?? 1 }

    private func whole(_ name: String) -> Int64? {
        guard case .number(let text)? = value(name) else { return nil }
        return Self.whole(text)
    }

    private func isFine(_ name: String, _ sale: Bool) -> Bool {
        switch name {
        case "customerExternalId", "externalId", "customerId": isText(name, 100, trimmed: !sale)
        case "customerName": isText(name, 100)
        case "customerAvatar": isText(name, 2_048)
        case "clickId": isText(name, 1_000, trimmed: true)
        case "invoiceId", "leadEventName": isText(name, 1_000)
        case "customerEmail":
            isText(name, 100) && (text(name).map(EmailPattern.matches) ?? true)
        case "eventName":
            sale
                ? value(name) == nil || text(name) != nil && isText(name, 255)
                : text(name) != nil && isText(name, 255, trimmed: true)
                    && text(name).map(Self.trimmed)?.isEmpty == false
        case "amount": whole(name).map { $0 >= 0 && $0 <= amountMax } ?? false
        case "eventQuantity":
            value(name) == nil || value(name) == .null
                || whole(name).map { (1...100).contains($0) } == true
        case "currency": value(name) == nil || text(name).flatMap(Currency.init) != nil
        case "paymentProcessor":
            isOneOf(name, PaymentProcessor.allCases.map(\.rawValue))
        case "mode": isOneOf(name, LeadMode.allCases.map(\.rawValue))
        default: isMetadata(value(name))
        }
    }

    private func isText(_ name: String, _ max: Int, trimmed: Bool = false) -> Bool {
        switch value(name) {
        case nil, .null: true
        case .string(let text): (trimmed ? Self.trimmed(text) : text).utf16.count <= max
        default: false
        }
    }

    private func isOneOf(_ name: String, _ options: [String]) -> Bool {
        value(name) == nil
            || text(name).map { text in options.contains { isSame($0, text) } } == true
    }

    private func isMetadata(_ value: JSONValue?) -> Bool {
        switch value {
        case nil, .null: return true
        case .object(let raw):
            // Spaces and escapes make the text longer than it counts.
            if raw.text.utf16.count <= 10_000 && !raw.text.contains("\\") { return true }
            var writer = JSONWriter()
            return writer.compact(.object(raw)) && writer.text.utf16.count <= 10_000
        default: return false
        }
    }

    /// What ECMAScript calls WhiteSpace or LineTerminator.
    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 9...13, 0x2028, 0x2029, 0xFEFF: true
        default: scalar.properties.generalCategory == .spaceSeparator
        }
    }

    static func trimmed(_ text: String) -> String {
        var scalars = Array(text.unicodeScalars)
        while let last = scalars.last, isSpace(last) { scalars.removeLast() }
        let kept = scalars.drop(while: isSpace)
        var view = String.UnicodeScalarView()
        view.append(contentsOf: kept)
        return String(view)
    }

    /// A JSON number's exact value; nil if it has a fraction or needs more than 64 bits.
    static func whole(_ text: String) -> Int64? {
        var rest = Array(text.utf8)[...]
        let isNegative = rest.first == 0x2D
        if isNegative { rest.removeFirst() }
        let mantissa = rest.prefix { $0 != 0x65 && $0 != 0x45 }
        var digits: [UInt8] = []
        var point: Int?
        for byte in mantissa {
            if byte == 0x2E { point = digits.count } else { digits.append(byte - 48) }
        }
        if digits.allSatisfy({ $0 == 0 }) { return 0 }
        let exponent = String(decoding: rest.dropFirst(mantissa.count + 1), as: UTF8.self)
        // Beyond any number of digits that a body can hold.
        let limit = 1 << 40
        let power =
            Int(exponent) ?? (exponent.isEmpty ? 0 : exponent.hasPrefix("-") ? -limit : limit)
        let end = (point ?? digits.count) + max(-limit, min(limit, power))
        for (index, digit) in digits.enumerated() where index >= end && digit != 0 { return nil }
        var value: Int64 = 0
        let first = digits.firstIndex { $0 != 0 } ?? 0
        if end - first > 19 { return nil }
        for index in first..<max(first, end) {
            let digit = Int64(index < digits.count ? digits[index] : 0)
            let (tens, isOver) = value.multipliedReportingOverflow(by: 10)
            let (sum, isMore) = tens.addingReportingOverflow(isNegative ? -digit : digit)
            if isOver || isMore { return nil }
            value = sum
        }
        return value
    }
}

/// Zod's pattern as it stands, for a second engine.
enum EmailPattern {
    private static let pattern = try? NSRegularExpression(
        pattern: #"\A(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@"#
            + #"([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}\z"#)

    static func matches(_ text: String) -> Bool {
        guard text.utf8.contains(0x40) else { return false }
        let range = NSRange(location: 0, length: text.utf16.count)
        return pattern?.firstMatch(in: text, range: range) != nil
    }
}
