import Attribution

/// The fields of one kind of request body, in the order in which their rules are checked.
package protocol BodyField: CaseIterable, RawRepresentable, Sendable where RawValue == Int {
    var rule: Rule { get }
    /// The rule of every case, in order: `static let rules = allCases.map(\.rule)`.
    static var rules: [Rule] { get }
    /// `static let names = FieldNames(rules)`.
    static var names: FieldNames { get }
}

/// A field's value after its rule has been checked.
package enum Checked: Equatable, Sendable {
    case absent
    case null
    case text(String)
    case flag(Bool)
    case integer(Int64)
    case moment(Timestamp)
    case object(RawJSON)
    case texts([String])
    case urls(LabelledURLs)
}

/// A body whose every field obeys its rule. Fields that no rule names are dropped.
package struct Body<Field: BodyField>: Sendable {
    private let values: [Checked]

    package init(_ bytes: UnsafeBufferPointer<UInt8>) throws(BodyError) {
        values = try checked(bytes, Field.names, Field.rules)
    }

    package init(members: [JSONMember]) throws(BodyError) {
        var values: [Checked] = []
        values.reserveCapacity(Field.rules.count)
        do throws(Issue) {
            for rule in Field.rules {
                let member = members.first { $0.name == rule.name }
                values.append(try rule.check(member?.value))
            }
        } catch { throw .invalid(error) }
        self.values = values
    }

    package subscript(field: Field) -> Checked { values[field.rawValue] }

    package func text(_ field: Field) -> String? {
        if case .text(let text) = self[field] { text } else { nil }
    }
    package func integer(_ field: Field) -> Int64? {
        if case .integer(let number) = self[field] { number } else { nil }
    }
    /// The object as it was sent.
    package func object(_ field: Field) -> String? {
        if case .object(let raw) = self[field] { raw.text } else { nil }
    }
}

/// Not generic, because a generic function of another module is slow.
private func checked(
    _ bytes: UnsafeBufferPointer<UInt8>, _ names: FieldNames, _ rules: [Rule]
) throws(BodyError) -> [Checked] {
    var reader = JSONReader(bytes)
    let found: [JSONValue?]
    do throws(JSONError) { found = try reader.values(of: names) } catch { throw error.bodyError }
    var values: [Checked] = []
    values.reserveCapacity(found.count)
    do throws(Issue) {
        for index in found.indices { values.append(try rules[index].check(found[index])) }
    } catch { throw .invalid(error) }
    return values
}

/// Reads the objects of a body that is an array of them.
package func readArray(
    _ bytes: UnsafeBufferPointer<UInt8>
) throws(BodyError) -> [JSONValue] {
    var reader = JSONReader(bytes)
    do throws(JSONError) { return try reader.root() } catch { throw error.bodyError }
}

/// Reads the one JSON object of a body.
package func readMembers(
    _ bytes: UnsafeBufferPointer<UInt8>
) throws(BodyError) -> [JSONMember] {
    var reader = JSONReader(bytes)
    do throws(JSONError) { return try reader.members() } catch { throw error.bodyError }
}
