import Attribution

/// The first rule that a body broke, spelled as Dub's clients know it: `<code>: <path>: <message>`.
package struct Issue: Error, Equatable {
    package let code: String
    package let path: String
    package let message: String

    package init(_ code: String, _ path: String, _ message: String) {
        (self.code, self.path, self.message) = (code, path, message)
    }

    /// A breach that Dub tells in words of its own, without code and path.
    package init(plain message: String) { (code, path, self.message) = ("", "", message) }

    package var text: String { code.isEmpty ? message : "\(code): \(path): \(message)" }

    /// The same within an array's element or another field.
    package func within(_ place: String) -> Issue {
        code.isEmpty ? self : Issue(code, place + (path.isEmpty ? "" : ".\(path)"), message)
    }
}

/// A body that can't be read at all, or that breaks a rule.
package enum BodyError: Error, Equatable {
    /// 400.
    case malformed(String)
    /// 422.
    case invalid(Issue)

    /// What breaks the grammar of JSON. A text that only breaks rules of ours is refused otherwise.
    package static let notJSON = BodyError.malformed(JSONError.malformedText)
}

extension JSONError {
    package static let malformedText =
        "Invalid JSON format in request body. Please ensure the request body is a valid JSON object."

    /// How the API answers it.
    package var bodyError: BodyError {
        let place = path.isEmpty ? "" : " at `\(path)`"
        switch kind {
        case .syntax: return .notJSON
        case .notAnObject, .notAnArray:
            let wanted = kind == .notAnArray ? "array" : "object"
            return .invalid(
                Issue("invalid_type", "", "Invalid input: expected \(wanted), received \(found)"))
        case .invalidUTF8: return .malformed("\(Self.malformedText) Invalid UTF-8\(place).")
        case .loneSurrogate:
            return .malformed("\(Self.malformedText) Unpaired surrogate\(place).")
        case .nulCharacter:
            return .malformed("\(Self.malformedText) NUL character\(place).")
        case .duplicateKey:
            return .malformed("\(Self.malformedText) Duplicate key\(place).")
        case .tooDeep:
            return .malformed(
                "\(Self.malformedText) Nested deeper than \(JSONReader.depthMax)\(place).")
        case .tooManyKeys:
            return .malformed(
                "\(Self.malformedText) More than \(JSONReader.keysMax) keys\(place).")
        }
    }
}

/// What a date that can't be read is told.
package let invalidDateText =
    "Invalid date: expected ISO 8601 from 1970 to 9999, such as 2026-08-21T10:00:00Z"
