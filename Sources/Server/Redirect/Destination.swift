import Attribution
import Hummingbird
import Integrations
import Wire

/// Where a visitor of a link goes: which of its URLs, and with which parameters.
struct Destination {
    let link: Link
    let request: Request
    let visitor: Visitor
    /// The URL before any parameters.
    let target: String
    /// The variant of a running A/B test that was chosen.
    let variant: String?
    private let isChosenByVisitor: Bool

    init(
        _ link: Link, _ request: Request, _ visitor: Visitor, now: Timestamp,
        allowedHostnames: [String]
    ) {
        (self.link, self.request, self.visitor) = (link, request, visitor)
        if let asked = request.queryItems.first(where: { $0.name == "redir_url" })?.value,
            Self.mayChoose(asked, link, allowedHostnames)
        {
            (target, variant, isChosenByVisitor) = (normalizedURL(asked), nil, true)
            return
        }
        isChosenByVisitor = false
        let targeted: String? =
            switch visitor.os {
            case "iOS", "iPadOS": link.ios.nonEmpty
            case "Android": link.android.nonEmpty
            default: nil
            }
        if let url = targeted ?? visitor.country.flatMap({ link.geo?.url($0) }) {
            (target, variant) = (url, nil)
        } else {
            variant = Self.variant(link, request, visitor, now)
            target = variant ?? link.url
        }
    }

    /// A destination that the visitor names is followed only on the link's own hosts and on those
    /// that the workspace lists: otherwise every link would lead anywhere.
    private static func mayChoose(_ url: String, _ link: Link, _ allowed: [String]) -> Bool {
        guard isURL(url), let host = urlHost(url) else { return false }
        let own = [link.domain, urlHost(link.url) ?? link.domain].map { normalizedHostname($0) }
        let asked = normalizedHostname(punycoded(host))
        return own.contains { asked == $0 || asked.hasSuffix(".\($0)") }
            || !allowed.isEmpty && isAllowed(hostname: asked, by: allowed)
    }

    /// The same for one visitor each time: what the cookie says, else by the visitor's identity.
    private static func variant(
        _ link: Link, _ request: Request, _ visitor: Visitor, _ now: Timestamp
    ) -> String? {
        guard let variants = link.testVariants?.entries, let end = link.testCompletedAt, now < end,
            link.testStartedAt.map({ $0 <= now }) != false
        else { return nil }
        if let known = request.cookie(LinkCookie.testName),
            let same = variants.first(where: { isSame($0.url, known) })
        {
            return same.url
        }
        var point = Int(sha256Prefix("\(link.id)-\(visitor.identity ?? "")") % 100)
        for variant in variants {
            point -= Int(variant.label) ?? 0
            if point < 0 { return variant.url }
        }
        return variants.last?.url
    }

    /// Apps that are installed from a store don't keep the link's parameters.
    var isStore: Bool {
        ["apps.apple.com", "itunes.apple.com", "play.google.com"].contains(urlHost(target) ?? "")
    }

    /// Whether the destination is told the click, to tell it back with a lead or sale.
    var carriesClick: Bool { link.trackConversion || provider != nil }

    /// Services that open or install an app and have names of their own for the click.
    private enum Provider { case appsFlyer, singular }
    private var provider: Provider? {
        guard let host = urlHost(target) else { return nil }
        if host.hasSuffix(".onelink.me") { return .appsFlyer }
        return host.hasSuffix(".sng.link") ? .singular : nil
    }

    /// With the visitor's own parameters, but for those that are about the click: a crafted
    /// address can't credit somebody else.
    var visited: String {
        var own: Set<String> = [
            "", "dub_id", "via", "dub-no-track", "redir_url", "skip_deeplink_preview", "pw", "bot",
        ]
        if hasClientReference { own.formUnion(["client_reference_id", clientReference]) }
        switch provider {
        case .appsFlyer: own.formUnion(["pid", "clickid"])
        case .singular: own.formUnion(["cl", "ua", "ip"])
        case nil: break
        }
        if isAppURL(target) || target.isEmpty { return target }
        return request.queryItems.reduce(withRootPath(target)) { url, item in
            if own.contains(item.name) || item.name == "qr" && item.value == "1" { return url }
            return settingQuery(url, item.name, to: item.value)
        }
    }

    /// And with the click's, as far as the destination is told of it.
    func url(click: ClickID?, shortLink: String) -> String {
        var url = visited
        if urlHost(target) == "play.google.com" { url = withStoreReferrer(url, shortLink) }
        guard let click, carriesClick, !isAppURL(target) else { return url }
        if hasClientReference {
            url = settingQuery(
                removingQuery(url, clientReference), "client_reference_id", to: "dub_id_\(click)")
        } else {
            url = settingQuery(url, "dub_id", to: click.text)
        }
        switch provider {
        case .appsFlyer:
            url = settingQuery(url, "pid", to: "dubinc_int")
            url = settingQuery(url, "clickid", to: click.text)
        case .singular:
            url = settingQuery(url, "cl", to: click.text)
            url = settingQuery(url, "ua", to: visitor.userAgent ?? "")
            url = settingQuery(url, "ip", to: visitor.ip ?? "")
            url = filled(url, "wpcl", "{dub_id}", click.text)
        case nil: break
        }
        return url
    }

    private var clientReference: String { "dub_client_reference_id" }
    private var hasClientReference: Bool { queryValue(target, clientReference) == "1" }

    /// A template in a parameter that the link's owner wrote.
    private func filled(_ url: String, _ name: String, _ hole: String, _ value: String) -> String {
        guard let template = queryValue(target, name), template.contains(hole) else { return url }
        return settingQuery(url, name, to: template.replacing(hole, with: value))
    }

    /// The store hands its `referrer` to the app, which finds the short link in it.
    private func withStoreReferrer(_ url: String, _ shortLink: String) -> String {
        let query = request.uri.query.map { "?\($0)" } ?? ""
        let deepLink = "deepLink=\(percentEncoded(shortLink + query))"
        let known = queryValue(target, "referrer").nonEmpty.map { "\($0)&" } ?? ""
        return settingQuery(url, "referrer", to: known + deepLink)
    }
}
