import Attribution
import Wire

/// A link and a visit of it, read from lines of a name and a value:
///
///     url https://shop.example/pricing
///     query via=anna&utm_source=x
///     os iOS
struct RedirectCase {
    var link: Link
    var visitor = Visitor()
    var query = ""
    var cookie: String?
    var allowed: [String] = []
    var clickID: ClickID?
    static let now = Timestamp(milliseconds: 1_800_000_000_000)

    /// nil if the API would refuse the link.
    init?(_ text: String) {
        link = Link(
            id: LinkID("link_1"), workspaceID: WorkspaceID("ws_1"), domain: "go.example", key: "k",
            url: "", createdAt: Timestamp(milliseconds: 0))
        var geo: [LabelledURLs.Entry] = []
        var variants: [LabelledURLs.Entry] = []
        for line in text.unicodeScalars.split(separator: "\n") {
            let name = String(line.prefix { $0 != " " })
            let value = String(line.dropFirst(name.unicodeScalars.count + 1))
            switch name {
            case "geo", "variant":
                let label = String(value.unicodeScalars.prefix { $0 != " " })
                let rest = String(value.unicodeScalars.dropFirst(label.unicodeScalars.count + 1))
                guard let url = Self.kept(rest, .url), !label.isEmpty else { return nil }
                if name == "geo" {
                    geo.append(.init(label: label, url: url))
                } else {
                    variants.append(.init(label: label, url: url))
                }
            default: guard set(name, value) else { return nil }
            }
        }
        if !geo.isEmpty { link.geo = LabelledURLs(geo) }
        if variants.count > 1 {
            link.testVariants = LabelledURLs(variants)
            link.testCompletedAt = Self.now.adding(Timestamp.day)
        }
        if link.url.isEmpty { return nil }
    }

    private static func kept(_ text: String, _ kind: Rule.Kind) -> String? {
        guard case .text(let url)? = try? Rule("url", kind, .required).check(.string(text)) else {
            return nil
        }
        return url
    }

    private mutating func set(_ name: String, _ value: String) -> Bool {
        switch name {
        case "url":
            guard let url = Self.kept(value, .destination) else { return false }
            link.url = url
        case "ios":
            guard let url = Self.kept(value, .url) else { return false }
            link.ios = url
        case "android":
            guard let url = Self.kept(value, .url) else { return false }
            link.android = url
        case "domain":
            guard value.utf8.allSatisfy({ (97...122).contains($0) || $0 == 0x2E }), !value.isEmpty
            else { return false }
            link.domain = value
        case "query": query = QueryTarget.reachable(value)
        case "cookie": cookie = value
        case "password": link.password = value
        case "track": link.trackConversion = value == "1"
        case "click": clickID = value == "1" ? ClickID("click0000001") : nil
        case "os": visitor.os = value
        case "country": visitor.country = value
        case "allowed":
            // The API keeps only hostnames in ASCII.
            allowed = value.split(separator: ",").map(String.init).filter {
                !$0.isEmpty && $0.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            }
        default: break
        }
        return true
    }
}
