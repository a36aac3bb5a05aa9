import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import Logging
import Wire

/// Following a short link: the click is recorded, then the visitor goes on.
extension API {
    /// Any path of a workspace's link domain.
    func redirect(
        _ request: Request, _ context: TributeContext, domain: Domain
    ) async throws -> Response {
        let key = try keyPart(request)
        if let file = wellKnownFile(key, domain) { return file.answering(request) }
        let folded = key.lowercased()
        if folded.hasPrefix(".well-known") || folded.hasSuffix(".php") || folded.hasSuffix(".php7")
        {
            return .onward(to: "/?dub-no-track=1")
        }
        let link = try await directory.link(
            domain: domain.slug, key: key.isEmpty ? Link.rootKey : key)
        if let link {
            return try await follow(link, request, context, domain).answering(request)
        }
        if let page = try await inspection(key, domain.slug) { return page.answering(request) }
        return notFound(domain, request).answering(request)
    }

    /// A path of the API's own host that is no endpoint.
    func redirectWithoutDomain(
        _ request: Request, _ context: TributeContext
    ) async throws -> Response {
        let key = try keyPart(request)
        if let link = try await directory.linkWithoutDomain(key: key) {
            return try await follow(link, request, context, nil).answering(request)
        }
        if let page = try await inspection(key, nil) { return page.answering(request) }
        throw APIError(
            .notFound, "There is no endpoint and no link at \(request.uri.path.prefix(200)).")
    }

    /// The path without the slashes at its ends, as keys are kept.
    private func keyPart(_ request: Request) throws -> String {
        var path = request.uri.path[...]
        while path.first == "/" { path.removeFirst() }
        while path.last == "/" { path.removeLast() }
        guard let key = percentDecoded(path), !key.utf8.contains(0) else {
            throw APIError(.badRequest, "The path is not valid percent-encoded UTF-8.")
        }
        return punycoded(key)
    }

    private func wellKnownFile(_ key: String, _ domain: Domain) -> Response? {
        let text: String? =
            switch key {
            case ".well-known/assetlinks.json": domain.assetLinks
            case ".well-known/apple-app-site-association", "apple-app-site-association":
                domain.appleAppSiteAssociation
            default: nil
            }
        return text.map { .json(text: $0, headers: [.poweredBy: "Tribute"]) }
    }

    /// `/key+` shows where the link leads, unless it is behind a password.
    private func inspection(_ key: String, _ domain: String?) async throws -> Response? {
        guard key.hasSuffix("+") else { return nil }
        let plain = String(key.dropLast())
        let link =
            if let domain {
                try await directory.link(domain: domain, key: plain)
            } else {
                try await directory.linkWithoutDomain(key: plain)
            }
        guard let link, link.password.nonEmpty == nil, link.disabledAt == nil else { return nil }
        return WebPage.inspect(link, shortLink: shortLinks.url(domain: link.domain, key: link.key))
    }

    private func notFound(_ domain: Domain?, _ request: Request) -> Response {
        guard let domain, let url = domain.notFoundURL,
            // A page of the domain itself is found by its own link only.
            urlHost(url).map(domainSlug) != domain.slug
        else { return WebPage.notFound }
        return .onward(to: url, .temporaryRedirect)
    }

    private func follow(
        _ link: Link, _ request: Request, _ context: TributeContext, _ domain: Domain?
    ) async throws -> Response {
        if let password = link.password.nonEmpty {
            let given = request.queryItems.first { $0.name == "pw" }?.value
            let known = request.cookie(LinkCookie.passwordName(link))
            guard [given, known].contains(where: { $0.map { isSame($0, password) } == true })
            else { return WebPage.password(isWrong: given != nil, with: request.queryItems) }
        }
        if link.disabledAt != nil { return notFound(domain, request) }
        let now = stamper.now()
        if let expiresAt = link.expiresAt, expiresAt <= now {
            guard let url = link.expiredURL ?? domain?.expiredURL else { return WebPage.expired }
            return .onward(to: url)
        }
        var visitor = visits.visitor(request, context)
        if visitor.isBot, link.proxy {
            return WebPage.preview(
                link, shortLink: shortLinks.url(domain: link.domain, key: link.key))
        }
        let allowed = try await directory.allowedHostnames(of: link.workspaceID)
        let destination = Destination(
            link, request, visitor, now: now, allowedHostnames: allowed)
        guard try await !leadsBack(destination, request) else { return WebPage.loop }
        if destination.isStore {
            visitor.storeVisit = visits.storeVisit(request, context, domain: link.domain)
        }
        var clickID: ClickID?
        if request.method != .head, !request.isUntracked {
            clickID = await recordedClick(destination, visitor, context)
        }
        return answer(destination, clickID)
    }

