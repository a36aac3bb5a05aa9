/// One settable field of a link: its name in JSON, its column, how a value is checked, and where
/// it is kept. The API's body, the reply, the SQL and the plans all read this table, so that a new
/// field is one line here, one in `Link` and one in the schema.
package struct LinkField: Sendable {
    package let rule: Rule
    package let column: String
    package let value: Slot
    /// What a plan must offer for the field to be used.
    package var feature: Feature?
    /// Whether visitors may be sent there: it must not lead back to the server.
    package var isTarget = false
    /// Characters after which a longer text is cut off.
    package var cutAt: Int?

    package enum Slot: Sendable {
        case text(any WritableKeyPath<Link, String?> & Sendable)
        case flag(any WritableKeyPath<Link, Bool> & Sendable)
        case moment(any WritableKeyPath<Link, Timestamp?> & Sendable)
        case urls(any WritableKeyPath<Link, LabelledURLs?> & Sendable)
    }

    /// What reads the field of many links quickly.
    package enum Reader: Sendable {
        case text(@Sendable (borrowing Link) -> String?)
        case flag(@Sendable (borrowing Link) -> Bool)
        case moment(@Sendable (borrowing Link) -> Timestamp?)
        case urls(@Sendable (borrowing Link) -> LabelledURLs?)
    }

    package var reader: Reader {
        switch value {
        case .text(let path): .text(Self.read(path))
        case .flag(let path): .flag(Self.read(path))
        case .moment(let path): .moment(Self.read(path))
        case .urls(let path): .urls(Self.read(path))
        }
    }

    /// Where the value stands in a link, because a key path copies what it is asked of, all of it
    /// for each field.
    private static func read<Value>(
        _ path: any WritableKeyPath<Link, Value> & Sendable
    ) -> @Sendable (borrowing Link) -> Value {
        guard let offset = MemoryLayout<Link>.offset(of: path) else { return { $0[keyPath: path] } }
        return { link in
            withUnsafeBytes(of: link) { $0.load(fromByteOffset: offset, as: Value.self) }
        }
    }

    package struct Feature: Equatable, Sendable {
        package let name: String
        /// The lowest plan that has it.
        package let plan: Plan
        package init(name: String, plan: Plan) { (self.name, self.plan) = (name, plan) }
    }

    package var name: String { rule.name }
}

extension LinkField {
    private static let cloaking = Feature(name: "link cloaking", plan: .pro)
    private static let devices = Feature(name: "device targeting", plan: .pro)
    private static let expiration = Feature(name: "link expiration", plan: .pro)
    private static let indexing = Feature(name: "search engine indexing", plan: .pro)
    private static let locations = Feature(name: "geo targeting", plan: .pro)
    private static let passwords = Feature(name: "password protection", plan: .pro)
    private static let previews = Feature(name: "custom link previews", plan: .pro)
    private static let conversions = Feature(name: "conversion tracking", plan: .business)
    private static let tests = Feature(name: "A/B testing", plan: .business)

    package static let all: [LinkField] = [
        text(.text("externalId", max: 255, minLength: 1), "external_id", \.externalID),
        text(.text("tenantId", max: 255), "tenant_id", \.tenantID),
        text(.text("title"), "title", \.title).cut(at: 120),
        text(.text("description"), "description", \.description).cut(at: 240),
        text(.url("image"), "image", \.image),
        text(.text("video", max: 2_048), "video", \.video),
        text(.text("comments"), "comments", \.comments),
        moment(.date("expiresAt", "Invalid expiration date."), "expires_at", \.expiresAt)
            .of(expiration),
        text(.url("expiredUrl", "Invalid expired URL."), "expired_url", \.expiredURL)
            .of(expiration).target(),
        moment(.date("disabledAt"), "disabled_at", \.disabledAt),
        text(.text("password", max: 1_000), "password", \.password).of(passwords),
        text(.url("ios"), "ios", \.ios).of(devices).target(),
        text(.url("android"), "android", \.android).of(devices).target(),
        urls(Rule("geo", .geo, .nullish), "geo", \.geo).of(locations).target(),
        text(.text("folderId", max: 255), "folder_id", \.folderText),
        text(.text("utm_source", max: 255), "utm_source", \.utmSource),
        text(.text("utm_medium", max: 255), "utm_medium", \.utmMedium),
        text(.text("utm_campaign", max: 255), "utm_campaign", \.utmCampaign),
        text(.text("utm_term", max: 255), "utm_term", \.utmTerm),
        text(.text("utm_content", max: 255), "utm_content", \.utmContent),
        flag(.flag("trackConversion"), "track_conversion", \.trackConversion).of(conversions),
        flag(.flag("archived"), "archived", \.archived),
        flag(.flag("doIndex"), "do_index", \.doIndex).of(indexing),
        flag(.flag("publicStats"), "public_stats", \.publicStats),
        flag(.flag("proxy"), "proxy", \.proxy).of(previews),
        flag(.flag("rewrite"), "rewrite", \.rewrite).of(cloaking),
        urls(Rule("testVariants", .variants, .nullish), "test_variants", \.testVariants)
            .of(tests).target(),
        moment(.date("testStartedAt"), "test_started_at", \.testStartedAt),
        moment(
            .date("testCompletedAt", "Invalid test completion date."), "test_completed_at",
            \.testCompletedAt),
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
    private static func urls(
        _ rule: Rule, _ column: String, _ path: any WritableKeyPath<Link, LabelledURLs?> & Sendable
    ) -> LinkField {
        LinkField(rule: rule, column: column, value: .urls(path))
    }
    private func of(_ feature: Feature) -> LinkField {
        var field = self
        field.feature = feature
        return field
    }
    private func target() -> LinkField {
        var field = self
        field.isTarget = true
        return field
    }
    private func cut(at length: Int) -> LinkField {
        var field = self
        field.cutAt = length
        return field
    }
}

extension LinkField {
    /// Whether two links have the same value here, texts to the byte.
    func isSame(_ a: Link, _ b: Link) -> Bool {
        switch value {
        case .text(let path): Attribution.isSame(a[keyPath: path], b[keyPath: path])
        case .flag(let path): a[keyPath: path] == b[keyPath: path]
        case .moment(let path): a[keyPath: path] == b[keyPath: path]
        case .urls(let path): a[keyPath: path] == b[keyPath: path]
        }
    }

    func urls(of link: Link) -> [String] {
        switch value {
        case .text(let path): link[keyPath: path].nonEmpty.map { [$0] } ?? []
        case .urls(let path): link[keyPath: path]?.entries.map(\.url) ?? []
        case .flag, .moment: []
        }
    }

    func isUsed(by link: Link) -> Bool {
        switch value {
        case .text(let path): link[keyPath: path].nonEmpty != nil
        case .flag(let path): link[keyPath: path]
        case .moment(let path): link[keyPath: path] != nil
        case .urls(let path): link[keyPath: path] != nil
        }
    }
}

extension Link {
    /// Whether everything that an edit can change is the same.
    func hasSameSettings(as other: Link) -> Bool {
        isSame(domain, other.domain) && isSame(key, other.key) && isSame(url, other.url)
            && tags.map(\.id) == other.tags.map(\.id)
            && LinkField.all.allSatisfy { $0.isSame(self, other) }
    }

    /// What this link newly uses and `plan` does not offer.
    func missingFeature(on plan: Plan, comparedTo old: Link?) -> LinkField.Feature? {
        LinkField.all.first { field in
            guard let feature = field.feature, !plan.includes(feature.plan) else { return false }
            return field.isUsed(by: self) && old.map { field.isSame(self, $0) } != true
        }?.feature
    }
}
