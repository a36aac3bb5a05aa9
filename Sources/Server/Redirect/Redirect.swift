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
        let key = try key(request)
        if let file = wellKnownFile(key, domain) { return file }
        if LinkKey.isForOthers(key) { return .onward(to: "/?dub-no-track=1") }
        if let link = try await directory.link(on: domain, key: key) {
            return try await follow(link, request, context, domain)
        }
        if let plain = inspectedKey(key),
            let link = try await directory.link(on: domain, key: plain)
        {
            return try await inspect(link, request, context, domain)
        }
        return try await notFound(domain, request)
    }

    /// A path of the API's own host that is no endpoint.
    func redirectWithoutDomain(
        _ request: Request, _ context: TributeContext
    ) async throws -> Response {
        let key = try key(request)
        if let link = try await directory.linkWithoutDomain(key: key, host: request.hostname) {
            return try await follow(link, request, context, nil)
        }
        if let plain = inspectedKey(key),
            let link = try await directory.linkWithoutDomain(key: plain, host: request.hostname)
        {
            return try await inspect(link, request, context, nil)
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
        _ link: Link, _ request: Request, _ context: TributeContext, _ domain: Domain?
    ) async throws -> Response {
        if link.password.nonEmpty != nil || link.disabledAt != nil {
            return try await follow(link, request, context, domain)
        }
        return WebPage.inspect(link, shortLink: shortLinks.url(domain: link.domain, key: link.key))
    }

    private func notFound(_ domain: Domain?, _ request: Request) async throws -> Response {
        guard let domain else { return WebPage.notFound }
        return try await elsewhere(
            domain.notFoundURL, .temporaryRedirect, request, domain.workspaceID)
            ?? WebPage.notFound
    }

    private func follow(
        _ link: Link, _ request: Request, _ context: TributeContext, _ domain: Domain?
    ) async throws -> Response {
        let now = stamper.now()
        if let page = passwordPage(link, request, context, now) { return page }
        if link.disabledAt != nil { return try await notFound(domain, request) }
        if let expiresAt = link.expiresAt, expiresAt <= now {
            let url = link.expiredURL ?? domain?.expiredURL
            return try await elsewhere(url, .found, request, link.workspaceID)
                ?? WebPage.expired
        }
        return try await visit(link, request, context, now)
    }

    private static let guessesPerMinute = 30

    /// nil if there is no password, or the visitor brings it.
    private func passwordPage(
        _ link: Link, _ request: Request, _ context: TributeContext, _ now: Timestamp
    ) -> Response? {
        guard let password = link.password.nonEmpty else { return nil }
        if isSame(request.cookie(LinkCookie.passwordName(link)), password) { return nil }
        guard let given = request.queryItems.first(where: { $0.name == "pw" })?.value else {
            return WebPage.password(isWrong: false, with: request.queryItems)
        }
        let guesser = "\(link.id) \(visits.address(request, context) ?? "")"
        if wrongGuesses.isExhausted(guesser, perMinute: Self.guessesPerMinute, now: now) {
            return WebPage.tooManyGuesses
        }
        if isSame(given, password) { return nil }
        _ = try? wrongGuesses.admit(guesser, perMinute: Self.guessesPerMinute, now: now)
        return WebPage.password(isWrong: true, with: request.queryItems)
    }

    private func visit(
        _ link: Link, _ request: Request, _ context: TributeContext, _ now: Timestamp
    ) async throws -> Response {
        var visitor = visits.visitor(request, context)
        if visitor.isBot || request.method == .head, link.proxy {
            return WebPage.preview(
                link, shortLink: shortLinks.url(domain: link.domain, key: link.key))
        }
        let allowed = try await directory.allowedHostnames(of: link.workspaceID)
        let destination = Destination(
            link, request, visitor, now: now, allowedHostnames: allowed)
        // Without the parameter that named it, the next link is not the same again.
        if !destination.isChosenByVisitor,
            try await leadsBack(destination.target, request, link.workspaceID)
        {
            return WebPage.loop
        }
        if destination.isStore {
            visitor.storeVisit = visits.storeVisit(request, context, domain: link.domain)
        }
        let visited = destination.visited
        var clickID: ClickID?
        if request.method != .head, !request.isUntracked {
            clickID = await recordedClick(destination, visited.url, request, visitor, context)
        }
        let shortLink = shortLinks.url(domain: link.domain, key: link.key)
        let url = destination.url(visited, click: clickID, shortLink: shortLink)
        return answer(
            destination, url, cookies: cookies(destination, clickID, request))
    }

    /// On to an address that a link or domain names in place of a destination; nil if there is none
    /// or if it leads back here, and again.
    private func elsewhere(
        _ url: String?, _ status: HTTPResponse.Status, _ request: Request,
        _ workspaceID: WorkspaceID
    ) async throws -> Response? {
        guard let url, try await !leadsBack(url, request, workspaceID) else { return nil }
        var response = Response.onward(to: url, status)
        response.headers[.robotsTag] = Self.noIndex
        return response
    }

    /// Whether the visitor would come back here, and again. A domain that another workspace has
    /// taken does not count: nobody can close the links of others by naming their destination.
    private func leadsBack(
        _ url: String, _ request: Request, _ workspaceID: WorkspaceID
    ) async throws -> Bool {
        guard let host = urlHost(url) else { return false }
        if shortLinks.isOwn(url) { return true }
        let authority = urlAuthority(url).map { $0.lowercased() }
        if let own = request.head.authority?.lowercased(), authority == own { return true }
        return try await directory.domain(host: host)?.workspaceID == workspaceID
    }

    /// nil if the click could not be recorded: the visitor goes on all the same.
    private func recordedClick(
        _ destination: Destination, _ url: String, _ request: Request, _ visitor: Visitor,
        _ context: TributeContext
    ) async -> ClickID? {
        let link = destination.link
        var click = RecordClick(
            id: stamper.eventID(), linkID: link.id, at: stamper.now(), visitor: visitor)
        click.url = url
        click.known = LinkCookie.clickNames(link).lazy.compactMap(request.cookie).first
            .map { ClickID($0) }
        if request.queryItems.contains(where: { $0.name == "qr" && $0.value == "1" }) {
            click.trigger = .qr
        }
        do {
            guard case .click(let recorded) = try await submit(.recordClick(click)) else {
                return nil
            }
            return recorded.id
        } catch {
            // A link that was deleted meanwhile has no clicks; anything else is a loss.
            let wasRefused = (error as? APIError).map { $0.status.code < 500 } ?? false
            context.logger.log(
                level: wasRefused ? .debug : .error, "click not recorded",
                metadata: ["link": "\(link.id)", "error": "\(error)"])
            return nil
        }
    }

    private static let noIndex = "googlebot: noindex"

    private func answer(
        _ destination: Destination, _ url: String, cookies: [HTTPField]
    ) -> Response {
        let link = destination.link
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
        response.headers[.robotsTag] = link.doIndex ? nil : Self.noIndex
        // A browser must ask again: the next visit is a click of its own.
        if response.status == .movedPermanently { response.headers[.cacheControl] = "no-cache" }
        for cookie in cookies { response.headers.append(cookie) }
        return response
    }

    /// What the visitor's browser keeps.
    private func cookies(
        _ destination: Destination, _ clickID: ClickID?, _ request: Request
    ) -> [HTTPField] {
        let link = destination.link
        var cookies: [HTTPField] = []
        if let clickID {
            cookies.append(
                LinkCookie.header(
                    LinkCookie.clickName(link), clickID.text, request, seconds: 3_600))
        }
        if let variant = destination.variant {
            cookies.append(
                LinkCookie.header(LinkCookie.testName, variant, request, seconds: 604_800))
        }
        if let password = link.password.nonEmpty {
            cookies.append(
                LinkCookie.header(
                    LinkCookie.passwordName(link), password, request, seconds: 604_800,
                    isSecret: true))
        }
        return cookies
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
}
