import Attribution
import CoreMetrics
import Hummingbird
import Integrations
import Ledger
import Metrics
import NIOCore
import Wire

/// What the fast lane answers: visitors of links (`FastRedirects`), and track calls of callers who
/// were let in before, by what the caches know of them. The commit makes sure that it still holds.
/// Whoever is not known, and whatever is wrong with a call before it is a command, is left to the
/// handlers behind: they do the same, and say what is wrong.
final class FastEndpoints: Sendable {
    enum Endpoint: Sendable {
        case track(TrackEndpoint)
        case benchSale
    }

    enum Result: Sendable {
        /// The whole answer, head and body.
        case answer(ByteBuffer)
        /// To be answered behind. Nothing was done.
        case behind
    }

    /// Who called last on a connection; most clients are the same all along.
    struct Memory {
        fileprivate var authorization: [UInt8] = []
        fileprivate var host: [UInt8] = []
        fileprivate var caller: KnownCaller?
    }

    /// Bytes of the longest body. Bodies of real calls are a few hundred.
    private static let bodyMax = 64 << 10

    private let api: API
    private let dates = ResponseDates()
    private let targets: [(target: [UInt8], endpoint: Endpoint, metrics: RouteMetrics)]
    private let redirects: FastRedirects?
    /// Requests that were answered here.
    let answers: Counter

    /// nil: there is nothing to answer here.
    init?(api: API, metrics: PrometheusMetrics) {
        self.api = api
        redirects = FastRedirects(api: api, dates: dates, metrics: metrics)
        answers = Counter(label: "tribute_fast_lane_answers", factory: metrics)
        // What plans limit is counted in one place.
        guard api.settings.rateLimits == .off else {
            targets = []
            if redirects == nil { return nil }
            return
        }
        var endpoints: [(path: String, endpoint: Endpoint)] = [
            ("/track/sale", .track(.sale)), ("/track/lead", .track(.lead)),
        ]
        if api.settings.offersBenchRoute { endpoints.append(("/bench/sale", .benchSale)) }
        targets = endpoints.flatMap { path, endpoint in
            let metrics = RouteMetrics("POST", path, factory: metrics)
            return ["", "/api"].map { (Array(($0 + path).utf8), endpoint, metrics) }
        }
    }

    /// nil: it is none of these.
    func request(_ head: RequestHead, _ bytes: ByteBuffer) -> FastRequest? {
        if let redirects, redirects.mayFollow(head, bytes) {
            return FastRequest(endpoint: .redirect, head: head)
        }
        guard head.method == .post, head.contentLength <= Self.bodyMax,
            head.authorization != nil
        else { return nil }
        let index = bytes.withUnsafeReadableBytes { bytes in
            targets.firstIndex {
                $0.target.count == head.target.count
                    && bytes[head.target].elementsEqual($0.target)
            }
        }
        return index.map { FastRequest(endpoint: .track($0), head: head) }
    }

    /// - Parameters:
    ///   - address: the peer's.
    ///   - later: is called with what makes the result, if that is not returned now.
    func answer(
        _ request: FastRequest, _ memory: inout Memory, address: String?,
        _ later: @escaping @Sendable (@escaping @Sendable () -> Result) -> Void
    ) -> Result? {
        guard case .track(let index) = request.endpoint else {
            return redirects?.answer(request, address: address).map(Result.answer) ?? .behind
        }
        let start = ContinuousClock.now
        let (_, endpoint, metrics) = targets[index]
        guard let known = caller(of: request, &memory) else { return .behind }
        let track: TrackEndpoint
        switch endpoint {
        case .track(let endpoint): track = endpoint
        case .benchSale: track = .sale
        }
        let command = request.withBody { bytes in
            try? track.command(
                bytes, known.caller.workspace.id, api.stamper, hostname: nil)
        }
        guard let command, !known.isExpired(at: api.stamper.now()) else { return .behind }
        if case .benchSale = endpoint {
            guard let reply = api.benchReply(command, known.caller) else { return .behind }
            return answer(reply, metrics, since: start)
        }
        api.ledger.submit(command, ifRegistryIsAt: known.revision) { [self] result in
            later { [self] in
                if case .failure(.outdated) = result { return .behind }
                return answer(api.reply(to: result, known.caller), metrics, since: start)
            }
        }
        return nil
    }

    private func answer(
        _ reply: Reply, _ metrics: RouteMetrics, since start: ContinuousClock.Instant
    ) -> Result {
        metrics.note(status: reply.status.code, since: start)
        return .answer(reply.bytes(date: dates.now()))
    }

    private func caller(of request: FastRequest, _ memory: inout Memory) -> KnownCaller? {
        let authorization = request.view(request.head.authorization)
        let host = request.view(request.head.host)
        if let known = memory.caller, memory.authorization.elementsEqual(authorization),
            memory.host.elementsEqual(host)
        {
            return known
        }
        let known = knownCaller(
            String(decoding: authorization, as: UTF8.self), String(decoding: host, as: UTF8.self))
        memory.authorization = Array(authorization)
        memory.host = Array(host)
        memory.caller = known
        return known
    }

    /// nil also for the host of a link domain, which has no endpoints.
    private func knownCaller(_ authorization: String, _ host: String) -> KnownCaller? {
        guard
            let known = api.authenticator.knownCaller(
                authorization, Requirement(conversions: true))
        else { return nil }
        let name = apiHostname(host)
        if name.isEmpty { return known }
        return api.directory.isKnownAsNoDomain(host: name, at: known.revision) ? known : nil
    }
}

/// A caller who was let in, at a revision of the registry.
struct KnownCaller: Sendable {
    let caller: Caller
    let revision: Int64

    func isExpired(at now: Timestamp) -> Bool {
        caller.token?.expiresAt.map { $0 <= now } ?? false
    }
}
