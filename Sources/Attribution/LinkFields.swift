/// One settable field of a link: its name in JSON, its column, how a value is checked, and where
/// it is kept. The API's body, the reply and the SQL all read this table, so that a new field is
/// one line here, one in `Link` and one in the schema.
package struct LinkField: Sendable {
    package let rule: Rule
    package let column: String
    package let value: Slot

    package enum Slot: Sendable {
        case text(any WritableKeyPath<Link, String?> & Sendable)
        case flag(any WritableKeyPath<Link, Bool> & Sendable)
        case moment(any WritableKeyPath<Link, Timestamp?> & Sendable)
    }

    package var name: String { rule.name }
}

extension LinkField {
    package static let all: [LinkField] = [
        text(.text("externalId", max: 255, minLength: 1), "external_id", \.externalID),
        text(.text("tenantId", max: 255), "tenant_id", \.tenantID),
        text(.text("title"), "title", \.title),
        text(.text("description"), "description", \.description),
        text(.text("image"), "image", \.image),
        text(.text("video"), "video", \.video),
        text(.text("comments"), "comments", \.comments),
        moment(.date("expiresAt"), "expires_at", \.expiresAt),
        text(.url("expiredUrl"), "expired_url", \.expiredURL),
        moment(.date("disabledAt"), "disabled_at", \.disabledAt),
        text(.text("utm_source", max: 255), "utm_source", \.utmSource),
        text(.text("utm_medium", max: 255), "utm_medium", \.utmMedium),
        text(.text("utm_campaign", max: 255), "utm_campaign", \.utmCampaign),
        text(.text("utm_term", max: 255), "utm_term", \.utmTerm),
        text(.text("utm_content", max: 255), "utm_content", \.utmContent),
        flag(.flag("trackConversion"), "track_conversion", \.trackConversion),
        flag(.flag("archived"), "archived", \.archived),
        flag(.flag("doIndex"), "do_index", \.doIndex),
        flag(.flag("publicStats"), "public_stats", \.publicStats),
    ]

    private static func text(
        _ rule: Rule, _ column: String, _ path: any WritableKeyPath<Link, String?> & Sendable
    ) -> LinkField {
        LinkField(rule: rule, column: column, value: .text(path))
    }
    private static func flag(
        _ rule: Rule, _ column: String, _ path: any WritableKeyPath<Link, Bool> & Sendable
    ) -> LinkField {
        LinkField(rule: rule, column: column, value: .flag(path))
    }
    private static func moment(
        _ rule: Rule, _ column: String, _ path: any WritableKeyPath<Link, Timestamp?> & Sendable
    ) -> LinkField {
        LinkField(rule: rule, column: column, value: .moment(path))
    }
}

extension Link {
    /// Whether everything that an edit can change is the same, texts to the byte.
    func hasSameSettings(as other: Link) -> Bool {
        isSame(domain, other.domain) && isSame(key, other.key) && isSame(url, other.url)
            && LinkField.all.allSatisfy { field in
                switch field.value {
                case .text(let path): isSame(self[keyPath: path], other[keyPath: path])
                case .flag(let path): self[keyPath: path] == other[keyPath: path]
                case .moment(let path): self[keyPath: path] == other[keyPath: path]
                }
            }
    }
}
