import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import NIOCore
import Wire

/// Visits that are reported: by a site's script, or by an app that a link opened. No key: the
/// link's own workspace decides which sites may report.
extension API {
    private static let clickRules: [Rule] = [
        Rule(
            "domain", .text(min: 0, max: 190, trimmed: true), .required,
            missing: "domain is required."),
        Rule(
            "key", .text(min: 0, max: 190, trimmed: false), .required, missing: "key is required."),
        .text("url", max: urlMax), .text("referrer", max: urlMax),
    ]

    func trackClick(_ request: Request, _ context: TributeContext) async throws -> Response {
        let body = try await request.collect(settings.limits)
        let fields = try body.fields(Self.clickRules)
        let domain = domainSlug(hostPart(fields.text("domain") ?? ""))
        let key = fields.text("key") ?? ""
        let link = try await link(domain, key)
        let url = fields.text("url").flatMap { isURL($0) ? $0 : nil }
        let id = try await recorded(
            link, .link, request, context, url: url, referrer: fields.text("referrer"),
            (.click, body))
        return .json { $0.member("clickId", id?.text) }
    }

    /// A page view of a site whose pages are links: the page's path is the key.
    func trackVisit(_ request: Request, _ context: TributeContext) async throws -> Response {
        let body = try await request.collect(settings.limits)
        let fields = try body.fields([
            .text("domain", max: 190, trimmed: true), .text("url", max: urlMax),
            .text("referrer", max: urlMax),
        ])
        guard let asked = fields.text("domain").nonEmpty, let url = fields.text("url").nonEmpty
        else { throw APIError(.badRequest, "Missing domain or url") }
        guard isURL(url), let key = urlPath(url).flatMap(LinkKey.inPath) else {
            throw APIError(.unprocessable, "invalid_format: url: Invalid URL")
        }
        let link = try await link(domainSlug(hostPart(asked)), key)
        let id = try await recorded(
            link, .pageview, request, context, url: url, referrer: fields.text("referrer"),
            (.visit, body))
        return .json { $0.member("clickId", id?.text) }
    }

    private func link(_ domain: String, _ key: String) async throws -> Link {
        guard let link = try await directory.link(domain: domain, key: LinkKey.named(key)) else {
            throw APIError(.notFound, "Link not found for domain: \(domain) and key: \(key).")
        }
        return link
    }

    /// An app tells which link opened it, or asks which one its visitor followed to the store.
    func trackOpen(_ request: Request, _ context: TributeContext) async throws -> Response {
        let fields = try await request.bodyFields(
            [
                .text("deepLink", max: urlMax, trimmed: true),
                .text("dubDomain", max: 190, trimmed: true),
            ], settings.limits)
        if let deepLink = fields.text("deepLink").nonEmpty {
            guard isURL(deepLink) else {
                throw APIError(.unprocessable, "custom: deepLink: Invalid URL")
            }
            return try await opened(deepLink, request, context)
        }
        guard let asked = fields.text("dubDomain").nonEmpty else {
            throw APIError(
                .unprocessable,
                "custom: : You need to provide either `deepLink` or `dubDomain` for deferred deep linking."
            )
        }
        let visit = visits.storeVisit(
            visits.request(request, context), domain: domainSlug(hostPart(asked)))
        let since = stamper.now().adding(-Timestamp.hour)
        let found = try await ledger.read { transaction -> (Click, Link)? in
            guard let click = try transaction.storeClick(visit, since: since),
                let link = try transaction.link(.id(click.linkID))
            else { return nil }
            return (click, link)
        }
        return openReply(found?.0.id, found?.1)
    }

    private func opened(
        _ deepLink: String, _ request: Request, _ context: TributeContext
    ) async throws -> Response {
        let domain = domainSlug(urlHost(deepLink) ?? "")
        guard let key = urlPath(deepLink).flatMap(LinkKey.inPath),
            let link = try await directory.link(domain: domain, key: key)
        else { throw APIError(.notFound, "Deep link not found: \(deepLink.prefix(200))") }
        let id = try await recorded(
            link, .deeplink, request, context, url: nil, referrer: nil)
        return openReply(id, link)
    }

    private func openReply(_ id: ClickID?, _ link: Link?) -> Response {
        .json { writer in
            writer.member("clickId", id?.text)
            guard let link else { return writer.null("link") }
            writer.object("link") {
                $0.member("id", link.id.text)
                $0.member("domain", link.domain)
                $0.member("key", link.key)
                // Who has not given the password is not told what it protects.
                let isOpen = link.password.nonEmpty == nil && link.disabledAt == nil
                $0.member("url", isOpen ? link.url : "")
            }
        }
    }

    /// nil if the visitor asks not to be counted.
    private func recorded(
        _ link: Link, _ trigger: Trigger, _ request: Request, _ context: TributeContext,
        url: String?, referrer: String?, _ call: (endpoint: TrackEndpoint, body: ByteBuffer)? = nil
    ) async throws -> ClickID? {
        let visit = visits.request(request, context)
        if visit.isUntracked { return nil }
        var visitor = visits.visitor(visit)
        if let referrer = referrer.nonEmpty { visitor.setReferer(referrer) }
        // An app's own client has no browser's name, and is no bot for that.
        if trigger == .deeplink { visitor.isBot = false }
        var click = RecordClick(
            id: stamper.eventID(), linkID: link.id, at: stamper.now(), visitor: visitor)
        (click.url, click.trigger) = (url, trigger)
        if trigger != .deeplink { click.reportingHostname = .some(request.siteHostname) }
        click.call = call.map {
            TrackCall(
                for: click.id, $0.endpoint, body: String(buffer: $0.body),
                hostname: request.siteHostname)
        }
        guard case .click(let recorded) = try await submit(.recordClick(click)) else {
            throw APIError.internalError
        }
        clicks.recent.note(recorded, of: click)
        return recorded.id
    }

    /// `domain` may come with a scheme and a path.
    private func hostPart(_ text: String) -> Substring {
        let rest = text.ranges(of: "://").first.map { text[$0.upperBound...] } ?? text[...]
        return rest.prefix { $0 != "/" }
    }
}
