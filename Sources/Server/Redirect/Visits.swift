import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Visitors
import Wire

/// Who follows a link, as far as the request tells, and as far as it is believed.
struct VisitReader: Sendable {
    let agents: UserAgents
    /// nil: no database was given.
    let places: Places?
    /// Proxies whose word on the visitor's address and country is taken.
    let trustedProxies: AddressRanges?
    /// The header in which they name the country.
    let countryHeader: HTTPField.Name?

    /// The request as far as visits look at it.
    func request(_ request: Request, _ context: TributeContext) -> VisitRequest {
        VisitRequest(request, address: context.address, countryHeader: countryHeader)
    }

    /// Whether the visitor is told in a moment: an event loop must not be held up by agents that
    /// nobody has ever heard of.
    func isQuick(_ request: VisitRequest) -> Bool { agents.isKnown(userAgent(request) ?? "") }

    private func userAgent(_ request: VisitRequest) -> String? {
        request.userAgent?.cut(to: 1_024)
    }

    func visitor(_ request: VisitRequest) -> Visitor {
        var visitor = Visitor()
        let address = address(request)
        visitor.userAgent = userAgent(request)
        visitor.setReferer(request.referer)
        visitor.identity = sha256Hex("\(address ?? "")-\(visitor.userAgent ?? "")")
        let agent = agents.agent(visitor.userAgent ?? "")
        (visitor.browser, visitor.os, visitor.device) = (agent.browser, agent.os, agent.device)
        visitor.isBot = agent.isBot || request.queryItems.contains { $0.name == "bot" }
        let place = address.flatMap { places?.place(of: $0) }
        visitor.country = country(request) ?? place?.country
        visitor.continent =
            visitor.country.flatMap(Countries.continent) ?? place?.continent
        visitor.region = place?.region
        visitor.city = place?.city
        // Contract: no addresses of people in the European Union are kept.
        visitor.ip = visitor.country.map(Countries.europeanUnion.contains) == true ? nil : address
        return visitor
    }

    /// What the app of a link finds its visitor by.
    func storeVisit(_ request: VisitRequest, domain: String) -> String {
        sha256Hex("store-\(address(request) ?? "")-\(domain)")
    }

    func address(_ request: VisitRequest) -> String? {
        guard let trustedProxies else { return request.address }
        return clientAddress(
            peer: request.address, forwardedFor: request.forwardedFor, trusted: trustedProxies)
    }

    private func country(_ request: VisitRequest) -> String? {
        guard let peer = request.address, trustedProxies?.contains(peer) == true,
            let country = request.country?.uppercased(),
            Countries.continent(of: country) != nil
        else { return nil }
        return country
    }
}

extension String {
    /// The first so many characters.
    fileprivate func cut(to countMax: Int) -> String {
        utf8.count <= countMax ? self : String(prefix(countMax))
    }
}

extension Visitor {
    /// An empty one is none.
    mutating func setReferer(_ text: String?) {
        refererURL = text.nonEmpty?.cut(to: 2_048)
        referer = refererURL.flatMap(urlHost).map { normalizedHostname($0) }
    }
}

/// What the redirect leaves with the visitor, for the path that was asked for.
enum LinkCookie {
    /// Names are tokens: slashes are percent-encoded.
    static func clickName(_ link: Link) -> String { percentEncoded(plainClickName(link)) }
    /// As it may come back; others write the slashes of a key as they are.
    static func clickNames(_ link: Link) -> [String] { [clickName(link), plainClickName(link)] }
    private static func plainClickName(_ link: Link) -> String {
        "dub_id_\(link.domain)_\(link.key)"
    }
    static func passwordName(_ link: Link) -> String { "dub_password_\(link.id)" }
    static let testName = "dub_test_url"

    static func header(
        _ name: String, _ value: String, _ request: VisitRequest, seconds: Int,
        isSecret: Bool = false
    ) -> HTTPField {
        HTTPField(
            name: .setCookie,
            value: "\(name)=\(percentEncoded(value)); Path=\(path(request)); Max-Age=\(seconds)"
                + (isSecret ? "; HttpOnly; SameSite=Lax" : ""))
    }

    /// To the letter as it was asked for: browsers compare it so. Nothing that could end it.
    private static func path(_ request: VisitRequest) -> String {
        var bytes = Array(request.path.utf8)
        let slash = UInt8(ascii: "/")
        while bytes.count > 1, bytes.last == slash { bytes.removeLast() }
        bytes = [slash] + bytes.drop { $0 == slash }
        return bytes.reduce(into: "") { path, byte in
            let isPlain = byte > 0x20 && byte < 0x7F && !"\";<>\\".utf8.contains(byte)
            let scalar = String(Unicode.Scalar(byte))
            path += isPlain ? scalar : percentEncoded(scalar)
        }
    }
}
