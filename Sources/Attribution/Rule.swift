/// What a field of a request body may hold. Bodies are checked against lists of rules in their
/// order and the first breach is answered, with the code and text that Dub's clients know.
package struct Rule: Sendable {
    package enum Kind: Sendable {
        /// Lengths count UTF-16 units.
        case text(min: Int, max: Int, trimmed: Bool)
        case email(max: Int)
        case url
        /// ISO 8601, or milliseconds.
        case date
        case flag
        case integer(min: Int64, max: Int64)
        case option([String])
        /// A JSON object whose compact text has at most so many UTF-16 units.
        case object(max: Int)
        /// An ISO 4217 code.
        case currency
        /// Known to Dub but not offered here: a value that asks for it is refused, so that nobody
        /// believes a link to be protected or targeted that is not.
        case unsupported
    }

    package enum Presence: Sendable {
        case required
        /// May be absent; null is refused.
        case optional
        /// May be absent or null.
        case nullish
    }

    package let name: String
    package let kind: Kind
    package let presence: Presence
    /// Texts that take the place of the default ones.
    package var missingMessage: String?
    package var tooSmallMessage: String?

    package init(
        _ name: String, _ kind: Kind, _ presence: Presence, missing: String? = nil,
        tooSmall: String? = nil
    ) {
        (self.name, self.kind, self.presence) = (name, kind, presence)
        (self.missingMessage, self.tooSmallMessage) = (missing, tooSmall)
    }

    package static func text(
        _ name: String, max: Int = .max, minLength: Int = 0, trimmed: Bool = false
    ) -> Rule {
        Rule(name, .text(min: minLength, max: max, trimmed: trimmed), .nullish)
    }
    package static func url(_ name: String) -> Rule { Rule(name, .url, .nullish) }
    package static func date(_ name: String) -> Rule { Rule(name, .date, .nullish) }
    package static func flag(_ name: String) -> Rule { Rule(name, .flag, .optional) }
}
