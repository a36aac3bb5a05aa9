import Foundation
import Ledger

/// A statement of one row as one of many: its arguments come as a list each (`unnest`), so that the
/// server plans, starts and ends one execution for all of them.
///
/// Only where every run is independent of the others: reads, plain inserts, and updates that the
/// ledger says touch a row of their own each.
struct SetForm: Sendable {
    let sql: String
    let elements: [ArrayArgument.Element]

    /// nil: the statement has none, and runs once for each list.
    ///
    /// - Parameter types: of its arguments, as the server has found them.
    init?(_ statement: SQLStatement, types: [UInt32]) {
        let elements = types.map { oid -> ArrayArgument.Element? in
            switch oid {
            case 20, 21, 23: .integer
            case 25, 1043: .text
            default: nil
            }
        }.compactMap(\.self)
        guard elements.count == types.count, !elements.isEmpty else { return nil }
        let names = elements.indices.map { "a\($0 + 1)" }.joined(separator: ", ")
        let lists = elements.enumerated().map { "$\($0.offset + 1)::\($0.element.name)[]" }
        let source = "unnest(\(lists.joined(separator: ", ")))"
        let body = statement.sql.replacingPlaces { "u.a\($0)" }
        switch statement.kind {
        case .read:
            sql = """
                SELECT u.n, q.* FROM \(source) WITH ORDINALITY AS u (\(names), n)
                CROSS JOIN LATERAL (\(body)) AS q
                """
        case .plainInsert:
            guard let values = body.range(of: "VALUES ("), body.hasSuffix(")") else { return nil }
            sql = """
                \(body[..<values.lowerBound])SELECT \(body[values.upperBound...].dropLast())
                FROM \(source) AS u (\(names))
                """
        case .updateOfOwnRow:
            guard let condition = body.range(of: "WHERE ", options: .backwards) else { return nil }
            sql = """
                \(body[..<condition.lowerBound])FROM \(source) AS u (\(names))
                \(body[condition.lowerBound...])
                """
        case .other: return nil
        }
        self.elements = elements
    }

    func arguments(_ lists: [[SQLValue]]) -> [Argument] {
        elements.enumerated().map { index, element in
            .array(ArrayArgument(element: element, values: lists, column: index))
        }
    }
}

extension String {
    /// The statement with each `?1`, `?2` replaced by what its number gives.
    func replacingPlaces(_ place: (Int) -> String) -> String {
        var result = ""
        var rest = self[...]
        while let mark = rest.firstIndex(of: "?") {
            result += rest[..<mark]
            let digits = rest[rest.index(after: mark)...].prefix { $0.isASCII && $0.isNumber }
            result += Int(digits).map(place) ?? "?"
            rest = rest[digits.endIndex...]
        }
        return result + rest
    }
}
