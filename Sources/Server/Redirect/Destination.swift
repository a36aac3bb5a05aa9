import Attribution
import Integrations
import Wire

/// Where a visitor of a link goes: which of its URLs, and with which parameters.
package struct Destination {
    let link: Link
    private let request: VisitRequest
    private let visitor: Visitor
    /// The URL before any parameters.
    package let target: String
    /// The variant of a running A/B test that was chosen.
    package let variant: String?
    /// Whether `redir_url` named it.
    package let isChosenByVisitor: Bool
    private let isWeb: Bool
    private let host: String?
    private let parts: QueriedURL
    /// Whether the click goes by another name.
    private let hasClientReference: Bool

    package init(
        _ link: Link, _ request: VisitRequest, _ visitor: Visitor, now: Timestamp,
        allowedHostnames: [String]
    ) {
        (self.link, self.request, self.visitor) = (link, request, visitor)
        if let asked = request.queryItems.first(where: { $0.name == "redir_url" })?.value,
            Self.mayChoose(asked, link, allowedHostnames)
        {
            (target, variant, isChosenByVisitor) = (Self.withoutCredit(asked), nil, true)
        } else if let url = Self.targeted(link, visitor) {
            (target, variant, isChosenByVisitor) = (url, nil, false)
        } else {
            variant = Self.variant(link, request, visitor, now)
            (target, isChosenByVisitor) = (variant ?? link.url, false)
        }
        (isWeb, host, parts) = (isURL(target), urlHost(target), QueriedURL(target))
        hasClientReference = parts.value(Self.clientReference) == "1"
    }

    /// By the visitor's system, else by the country.
    private static func targeted(_ link: Link, _ visitor: Visitor) -> String? {
        let url: String? =
            switch visitor.os {
            case "iOS": link.ios.nonEmpty
            case "Android": link.android.nonEmpty
            default: nil
            }
        return url ?? visitor.country.flatMap { link.geo?.url($0) }
    }

    /// A destination that the visitor names is followed only on the link's domain, on the host that
    /// the link leads to anyway, and on those that the workspace lists: otherwise every link would
    /// lead anywhere. Other names below the destination's may be somebody else's.
    private static func mayChoose(_ url: String, _ link: Link, _ allowed: [String]) -> Bool {
        // Names are compared as they will be asked for: in ASCII.
        guard isURL(url), let host = urlHost(normalizedURL(url)),
            host.utf8.allSatisfy({ $0 < 0x80 })
        else { return false }
        let asked = normalizedHostname(host)
        return asked == link.domain || isBelow(link.domain, asked)
            || asked == urlHost(normalizedURL(link.url)).map { normalizedHostname($0) }
            || !allowed.isEmpty && isAllowed(hostname: asked, by: allowed)
    }

    /// A destination that the visitor names can't name who is credited.
    private static func withoutCredit(_ url: String) -> String {
        var chosen = QueriedURL(normalizedURL(url))
        for name in ["dub_id", "via"] { chosen.remove(name) }
        if let reference = chosen.value("client_reference_id"), namesClick(reference) {
            chosen.remove("client_reference_id")
        }
        return chosen.url
    }

    /// The same for one visitor each time: what the cookie says, else by the visitor's identity.
    private static func variant(
        _ link: Link, _ request: VisitRequest, _ visitor: Visitor, _ now: Timestamp
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
    package var isStore: Bool {
        ["apps.apple.com", "itunes.apple.com", "play.google.com"].contains(host ?? "")
    }

    /// Services that open or install an app and have names of their own for the click.
    private enum Provider { case appsFlyer, singular }
    private var provider: Provider? {
        guard let host else { return nil }
        if host.hasSuffix(".onelink.me") { return .appsFlyer }
        return host.hasSuffix(".sng.link") ? .singular : nil
    }

    /// Whether the destination is told the click, to tell it back with a lead or sale.
    var carriesClick: Bool { link.trackConversion || provider != nil }

    /// What the visitor brings along goes on, but for what is about the click (a crafted address
    /// can't credit somebody else) and what was meant for this server.
    private var notHandedOn: Set<String> {
        var names: Set<String> = ["", "dub_id", "via", "dub-no-track", "redir_url", "bot"]
        if link.password.nonEmpty != nil { names.insert("pw") }
        if hasClientReference {
            names.formUnion(["client_reference_id", Self.clientReference])
        }
        switch provider {
        case .appsFlyer: names.formUnion(["pid", "clickid"])
        case .singular: names.formUnion(["cl", "ua", "ip"])
        case nil: break
        }
        return names
    }

    /// Whether a reference is a click's. Bytes, not characters: a mark must not hide it.
    private static func namesClick(_ reference: String) -> Bool {
        reference.utf8.starts(with: "dub_id_".utf8)
    }

    /// The target with the visitor's parameters. Apps get none.
    package var visited: QueriedURL {
        var url = parts
        if !isWeb { return url }
        url.setRootPath()
        if request.queryItems.isEmpty { return url }
        let own = notHandedOn
        for item in request.queryItems where !own.contains(item.name) {
            if item.name == "client_reference_id", Self.namesClick(item.value) { continue }
            let isSwitch = item.name == "qr" || item.name == "skip_deeplink_preview"
            if !isSwitch || item.value != "1" { url.set(item.name, to: item.value) }
        }
        return url
    }

    /// And with the click's, as far as the destination is told of it.
    package func url(_ visited: QueriedURL, click: ClickID?, shortLink: String) -> String {
        var url = visited
        if !isWeb { return url.url }
        if host == "play.google.com" { setStoreReferrer(&url, shortLink) }
        if case .singular = provider {
            // Without a partner and without a click the templates are empty.
            fill(&url, "wpcn", "{via}", "")
            fill(&url, "wpcl", "{dub_id}", click?.text ?? "")
        }
        guard let click, carriesClick else { return url.url }
        if hasClientReference {
            url.remove(Self.clientReference)
            url.set("client_reference_id", to: "dub_id_\(click)")
        } else {
            url.set("dub_id", to: click.text)
        }
        switch provider {
        case .appsFlyer:
            url.set("pid", to: "dubinc_int")
            url.set("clickid", to: click.text)
        case .singular:
            url.set("cl", to: click.text)
            url.set("ua", to: visitor.userAgent ?? "")
            url.set("ip", to: visitor.ip ?? "")
        case nil: break
        }
        return url.url
    }

    private static let clientReference = "dub_client_reference_id"

    /// A template in a parameter that the link's owner wrote.
    private func fill(_ url: inout QueriedURL, _ name: String, _ hole: String, _ value: String) {
        guard let template = parts.value(name), template.contains(hole) else { return }
        url.set(name, to: template.replacing(hole, with: value))
    }

    /// The store hands its `referrer` to the app, which finds the short link in it.
    private func setStoreReferrer(_ url: inout QueriedURL, _ shortLink: String) {
        let query = request.query.map { "?\($0)" } ?? ""
        let deepLink = "deepLink=\(percentEncoded(shortLink + query))"
        let known = parts.value("referrer").nonEmpty.map { "\($0)&" } ?? ""
        url.set("referrer", to: known + deepLink)
    }
}
