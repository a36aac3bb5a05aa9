import Logging

/// Everything that can be set about a server. The command line fills it from flags, environment
/// variables and defaults; here it is already checked.
package struct Settings: Sendable {
    package var host = "127.0.0.1"
    package var port = 8080
    package var limits = HTTPLimits()
    package var rateLimits = RateLimitPolicy.off
    /// The domain of links that are made without naming one, in workspaces that have none.
    package var defaultDomain = "localhost"
    /// Where links of the default domain are reached; nil: `https://` and the domain.
    package var publicURL: String?
    /// Names under which the API is reached: no workspace can take one as its link domain.
    package var apiHosts: [String] = []
    /// Addresses and ranges, with commas between: proxies whose `X-Forwarded-For` is believed.
    package var trustedProxies: String?
    /// The header in which those proxies name the visitor's country.
    package var countryHeader: String?
    /// An `.mmdb` file with the places of addresses.
    package var geoDatabase: String?
    /// The list of user agents' patterns (uap-core); nil: only what is built in.
    package var userAgentPatterns: String?
    package var logLevel = Logger.Level.info
    /// Adds `POST /bench/sale` and `GET /bench/redirect/{key}`, the same handlers without storage,
    /// for measuring.
    package var offersBenchRoute = false

    package init() {}
}

package struct HTTPLimits: Sendable {
    /// Bytes of a request body.
    package var bodyMax = 1 << 20
    /// Bytes of a compressed body once it is inflated.
    package var inflatedMax = 4 << 20
    /// Sales of one batch.
    package var salesMax = 1_000
    /// Seconds after which a connection without traffic is closed.
    package var idleSeconds: Int64 = 60
    /// Seconds within which the head of a request must have come: the first one's from the start of
    /// the connection, a later one's from its first byte.
    package var headSeconds: Int64 = 20
    /// Seconds within which a body must have come once its head has.
    package var bodySeconds: Int64 = 30
    /// Seconds within which a client must have taken the part of an answer that lies ready for it.
    package var answerSeconds: Int64 = 60
    /// Seconds that the rest of a body is waited for after it was answered.
    package var lingerSeconds: Int64 = 2
    /// Open connections; more wait to be accepted.
    package var connectionsMax = 10_000
    /// Connections that the system holds until they are accepted. One more is made again and again
    /// by the client's system, after 1, 3, 7… seconds. The system's own limit (somaxconn) counts,
    /// too.
    package var backlog = 4_096
    /// What a client is told to wait when the server is overloaded, seconds.
    package var retryAfterSeconds = 1

    package init() {}
}

package enum RateLimitPolicy: String, Sendable, CaseIterable {
    /// A self-hoster owns the box.
    case off
    /// What the workspace's plan allows in the hosted product.
    case plan
}
