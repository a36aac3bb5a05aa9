import Attribution
import CoreMetrics
import Hummingbird
import Ledger
import Metrics

/// The numbers an operator watches. Labels are route templates and statuses, never raw paths.
struct ServerMetrics: Sendable {
    private let batches: Metrics.Counter
    private let commands: Metrics.Counter
    private let commitTime: Metrics.Timer
    private let queueDepth: Metrics.Meter
    private let lostRejections: Metrics.Counter
    private let lostClicks: Metrics.Counter

    init(factory: any MetricsFactory) {
        batches = Counter(label: "tribute_commit_batches", factory: factory)
        commands = Counter(label: "tribute_commit_commands", factory: factory)
        commitTime = Timer(
            label: "tribute_commit", dimensions: [], preferredDisplayUnit: .seconds,
            factory: factory)
        queueDepth = Meter(label: "tribute_commit_queue_depth", factory: factory)
        lostRejections = Counter(label: "tribute_rejections_lost", factory: factory)
        lostClicks = Counter(label: "tribute_clicks_lost", factory: factory)
    }

    func note(_ report: BatchReport) {
        batches.increment()
        commands.increment(by: report.size)
        commitTime.recordNanoseconds(report.duration.nanoseconds)
    }

    func note(queueDepth depth: Int) { queueDepth.set(depth) }

    /// A call was refused while nothing could be written, and is not kept.
    func noteLostRejection() { lostRejections.increment() }

    /// A visitor was sent on, and the click is not kept.
    func noteLostClick() { lostClicks.increment() }
}

/// Counts and times the requests of one route; its counters are made once.
struct RouteMetrics: Sendable {
    private let byClass: [Metrics.Counter]
    private let timer: Metrics.Timer

    init(_ method: String, _ path: String, factory: any MetricsFactory) {
        let route = [("method", method), ("route", path)]
        byClass = (1...5).map { digit in
            Counter(
                label: "tribute_http_requests", dimensions: route + [("status", "\(digit)xx")],
                factory: factory)
        }
        timer = Timer(
            label: "tribute_http_request", dimensions: route, preferredDisplayUnit: .seconds,
            factory: factory)
    }

    /// Notes how a request is answered, and how long that takes.
    func counting(
        _ request: Request, _ context: TributeContext, _ answer: () async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        do {
            let response = try await answer()
            note(status: response.status.code, since: start)
            return response
        } catch {
            let error = Edge.apiError(error, request)
            note(status: error.status.code, since: start)
            throw error
        }
    }

    func note(status: Int, since start: ContinuousClock.Instant) {
        byClass[max(1, min(5, status / 100)) - 1].increment()
        timer.recordNanoseconds((ContinuousClock.now - start).nanoseconds)
    }
}

extension Duration {
    var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
