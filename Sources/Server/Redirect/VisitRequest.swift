import HTTPTypes
import Hummingbird
import Wire

/// What following a link looks at in a request, whoever has read it.
package struct VisitRequest: Sendable {
    var isHead = false
    /// As it was asked for, percent-encoded.
    var path: String
    let query: String?
    /// The parameters of the query.
    package let queryItems: [(name: String, value: String)]
    /// What the `Host` header says.
    var authority: String?
    /// The peer's.
    var address: String?
    var userAgent: String?
    var referer: String?
    /// A text for each header of the name.
    var forwardedFor: [String] = []
    var cookies: [String] = []
    /// What the header says in which proxies name the country.
    var country: String?
    /// Whether the header asks not to be counted; a parameter may, too.
    var hasNoTrackHeader = false

    init(path: String, query: String?) {
        (self.path, self.query) = (path, query)
        queryItems = Wire.queryItems(query)
    }

    /// - Parameter countryHeader: the name of the header that names the country.
    package init(
        _ request: Request, address: String?, countryHeader: HTTPField.Name? = nil
    ) {
        self.init(path: request.uri.path, query: request.uri.query)
        isHead = request.method == .head
        authority = request.head.authority
        self.address = address
        userAgent = request.headers[.userAgent]
        referer = request.headers[.referer]
        forwardedFor = request.headers[values: .forwardedFor]
        cookies = request.headers[values: .cookie]
        country = countryHeader.flatMap { request.headers[$0] }
        hasNoTrackHeader = request.headers[.noTrack] != nil
    }

    /// Whether the visitor asks not to be counted.
    var isUntracked: Bool {
        hasNoTrackHeader || queryItems.contains { $0.name == "dub-no-track" }
    }

    var hostname: String { apiHostname(authority ?? "") }

    package func cookie(_ name: String) -> String? {
        for header in cookies {
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
