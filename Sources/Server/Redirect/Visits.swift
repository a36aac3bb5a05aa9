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
        visitor.setReferer(request.headers[.referer])
        visitor.identity = sha256Hex("\(address ?? "")-\(visitor.userAgent ?? "")")
        let agent = agents.agent(visitor.userAgent ?? "")
        (visitor.browser, visitor.os, visitor.device) = (agent.browser, agent.os, agent.device)
        visitor.isBot = agent.isBot || request.queryItems.contains { $0.name == "bot" }
        let place = address.flatMap { places?.place(of: $0) }
        visitor.country = country(request, context) ?? place?.country
        visitor.continent =
            visitor.country.flatMap(Countries.continent) ?? place?.continent
        visitor.region = place?.region
        visitor.city = place?.city
        // Contract: no addresses of people in the European Union are kept.
        visitor.ip = visitor.country.map(Countries.europeanUnion.contains) == true ? nil : address
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
            let country = request.headers[countryHeader]?.uppercased(),
            Countries.continent(of: country) != nil
        else { return nil }
        return country
    }
}

extension Visitor {
    /// An empty one is none.
    mutating func setReferer(_ text: String?) {
        refererURL = text.nonEmpty.map { String($0.prefix(2_048)) }
        referer = refererURL.flatMap(urlHost).map { normalizedHostname($0) }
    }
}

extension Request {
    /// Whether the visitor asks not to be counted.
    var isUntracked: Bool {
        queryItems.contains { $0.name == "dub-no-track" } || headers[.noTrack] != nil
    }

    package func cookie(_ name: String) -> String? {
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
        _ name: String, _ value: String, _ request: Request, seconds: Int, isSecret: Bool = false
    ) -> HTTPField {
        HTTPField(
            name: .setCookie,
            value: "\(name)=\(percentEncoded(value)); Path=\(path(request)); Max-Age=\(seconds)"
                + (isSecret ? "; HttpOnly; SameSite=Lax" : ""))
    }

    /// To the letter as it was asked for: browsers compare it so. Nothing that could end it.
    private static func path(_ request: Request) -> String {
        var bytes = Array(request.uri.path.utf8)
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
