import Attribution
import Wire

/// Where a short link is reached: `https://` and its domain, except for the default domain, which
/// an operator may serve elsewhere (`--public-url`).
struct ShortLinks: Sendable {
    let publicURL: String?
    private let defaultDomain: String
    private let defaultBase: String
    private let own: Endpoint?

    init(defaultDomain: String, publicURL: String?) {
        (self.defaultDomain, self.publicURL) = (defaultDomain, publicURL)
        defaultBase = publicURL ?? "https://\(defaultDomain)"
        own = Endpoint(defaultBase)
    }

    func url(domain: String, key: String) -> String {
        let base = domain == defaultDomain ? defaultBase : "https://\(domain)"
        return key == Link.rootKey ? base : "\(base)/\(key)"
    }

    /// This server draws the code if it knows its own address, else the hosted product does: its
    /// endpoint is open to all.
    func qrCode(_ shortLink: String) -> String {
        "\(publicURL ?? "https://api.dub.co")/qr?url=\(shortLink)?qr=1"
    }

    /// Whether a URL is on the default domain, where this server answers.
    func isOwn(_ url: String) -> Bool {
        own != nil && Endpoint(url) == own
    }

    private struct Endpoint: Equatable {
        let host: String
        let port: Substring

        init?(_ url: String) {
            guard let authority = urlAuthority(url), let host = urlHost(url) else { return nil }
            let port = portPart(authority).dropFirst()
            self.host = domainSlug(host)
            self.port = port.isEmpty ? (url.lowercased().hasPrefix("https:") ? "443" : "80") : port
        }
    }
}
