import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import Wire

/// Following a short link: the click is accepted, then the visitor goes on.
extension API {
    /// Any path of a workspace's link domain.
    func redirect(
        _ request: Request, _ context: TributeContext, domain: Domain
    ) async throws -> Response {
        let key = try key(request)
        let visit = visits.request(request, context)
        if let file = wellKnownFile(key, domain) { return file }
        if LinkKey.isForOthers(key) { return .onward(to: "/?dub-no-track=1") }
        if let link = try await directory.link(on: domain, key: key) {
            return try await follow(link, visit, domain)
        }
        if let plain = inspectedKey(key),
            let link = try await directory.link(on: domain, key: plain)
        {
            return try await inspect(link, visit, domain)
        }
        return try await notFound(domain, visit)
    }

    /// A path of the API's own host that is no endpoint.
    func redirectWithoutDomain(
        _ request: Request, _ context: TributeContext
    ) async throws -> Response {
        let key = try key(request)
        let visit = visits.request(request, context)
        if let link = try await directory.linkWithoutDomain(key: key, host: request.hostname) {
            return try await follow(link, visit, nil)
        }
        if let plain = inspectedKey(key),
            let link = try await directory.linkWithoutDomain(key: plain, host: request.hostname)
        {
            return try await inspect(link, visit, nil)
        }
        throw APIError(
            .notFound, "There is no endpoint and no link at \(request.uri.path.prefix(200)).")
    }

    private func key(_ request: Request) throws -> String {
        guard let key = LinkKey.inPath(request.uri.path) else {
            throw APIError(.badRequest, "The path is not valid percent-encoded UTF-8.")
        }
        return key
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

    /// `/key+` asks where `/key` leads.
    private func inspectedKey(_ key: String) -> String? {
        key.hasSuffix("+") ? String(key.dropLast()) : nil
    }

    /// Where a link leads, unless it is behind a password.
    private func inspect(
        _ link: Link, _ request: VisitRequest, _ domain: Domain?
    ) async throws -> Response {
        if link.password.nonEmpty != nil || link.disabledAt != nil {
            return try await follow(link, request, domain)
        }
        return WebPage.inspect(link, shortLink: shortLinks.url(domain: link.domain, key: link.key))
    }

    private func notFound(_ domain: Domain?, _ request: VisitRequest) async throws -> Response {
        guard let domain else { return WebPage.notFound }
        return try await elsewhere(
            domain.notFoundURL, .temporaryRedirect, request, domain.workspaceID)
            ?? WebPage.notFound
    }

    private func follow(
        _ link: Link, _ request: VisitRequest, _ domain: Domain?
    ) async throws -> Response {
        let now = stamper.now()
        switch gate(link, request, now) {
        case .password(let page): return page
        case .disabled: return try await notFound(domain, request)
        case .expired:
            let url = link.expiredURL ?? domain?.expiredURL
            return try await elsewhere(url, .found, request, link.workspaceID)
                ?? WebPage.expired
        case .open: return try await visit(link, request, now)
        }
    }

    /// What stands between a visitor and a link.
    enum Gate {
        case open
        case password(Response)
        case disabled
        case expired
    }

    func gate(_ link: Link, _ request: VisitRequest, _ now: Timestamp) -> Gate {
        if let page = passwordPage(link, request, now) { return .password(page) }
        if link.disabledAt != nil { return .disabled }
        return link.expiresAt.map { $0 <= now } == true ? .expired : .open
    }

    private static let guessesPerMinute = 30

    /// nil if there is no password, or the visitor brings it.
    private func passwordPage(
        _ link: Link, _ request: VisitRequest, _ now: Timestamp
    ) -> Response? {
        guard let password = link.password.nonEmpty else { return nil }
        if isSame(request.cookie(LinkCookie.passwordName(link)), password) { return nil }
        guard let given = request.queryItems.first(where: { $0.name == "pw" })?.value else {
            return WebPage.password(isWrong: false, with: request.queryItems)
        }
        let guesser = "\(link.id) \(visits.address(request) ?? "")"
        if wrongGuesses.isExhausted(guesser, perMinute: Self.guessesPerMinute, now: now) {
            return WebPage.tooManyGuesses
        }
        if isSame(given, password) { return nil }
        _ = try? wrongGuesses.admit(guesser, perMinute: Self.guessesPerMinute, now: now)
        return WebPage.password(isWrong: true, with: request.queryItems)
    }

    private func visit(
        _ link: Link, _ request: VisitRequest, _ now: Timestamp
    ) async throws -> Response {
        let allowed = try await directory.allowedHostnames(of: link.workspaceID)
        guard let visit = openVisit(link, request, now, allowedHostnames: allowed) else {
            return WebPage.preview(
                link, shortLink: shortLinks.url(domain: link.domain, key: link.key))
        }
        // Without the parameter that named it, the next link is not the same again.
        if !visit.destination.isChosenByVisitor,
            try await leadsBack(visit.destination.target, request, link.workspaceID)
        {
            return WebPage.loop
        }
        guard let click = visit.click else { return visit.response(nil) }
        return visit.response(
            await clicks.told(click, isHandedOn: visit.isHandedOn))
    }

    /// nil: the visitor is a bot, who is shown a page that tells of the link.
    ///
    /// - Parameter allowedHostnames: of the link's workspace.
    func openVisit(
        _ link: Link, _ request: VisitRequest, _ now: Timestamp, allowedHostnames: [String]
    ) -> LinkVisit? {
        let visitor = visits.visitor(request)
        if visitor.isBot || request.isHead, link.proxy { return nil }
        return LinkVisit(
            link, request, visitor, self, now: now, allowedHostnames: allowedHostnames)
    }

    /// The redirect up to the point where something would be stored.
    func benchRedirect(_ request: Request, _ context: TributeContext) async throws -> Response {
        let visit = visits.request(request, context)
        guard let key = LinkKey.inPath(try context.pathParameter("key")),
            let link = try await directory.linkWithoutDomain(key: key, host: visit.hostname)
        else { throw APIError(.notFound, "There is no link of that key.") }
        let allowed = try await directory.allowedHostnames(of: link.workspaceID)
        let now = stamper.now()
        guard case .open = gate(link, visit, now),
            let open = openVisit(link, visit, now, allowedHostnames: allowed),
            try await !leadsBack(open.destination.target, visit, link.workspaceID)
        else { throw APIError(.notFound, "The link can't be followed.") }
        return open.response(open.click?.id)
    }

    /// On to an address that a link or domain names in place of a destination; nil if there is none
    /// or if it leads back here, and again.
    private func elsewhere(
        _ url: String?, _ status: HTTPResponse.Status, _ request: VisitRequest,
        _ workspaceID: WorkspaceID
    ) async throws -> Response? {
        guard let url, try await !leadsBack(url, request, workspaceID) else { return nil }
        var response = Response.onward(to: url, status)
        response.headers[.robotsTag] = LinkVisit.noIndex
        return response
    }

    private func leadsBack(
        _ url: String, _ request: VisitRequest, _ workspaceID: WorkspaceID
    ) async throws -> Bool {
        switch wayBack(url, request) {
        case .leadsBack: true
        case .leadsOn: false
        case .byOwner(let host):
            try await directory.domain(host: host)?.workspaceID == workspaceID
        }
    }
}
