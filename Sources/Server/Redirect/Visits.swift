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

    func visitor(_ request: Request, _ context: TributeContext) -> Visitor {
        var visitor = Visitor()
        let address = address(request, context)
        visitor.userAgent = request.headers[.userAgent].map { String($0.prefix(1_024)) }
        visitor.refererURL = request.headers[.referer].map { String($0.prefix(2_048)) }
        visitor.referer = visitor.refererURL.flatMap(urlHost)
        visitor.identity = sha256Hex("\(address ?? "")-\(visitor.userAgent ?? "")")
        let agent = agents.agent(visitor.userAgent ?? "")
        (visitor.browser, visitor.os, visitor.device) = (agent.browser, agent.os, agent.device)
        visitor.isBot = agent.isBot || request.queryItems.contains { $0.name == "bot" }
        let place = address.flatMap { places?.place(of: $0) }
        visitor.country = country(request, context) ?? place?.country
        (visitor.continent, visitor.region) = (place?.continent, place?.region)
        visitor.city = place?.city
        // Contract: no addresses of people in the European Union are kept.
        visitor.ip = visitor.country.map(europeanUnion.contains) == true ? nil : address
        return visitor
    }

    /// What the app of a link finds its visitor by.
    func storeVisit(_ request: Request, _ context: TributeContext, domain: String) -> String {
        sha256Hex("store-\(address(request, context) ?? "")-\(domain)")
    }

    func address(_ request: Request, _ context: TributeContext) -> String? {
        guard let trustedProxies else { return context.address }
        return clientAddress(
            peer: context.address, forwardedFor: request.headers[values: .forwardedFor],
            trusted: trustedProxies)
    }

    private func country(_ request: Request, _ context: TributeContext) -> String? {
        guard let countryHeader, let peer = context.address,
            trustedProxies?.contains(peer) == true,
            let country = request.headers[countryHeader]?.uppercased(), country.utf8.count == 2,
            country.utf8.allSatisfy({ (65...90).contains($0) }), country != "XX"
        else { return nil }
        return country
    }
}

private let europeanUnion: Set<String> = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT",
    "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
]

extension Request {
    /// Whether the visitor asks not to be counted.
    var isUntracked: Bool {
        queryItems.contains { $0.name == "dub-no-track" } || headers[.noTrack] != nil
    }

    func cookie(_ name: String) -> String? {
        for header in headers[values: .cookie] {
            for part in header.split(separator: ";") {
                let pair = part.split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if pair.count == 2, trim(String(pair[0])) == name {
                    return percentDecoded(trim(String(pair[1])))
                }
            }
        }
        return nil
    }
}

/// What the redirect leaves with the visitor. Names are tokens: slashes are percent-encoded.
enum LinkCookie {
    static func clickName(_ link: Link) -> String {
        percentEncoded("dub_id_\(link.domain)_\(link.key)")
    }
    static func passwordName(_ link: Link) -> String { "dub_password_\(link.id)" }
    static let testName = "dub_test_url"

    static func header(
        _ name: String, _ value: String, _ link: Link, seconds: Int, isSecret: Bool = false
    ) -> HTTPField {
        let path = link.key == Link.rootKey ? "" : encodedPath(link.key)
        return HTTPField(
            name: .setCookie,
            value: "\(name)=\(percentEncoded(value)); Path=/\(path); Max-Age=\(seconds)"
                + (isSecret ? "; HttpOnly; SameSite=Lax" : ""))
    }

    private static func encodedPath(_ key: String) -> String {
        key.split(separator: "/", omittingEmptySubsequences: false)
            .map { percentEncoded(String($0)) }.joined(separator: "/")
    }
}
