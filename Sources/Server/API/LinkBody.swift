import Attribution
import Integrations
import Wire

/// The body of every endpoint that makes or changes a link: what names it and what it refers to
/// here, every settable field from the table of `LinkField`.
struct LinkBody {
    private let fields: Fields
    private let isCreation: Bool

    /// In the order in which they are checked.
    static func rules(isCreation: Bool) -> [Rule] {
        [
            destination(isCreation ? .required : .optional),
            Rule("domain", .text(min: 0, max: 190, trimmed: true), .nullish),
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
        self.isCreation = isCreation
    }

    var domain: String? { fields.text("domain").nonEmpty.map(domainSlug) }

    /// The key, if one was asked for: outer slashes gone, checked for form.
    func key() throws -> String? {
        guard let key = fields.text("key").nonEmpty else { return nil }
        return try LinkKey.checked(key)
    }

    func randomKey(_ stamper: Stamper) throws -> String {
        let random = stamper.secret(length: fields.integer("keyLength").map { Int($0) } ?? 7)
        let prefix = LinkKey.withoutOuterSlashes(fields.text("prefix") ?? "")
        return prefix.isEmpty ? random : try LinkKey.checked("\(prefix)/\(random)")
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
        // Of a link that is made, null is nothing that was said of a parameter of its URL.
        let named = LinkField.campaign.filter { field in
            isCreation
                ? fields.text(field.rule.name).nonEmpty != nil : fields.has(field.rule.name)
        }
        if let url = destination { edit.add { $0.setDestination(url, keeping: named) } }
        if !named.isEmpty { edit.add { $0.setCampaign(named) } }
        if let ref = fields.text("ref").nonEmpty {
            edit.add { link in
                guard isURL(link.url) else { return }
                var parts = QueriedURL(link.url)
                parts.setRootPath()
                parts.set("ref", to: ref)
                link.url = parts.url
            }
        }
        return edit
    }

    private static func destination(_ presence: Rule.Presence) -> Rule {
        var rule = Rule("url", .destination, presence)
        rule.invalidMessage = "Invalid destination URL"
        return rule
    }

    /// The destination as the body has it; nil if it names none.
    var destination: String? { fields.text("url") }
}

extension LinkField {
    /// The campaign's parameters, which stand in the destination's query too.
    fileprivate static let campaign: [Campaign] = all.compactMap {
        guard $0.name.hasPrefix("utm_"), case .text(let path) = $0.value else { return nil }
        return ($0.rule, path)
    }
    fileprivate typealias CampaignPath = WritableKeyPath<Link, String?> & Sendable
    fileprivate typealias Campaign = (rule: Rule, path: any CampaignPath)

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
    /// Where the URL itself has parameters of a campaign, they become the link's fields; the link's
    /// other ones are added to it. Apps would not understand them.
    ///
    /// - Parameter named: fields that the body sets itself, which go before.
    fileprivate mutating func setDestination(
        _ asked: String, keeping named: [LinkField.Campaign]
    ) {
        url = asked
        guard isURL(asked) else { return }
        let written = QueriedURL(asked)
        for field in LinkField.campaign {
            let name = field.rule.name
            if named.contains(where: { $0.rule.name == name }) { continue }
            if let value = written.value(name).nonEmpty { self[keyPath: field.path] = value }
        }
        setCampaign(LinkField.campaign.filter { self[keyPath: $0.path].nonEmpty != nil })
    }

    /// The URL has these of the link's campaign parameters, or has them no more.
    fileprivate mutating func setCampaign(_ fields: [LinkField.Campaign]) {
        guard isURL(url) else { return }
        var parts = QueriedURL(url)
        for field in fields {
            let (name, value) = (field.rule.name, self[keyPath: field.path].nonEmpty)
            if isSame(parts.value(name), value) { continue }
            if let value {
                parts.setRootPath()
                parts.set(name, to: value)
            } else {
                parts.remove(name)
            }
        }
        url = parts.url
    }
}
