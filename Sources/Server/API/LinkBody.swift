import Attribution
import Integrations
import Wire

/// The body of every endpoint that makes or changes a link: what names it and what it refers to
/// here, every settable field from the table of `LinkField`.
struct LinkBody {
    private let fields: Fields

    /// In the order in which they are checked.
    static func rules(isCreation: Bool) -> [Rule] {
        [
            Rule(
                "url", .text(min: 0, max: urlMax, trimmed: true),
                isCreation ? .required : .optional),
            Rule("domain", .text(min: 1, max: 190, trimmed: true), .nullish),
            Rule("key", .text(min: 0, max: 190, trimmed: false), .nullish),
            Rule("keyLength", .integer(min: 3, max: 190), .nullish),
            .text("prefix", max: 190),
        ] + LinkField.all.map(\.rule) + [
            .texts("tagIds"), .text("tagId", max: 255), .texts("tagNames", max: 190),
            .text("ref", max: 255, trimmed: true), .text("programId", max: 255),
            .text("partnerId", max: 255), .texts("webhookIds"),
        ]
    }

    /// - Parameter names: fields that this endpoint does not take.
    init(_ members: [JSONMember], isCreation: Bool, without names: Set<String> = []) throws(Issue) {
        let rules = Self.rules(isCreation: isCreation).filter { !names.contains($0.name) }
        fields = try Fields(rules, members)
    }

    var domain: String? { fields.text("domain").nonEmpty.map(domainSlug) }

    /// The key, if one was asked for: outer slashes gone, checked for form.
    func key() throws -> String? {
        guard let key = fields.text("key").nonEmpty else { return nil }
        return try LinkKey.checked(key)
    }

    func randomKey(_ stamper: Stamper) throws -> String {
        let random = stamper.secret(length: fields.integer("keyLength").map { Int($0) } ?? 7)
        guard let prefix = fields.text("prefix").nonEmpty else { return random }
        let key = try LinkKey.checked("\(prefix)/\(random)")
        guard key.utf8.count <= 190 else { throw APIError(.unprocessable, "Invalid key.") }
        return key
    }

    func tags() -> TagChoice? {
        if let ids = fields.texts("tagIds") { return .ids(ids.map { TagID($0) }) }
        if let id = fields.text("tagId").nonEmpty { return .ids([TagID(id)]) }
        if let names = fields.texts("tagNames") { return .names(names) }
        let clears = ["tagIds", "tagId", "tagNames"].contains { fields.has($0) }
        return clears ? .ids([]) : nil
    }

    /// What a link may refer to at the hosted product and can't here.
    func checkReferences() throws {
        if fields.text("programId").nonEmpty != nil || fields.text("partnerId").nonEmpty != nil {
            throw APIError(.notFound, "Program not found.")
        }
        if let ids = fields.texts("webhookIds"), !ids.isEmpty {
            throw APIError(
                .unprocessable, "Invalid webhookIds detected: \(ids.joined(separator: ", "))")
        }
    }

    /// Everything that the body sets but domain, key and tags.
    func edit() throws -> Edit<Link> {
        try checkReferences()
        var edit = Edit<Link>()
        for field in LinkField.all where fields.has(field.name) {
            edit.add(field.step(fields[field.name]))
        }
        if let url = try destination() {
            edit.add { $0.url = $0.campaign(on: url) }
        }
        for field in LinkField.campaign where fields.has(field.rule.name) {
            edit.add { link in
                guard isURL(link.url) else { return }
                link.url = setOrRemoved(link.url, field.rule.name, link[keyPath: field.path])
            }
        }
        if let ref = fields.text("ref").nonEmpty {
            edit.add { if isURL($0.url) { $0.url = settingQuery($0.url, "ref", to: ref) } }
        }
        return edit
    }

    /// The destination as it will be without the campaign's parameters; nil if the body names none.
    func destination() throws -> String? {
        guard let asked = fields.text("url") else { return nil }
        if asked.isEmpty { return "" }
        let url = hasScheme(asked) || !isHost(asked) ? asked : "https://" + asked
        guard isDestination(url) else {
            throw APIError(.unprocessable, "Invalid destination URL")
        }
        return normalizedURL(url)
    }

