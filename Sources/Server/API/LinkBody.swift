import Attribution
import Integrations
import Ledger
import Wire

/// The body of `POST /links` and `PATCH /links/{id}`: the fixed fields here, every settable field
/// from the table of `LinkField`.
struct LinkBody {
    private let members: [JSONMember]
    private let fixed: [String: Checked]

    private static let fixedRules: [Rule] = [
        .text("url", max: 32_000),
        Rule("domain", .text(min: 1, max: 190, trimmed: true), .nullish),
        Rule("key", .text(min: 0, max: 190, trimmed: false), .nullish),
        Rule("keyLength", .integer(min: 3, max: 190), .nullish),
        .text("prefix", max: 190),
        .text("ref", max: 255, trimmed: true),
    ]

    /// Fields of the hosted product that this version does not offer.
    private static let unsupportedRules: [Rule] = [
        "programId", "partnerId", "password", "proxy", "rewrite", "ios", "android", "geo",
        "tagIds", "tagNames", "tagId", "folderId", "webhookIds", "testVariants", "testStartedAt",
        "testCompletedAt",
    ].map { Rule($0, .unsupported, .nullish) }

    init(members: [JSONMember], requiresURL: Bool) throws {
        self.members = members
        var fixed: [String: Checked] = [:]
        do throws(Issue) {
            for rule in Self.fixedRules {
                let value = members.first { $0.name == rule.name }?.value
                if requiresURL, rule.name == "url", value == nil || value == .null {
                    let received = value == nil ? "undefined" : "null"
                    throw Issue(
                        "invalid_type", "url",
                        "Invalid input: expected string, received \(received)")
                }
                fixed[rule.name] = try rule.check(value)
            }
            for rule in LinkField.all.map(\.rule) + Self.unsupportedRules {
                _ = try rule.check(members.first { $0.name == rule.name }?.value)
            }
        } catch { throw APIError(.invalid(error)) }
        self.fixed = fixed
    }

    private func text(_ name: String) -> String? {
        if case .text(let text)? = fixed[name] { text } else { nil }
    }

    var domain: String? { text("domain").nonEmpty.map { normalizedHostname($0) } }

    /// The key, if one was asked for: outer slashes gone, checked for form.
    func key() throws -> String? {
        guard let key = text("key").nonEmpty else { return nil }
        return try LinkKey.checked(key)
    }

    func randomKey(_ stamper: Stamper) throws -> String {
        var length = 7
        if case .integer(let asked)? = fixed["keyLength"] { length = Int(asked) }
        let random = stamper.secret(length: length)
        guard let prefix = text("prefix").nonEmpty else { return random }
        return try LinkKey.checked("\(prefix)/\(random)")
    }

    /// The destination with the campaign's parameters in its query; nil if the body names none.
    func destination(utmOf link: Link) throws -> String? {
        guard let asked = text("url") else { return nil }
        guard !asked.isEmpty else { throw APIError(.badRequest, "Missing destination URL") }
        let url = hasScheme(asked) ? asked : "https://" + asked
        guard isURL(url) else { throw APIError(.unprocessable, "Invalid destination URL") }
        let parameters: [(String, String?)] = [
            ("utm_source", link.utmSource), ("utm_medium", link.utmMedium),
            ("utm_campaign", link.utmCampaign), ("utm_term", link.utmTerm),
            ("utm_content", link.utmContent), ("ref", text("ref")),
        ]
        return parameters.reduce(url) { url, parameter in
            guard let value = parameter.1.nonEmpty else { return url }
            return settingQuery(url, parameter.0, to: value)
        }
    }

    /// `mailto:a@b.c` has one; `example.com:8080` and `localhost:3000/x` name a port.
    private func hasScheme(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":") else { return false }
        let isWord = text[..<colon].allSatisfy { $0.isLetter || $0.isNumber || "+-.".contains($0) }
        let next = text.index(after: colon)
        return isWord && !(next < text.endIndex && text[next].isNumber)
    }

    /// What the body sets among the fields of the table; absent fields are not touched.
    func fieldEdits() throws -> [@Sendable (inout Link) -> Void] {
        var edits: [@Sendable (inout Link) -> Void] = []
        for field in LinkField.all {
            guard let member = members.first(where: { $0.name == field.name }) else { continue }
            let checked: Checked
            do throws(Issue) { checked = try field.rule.check(member.value) } catch {
                throw APIError(.invalid(error))
            }
            edits.append(try field.edit(checked))
        }
        return edits
    }
}

extension LinkField {
    fileprivate func edit(_ checked: Checked) throws -> @Sendable (inout Link) -> Void {
        switch (value, checked) {
        case (.text(let path), .text(let text)):
            let text =
                name == "externalId" && text.hasPrefix("ext_")
                ? String(text.dropFirst(4)) : text
            guard text.allSatisfy({ $0 != "\0" }) else { throw APIError.internalError }
            return { $0[keyPath: path] = text.isEmpty ? nil : text }
        case (.text(let path), _): return { $0[keyPath: path] = nil }
        case (.flag(let path), .flag(let flag)): return { $0[keyPath: path] = flag }
        case (.flag(let path), _): return { $0[keyPath: path] = false }
        case (.moment(let path), .moment(let moment)): return { $0[keyPath: path] = moment }
        case (.moment(let path), _): return { $0[keyPath: path] = nil }
        }
    }
}

/// What a key may look like.
enum LinkKey {
    /// Paths that browsers and crawlers ask every host for.
    private static let reserved: Set<String> = [
        "favicon.ico", "sitemap.xml", "robots.txt", "manifest.webmanifest", "manifest.json",
        "apple-app-site-association",
    ]

    static func checked(_ text: String) throws -> String {
        var key = Substring(text)
        while key.first == "/" { key.removeFirst() }
        while key.last == "/" { key.removeLast() }
        if key == Link.rootKey { return String(key) }
        guard !key.isEmpty, !key.hasPrefix("_"), !key.lowercased().hasSuffix(".php"),
            key.unicodeScalars.allSatisfy(isAllowed)
        else { throw APIError(.unprocessable, "Invalid key.") }
        let first = key.prefix { $0 != "/" }.lowercased()
        if reserved.contains(key.lowercased()) || Routes.reservedFirstWords.contains(first) {
            throw APIError(
                .forbidden, "\(key) is a reserved path and cannot be used as a short link.")
        }
        return String(key)
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "0"..."9", "A"..."Z", "a"..."z", "_", "-", "/", ".": true
        default: scalar.value >= 0x80 && !scalar.properties.isWhitespace
        }
    }
}