    /// Whether the visitor would come back here, and again.
    private func leadsBack(_ destination: Destination, _ request: Request) async throws -> Bool {
        guard let host = urlHost(destination.target),
            // Without the parameter that named it, the next link is not the same again.
            !request.queryItems.contains(where: { $0.name == "redir_url" })
        else { return false }
        if shortLinks.isOwn(destination.target) { return true }
        let authority = urlAuthority(destination.target).map { $0.lowercased() }
        if let own = request.head.authority?.lowercased(), authority == own { return true }
        return try await directory.domain(host: host) != nil
    }

    /// nil if the click could not be recorded: the visitor goes on all the same.
    private func recordedClick(
        _ destination: Destination, _ visitor: Visitor, _ context: TributeContext
    ) async -> ClickID? {
        let (link, request) = (destination.link, destination.request)
        var click = RecordClick(
            id: stamper.eventID(), linkID: link.id, at: stamper.now(), visitor: visitor)
        click.url = destination.visited
        click.known = request.cookie(LinkCookie.clickName(link)).map { ClickID($0) }
        if request.queryItems.contains(where: { $0.name == "qr" && $0.value == "1" }) {
            click.trigger = .qr
        }
        do {
            guard case .click(let recorded) = try await submit(.recordClick(click)) else {
                return nil
            }
            return recorded.id
        } catch {
            context.logger.error("click not recorded", metadata: ["link": "\(link.id)"])
            return nil
        }
    }

    private func answer(_ destination: Destination, _ clickID: ClickID?) -> Response {
        let link = destination.link
        let url = destination.url(
            click: clickID, shortLink: shortLinks.url(domain: link.domain, key: link.key))
        var response: Response
        if url.isEmpty {
            response = WebPage.nothingYet
        } else if isAppURL(url) {
            response = WebPage.app(url)
        } else if link.rewrite {
            response = WebPage.frame(link, url: url)
        } else {
            response = .onward(
                to: url, link.key == Link.rootKey ? .movedPermanently : .found)
        }
        response.headers[.robotsTag] = link.doIndex ? nil : "googlebot: noindex"
        // A browser must ask again: the next visit is a click of its own.
        if response.status == .movedPermanently { response.headers[.cacheControl] = "no-cache" }
        if let clickID {
            response.headers.append(
                LinkCookie.header(
                    LinkCookie.clickName(link), clickID.text, link, seconds: 3_600))
        }
        if let variant = destination.variant {
            response.headers.append(
                LinkCookie.header(LinkCookie.testName, variant, link, seconds: 604_800))
        }
        if let password = link.password.nonEmpty {
            response.headers.append(
                LinkCookie.header(
                    LinkCookie.passwordName(link), password, link, seconds: 604_800,
                    isSecret: true))
        }
        return response
    }
}

extension Response {
    /// The URL is one that was checked when the link was made: no white space, no control
    /// characters. Letters beyond ASCII are percent-encoded here.
    static func onward(to url: String, _ status: HTTPResponse.Status = .found) -> Response {
        var location = ""
        for scalar in url.unicodeScalars {
            if scalar.isASCII {
                location.unicodeScalars.append(scalar)
            } else {
                location += percentEncoded(String(scalar))
            }
        }
        return Response(
            status: status, headers: [.location: location, .poweredBy: "Tribute"], body: .init())
    }

    /// Without the body if only the head was asked for.
    fileprivate func answering(_ request: Request) -> Response {
        guard request.method == .head else { return self }
        return Response(status: status, headers: headers, body: .init())
    }
}
