/// What a field of a request body may hold. Bodies are checked against lists of rules in their
/// order and the first breach is answered, with the code and text that Dub's clients know.
package struct Rule: Sendable {
    package enum Kind: Sendable {
        /// Lengths count UTF-16 units.
        case text(min: Int, max: Int, trimmed: Bool)
        case email(max: Int)
        case url
        /// As `Timestamp(dateText:)` reads it, or milliseconds. An empty text is none.
        case date
        case flag
        case integer(min: Int64, max: Int64)
        case option([String])
        /// A JSON object whose compact text has at most so many UTF-16 units.
        case object(max: Int)
        /// Texts: a JSON array, or one text with commas; each of at most so many UTF-16 units.
        case texts(max: Int, count: Int)
        /// A JSON object of URLs by country.
        case geo
        /// The destinations of an A/B test: two to four, of 10 to 90 percent each, 100 together.
        case variants
        /// A JSON text, given as such.
        case json(max: Int)
        /// `#rrggbb`.
        case color
        /// An ISO 4217 code.
        case currency
        /// An ISO 3166-1 alpha-2 code in any case; it is kept in capitals.
        case country
        /// Where a link leads: a web address, also without its scheme, or one of an app.
        case destination
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
    package var tooBigMessage: String?
    package var wrongTypeMessage: String?
    /// What a text that is no such URL or date is told in place of the default.
    package var invalidMessage: String?

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
    package static func url(_ name: String, _ invalid: String? = nil) -> Rule {
        var rule = Rule(name, .url, .nullish)
        rule.invalidMessage = invalid
        return rule
    }
    package static func date(_ name: String, _ invalid: String? = nil) -> Rule {
        var rule = Rule(name, .date, .nullish)
        rule.invalidMessage = invalid
        return rule
    }
    package static func option<Value: CaseIterable & RawRepresentable<String>>(
        _ name: String, _ type: Value.Type, _ presence: Presence = .optional
    ) -> Rule {
        Rule(name, .option(Value.allCases.map(\.rawValue)), presence)
    }
    package static func flag(_ name: String) -> Rule { Rule(name, .flag, .optional) }
    /// Several texts, in one with commas or in an array.
    package static func texts(_ name: String, max: Int = 255, count: Int = 100) -> Rule {
        Rule(name, .texts(max: max, count: count), .nullish)
    }
}