    /// `mailto:a@b.c` has one; `example.com:8080` and `localhost:3000/x` name a port.
    private func hasScheme(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":") else { return false }
        let scheme = text[..<colon]
        let isWord = scheme.allSatisfy { $0.isLetter || $0.isNumber || "+-.".contains($0) }
        return isWord && !isHost(text)
    }

    /// Whether a text begins with a host: a name with a dot, or `localhost`.
    private func isHost(_ text: String) -> Bool {
        let host = text.prefix { !":/?#".contains($0) }
        return host.contains(".") || host == "localhost"
    }
}

extension LinkField {
    /// The campaign's parameters, which stand in the destination's query too.
    fileprivate static let campaign: [(rule: Rule, path: any CampaignPath)] = all.compactMap {
        guard $0.name.hasPrefix("utm_"), case .text(let path) = $0.value else { return nil }
        return ($0.rule, path)
    }
    fileprivate typealias CampaignPath = WritableKeyPath<Link, String?> & Sendable

    fileprivate func step(_ checked: Checked) -> @Sendable (inout Link) -> Void {
        switch (value, checked) {
        case (.text(let path), .text(let text)):
            var text = text
            if name == "externalId", text.hasPrefix("ext_") { text.removeFirst(4) }
            if let cutAt { text = String(text.prefix(cutAt)) }
            return { [text] in $0[keyPath: path] = text.isEmpty ? nil : text }
        case (.text(let path), _): return { $0[keyPath: path] = nil }
        case (.flag(let path), .flag(let flag)): return { $0[keyPath: path] = flag }
        case (.flag(let path), _): return { $0[keyPath: path] = false }
        case (.moment(let path), .moment(let moment)): return { $0[keyPath: path] = moment }
        case (.moment(let path), _): return { $0[keyPath: path] = nil }
        case (.urls(let path), .urls(let urls)):
            return { $0[keyPath: path] = urls.entries.isEmpty ? nil : urls }
        case (.urls(let path), _): return { $0[keyPath: path] = nil }
        }
    }
}

extension Link {
    /// The URL with all of the link's campaign parameters. Apps would not understand them.
    fileprivate func campaign(on url: String) -> String {
        guard isURL(url) else { return url }
        return LinkField.campaign.reduce(url) { url, field in
            guard let value = self[keyPath: field.path].nonEmpty else { return url }
            return settingQuery(url, field.rule.name, to: value)
        }
    }
}

private func setOrRemoved(_ url: String, _ name: String, _ value: String?) -> String {
    value.nonEmpty.map { settingQuery(url, name, to: $0) } ?? removingQuery(url, name)
}

/// A domain as it is kept: ASCII, lower case, without `www.`.
func domainSlug(_ text: some StringProtocol) -> String {
    normalizedHostname(punycoded(String(text)))
}

/// What a key may look like.
enum LinkKey {
    /// Paths that browsers and crawlers ask every host for.
    private static let reserved: Set<String> = [
        "favicon.ico", "sitemap.xml", "robots.txt", "manifest.webmanifest", "manifest.json",
        "apple-app-site-association",
    ]

    /// As it is kept: outer slashes gone, letters beyond ASCII in punycode.
    static func checked(_ text: String) throws -> String {
        var trimmed = Substring(text)
        while trimmed.first == "/" { trimmed.removeFirst() }
        while trimmed.last == "/" { trimmed.removeLast() }
        if trimmed == Link.rootKey { return Link.rootKey }
        let key = punycoded(String(trimmed))
        let folded = key.lowercased()
        guard !key.isEmpty, key.utf8.count <= 190, !key.hasPrefix("_"),
            !folded.hasPrefix(".well-known"),
            !folded.hasSuffix(".php"), !folded.hasSuffix(".php7"),
            trimmed.unicodeScalars.allSatisfy(isAllowed)
        else { throw APIError(.unprocessable, "Invalid key.") }
        let first = String(folded.prefix { $0 != "/" })
        if reserved.contains(folded) || Routes.reservedFirstWords.contains(first) {
            throw APIError(
                .forbidden, "\(key) is a reserved path and cannot be used as a short link.")
        }
        return key
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "0"..."9", "A"..."Z", "a"..."z", "_", "-", "/", ".": return true
        default:
            // Marks that turn the direction of writing would show another key than they name.
            return scalar.value >= 0x80 && !scalar.properties.isWhitespace
                && scalar.properties.generalCategory != .control
                && !scalar.properties.isBidiControl
        }
    }
}
