import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Wire

/// A visit of a link that is open to its visitor: where it leads, what is recorded of it, and how
/// it is answered. Nothing is looked up any more.
struct LinkVisit: Sendable {
    let destination: Destination
    /// nil: the visit is not recorded.
    let click: RecordClick?
    private let request: VisitRequest
    private let visited: QueriedURL
    private let shortLink: String

    /// - Parameter allowedHostnames: of the link's workspace.
    init(
        _ link: Link, _ request: VisitRequest, _ visitor: Visitor, _ api: API, now: Timestamp,
        allowedHostnames: [String]
    ) {
        self.request = request
        destination = Destination(
            link, request, visitor, now: now, allowedHostnames: allowedHostnames)
        visited = destination.visited
        shortLink = api.shortLinks.url(domain: link.domain, key: link.key)
        if request.isHead || request.isUntracked {
            click = nil
            return
        }
        let (id, at): (ClickID, Timestamp) = api.stamper.event()
        var click = RecordClick(id: id, linkID: link.id, at: at, visitor: visitor)
        if destination.isStore {
            click.visitor.storeVisit = api.visits.storeVisit(request, domain: link.domain)
        }
        click.url = visited.url
        click.known = LinkCookie.clickNames(link).lazy.compactMap(request.cookie).first
            .map { ClickID($0) }
        if request.queryItems.contains(where: { $0.name == "qr" && $0.value == "1" }) {
            click.trigger = .qr
        }
        self.click = click
    }

    /// Whether somebody else learns of the click from the visitor: the destination, or the app that
    /// is installed.
    var isHandedOn: Bool { destination.carriesClick || destination.isStore }

    /// Whether the visitor is sent on, rather than shown a page.
    var isSentOn: Bool {
        !destination.target.isEmpty && !isAppURL(destination.target) && !destination.link.rewrite
    }

    static let noIndex = "googlebot: noindex"

    /// - Parameter clickID: what the visitor is told; nil: nothing.
    func response(_ clickID: ClickID?) -> Response {
        let link = destination.link
        let url = destination.url(visited, click: clickID, shortLink: shortLink)
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
        for cookie in cookies(clickID) { response.headers.append(cookie) }
        return response
    }

    /// What the visitor's browser keeps.
    private func cookies(_ clickID: ClickID?) -> [HTTPField] {
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

extension API {
    /// What decides whether a visitor who is sent to a URL would come back here, and again.
    enum WayBack {
        case leadsBack
        case leadsOn
        /// Whose domain this host is. One that another workspace has taken does not count: nobody
        /// can close the links of others by naming their destination.
        case byOwner(host: String)
    }

    func wayBack(_ url: String, _ request: VisitRequest) -> WayBack {
        guard let host = urlHost(url) else { return .leadsOn }
        if shortLinks.isOwn(url) { return .leadsBack }
        let authority = urlAuthority(url).map { $0.lowercased() }
        if let own = request.authority?.lowercased(), authority == own { return .leadsBack }
        return .byOwner(host: host)
    }
}

extension Response {
    /// The URL is one that was checked when the link was made: no white space, no control
    /// characters. Letters beyond ASCII are percent-encoded here.
    static func onward(to url: String, _ status: HTTPResponse.Status = .found) -> Response {
        if url.utf8.allSatisfy({ $0 < 0x80 }) { return onward(toASCII: url, status) }
        var location = ""
        for scalar in url.unicodeScalars {
            if scalar.isASCII {
                location.unicodeScalars.append(scalar)
            } else {
                location += percentEncoded(String(scalar))
            }
        }
        return onward(toASCII: location, status)
    }

    private static func onward(toASCII url: String, _ status: HTTPResponse.Status) -> Response {
        Response(status: status, headers: [.location: url, .poweredBy: "Tribute"], body: .init())
    }
}
