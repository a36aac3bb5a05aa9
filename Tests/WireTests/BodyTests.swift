import Attribution
import Testing
import Wire

private enum Field: Int, BodyField {
    case id, amount, mode, metadata

    static let rules = allCases.map(\.rule)
    static let names = FieldNames(rules)
    var rule: Rule {
        switch self {
        case .id: .text("id", max: 5)
        case .amount: Rule("amount", .integer(min: 0, max: 100), .required)
        case .mode: Rule("mode", .option(["a", "b"]), .optional)
        case .metadata: Rule("metadata", .object(max: 100), .nullish)
        }
    }
}

@Suite struct BodyTests {
    private func body(_ text: String) throws(BodyError) -> Body<Field> {
        let bytes = Array(text.utf8)
        let result: Result<Body<Field>, BodyError> = bytes.withUnsafeBufferPointer { buffer in
            do throws(BodyError) { return .success(try Body<Field>(buffer)) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func refusal(_ text: String) -> String? {
        do throws(BodyError) {
            _ = try body(text)
            return nil
        } catch {
            switch error {
            case .malformed(let text): return "400 \(text)"
            case .invalid(let issue): return "422 \(issue.text)"
            }
        }
    }

    @Test func fieldsAreReadByName() throws {
        let body = try body(#"{"metadata": {"a" : 1.0}, "x": [1], "amount": 1e1, "id": "é"}"#)
        #expect(body.text(.id) == "é")
        #expect(body.integer(.amount) == 10)
        #expect(body.text(.mode) == nil)
        #expect(body[.mode] == .absent)
        #expect(body.object(.metadata) == #"{"a" : 1.0}"#)
    }

    private static let malformed =
        "400 Invalid JSON format in request body. "
        + "Please ensure the request body is a valid JSON object."

    @Test(arguments: [
        ("{", malformed),
        (#"{"amount":1,"amount":1}"#, "\(malformed) Duplicate key at `amount`."),
        (#"{"metadata":{"a":"\ud800"}}"#, "\(malformed) Unpaired surrogate at `metadata.a`."),
        (#"{"id":"\u0000"}"#, "\(malformed) NUL character at `id`."),
        ("[]", "422 invalid_type: : Invalid input: expected object, received array"),
        ("null", "422 invalid_type: : Invalid input: expected object, received null"),
        // The first breach in the order of the rules, not of the body.
        (
            #"{"mode":"c","amount":-1,"id":"abcdef"}"#,
            "422 too_big: id: Too big: expected string to have <=5 characters"
        ),
        (
            #"{"mode":"c"}"#,
            "422 invalid_type: amount: Invalid input: expected number, received undefined"
        ),
        (
            #"{"mode":"c","amount":1}"#,
            #"422 invalid_value: mode: Invalid option: expected one of "a"|"b""#
        ),
        // A text that can't be read is said before any rule is.
        (#"{"amount":-1,"metadata":{"a":1,"a":2}}"#, "\(malformed) Duplicate key at `metadata.a`."),
    ])
    func refusals(text: String, expected: String) { #expect(refusal(text) == expected) }

    @Test func invalidUTF8IsNamed() throws {
        let bytes = Array(#"{"id":""#.utf8) + [0xFF] + Array("\"}".utf8)
        let error = bytes.withUnsafeBufferPointer { buffer -> BodyError? in
            do throws(BodyError) {
                _ = try readMembers(buffer)
                return nil
            } catch { return error }
        }
        #expect(
            error == .malformed("\(Self.malformed.dropFirst(4)) Invalid UTF-8 at `id`."))
    }
}
