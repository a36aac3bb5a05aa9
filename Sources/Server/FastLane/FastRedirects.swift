import Attribution
import Hummingbird
import Integrations
import Ledger
import NIOCore

/// Follows links that are in the caches, on engines that tell at once whether anything has changed
/// since. Whoever is shown a page, or has to be looked up, is left to the handlers behind, whose
/// functions are called here: there is one set of rules.
struct FastRedirects: Sendable {
    private let api: API
    private let registryNow: @Sendable () -> Int64?
    private let dates: ResponseDates
    private let metrics: RouteMetrics
    private let benchMetrics: RouteMetrics?

    /// nil: the engine has to be waited for.
    init?(api: API, dates: ResponseDates, metrics: PrometheusMetrics) {
        let database = api.ledger.database
        guard let registryNow = database.registryNow, !database.hasOtherNodes else { return nil }
        (self.api, self.registryNow, self.dates) = (api, registryNow, dates)
        self.metrics = RouteMetrics("GET", "/{key}", factory: metrics)
        benchMetrics =
            api.settings.offersBenchRoute
            ? RouteMetrics("GET", "\(Self.benchPath){key}", factory: metrics) : nil
    }

    private static let benchPath = "/bench/redirect/"

    /// Whether a request may be one that follows a link.
    func mayFollow(_ head: RequestHead, _ bytes: ByteBuffer) -> Bool {
        guard head.method == .get, head.contentLength == 0, head.host != nil,
            head.authorization == nil
        else { return false }
        return bytes.withUnsafeReadableBytes { bytes in
            let path = PlainPath(UnsafeRawBufferPointer(rebasing: bytes[head.target]))
            guard let path else { return false }
            return !Routes.reservedFirstWords.contains(path.firstWord)
                || benchMetrics != nil && path.firstWord == "bench"
        }
    }

    /// nil: it is to be answered behind, and nothing was done.
    func answer(_ request: FastRequest, address: String?) -> ByteBuffer? {
        let start = ContinuousClock.now
        guard let visit = VisitRequest(request, address: address, api.visits.countryHeader) else {
            return nil
        }
        var (path, metrics) = (visit.path[...], metrics)
        let isBench = path.hasPrefix(Self.benchPath)
        if isBench {
            guard let benchMetrics else { return nil }
            (path, metrics) = (path.dropFirst(Self.benchPath.utf8.count - 1), benchMetrics)
        }
        guard let open = openVisit(path, visit) else { return nil }
        let clickID = open.click.flatMap { isBench ? $0.id : api.clicks.accept($0) }
        let response = open.response(clickID)
        metrics.note(status: response.status.code, since: start)
        return response.headBytes(date: dates.now())
    }

    /// A visit about which all is known that the registry says now.
    private func openVisit(_ path: Substring, _ request: VisitRequest) -> LinkVisit? {
        guard api.visits.isQuick(request), let revision = registryNow(),
            let key = LinkKey.inPath(path), !LinkKey.isForOthers(key),
            let link = api.directory.remembered(
                host: request.hostname, key: key, at: revision),
            link.password.nonEmpty == nil,
            let allowed = api.directory.rememberedHostnames(of: link.workspaceID, at: revision)
        else { return nil }
        let now = api.stamper.now()
        guard case .open = api.gate(link, request, now),
            let visit = api.openVisit(link, request, now, allowedHostnames: allowed),
            visit.isSentOn
        else { return nil }
        if visit.destination.isChosenByVisitor { return visit }
        switch api.wayBack(visit.destination.target, request) {
        case .leadsBack: return nil
        case .leadsOn: return visit
        case .byOwner(let host):
            guard let domain = api.directory.rememberedDomain(host: host, at: revision) else {
                return nil
            }
            return domain?.workspaceID == link.workspaceID ? nil : visit
        }
    }
}

/// A path of letters that stand for themselves, to which routers and caches agree.
private struct PlainPath {
    let firstWord: String

    init?(_ target: UnsafeRawBufferPointer) {
        let slash = UInt8(ascii: "/")
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        var last: UInt8 = 0
        for byte in path {
            guard Self.isPlain(byte), byte != slash || last != slash else { return nil }
            last = byte
        }
        guard path.count > 1, last != slash, !target.contains(UInt8(ascii: "#")) else {
            return nil
        }
        firstWord = String(
            decoding: path.dropFirst().prefix { $0 != slash }, as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "/"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
