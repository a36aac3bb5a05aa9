import CoreMetrics
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Visitors

package enum Tribute {
    package static let version = "0.1.0"

    /// Why the server ended by itself, and what to do, for the person who started it.
    package static func reason(ofStop error: any Error, _ settings: Settings) -> String {
        let address = "\(settings.host):\(settings.port)"
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE:
            return "Another program listens on \(address). Stop it, or choose another --port."
        case EADDRNOTAVAIL:
            return "This machine has no address \(settings.host). Choose another --host."
        case EACCES:
            return "Listening on \(address) is not permitted. Choose a --port above 1023."
        default: return "The server can't run on \(address): \(error)"
        }
    }
}

/// The only wiring in the project: settings and databases in, an application out.
///
/// - Parameter shards: at least one; the first has what no other one has.
package func buildApplication(
    settings: Settings, shards: [Shard], limits: Limits = Limits(), logger: Logger,
    onServerRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
) throws -> some ApplicationProtocol {
    let metrics = PrometheusMetrics()
    let serverMetrics = ServerMetrics(factory: metrics)
    let parts = SharedParts(
        settings: settings, limits: limits, logger: logger, metrics: serverMetrics,
        limiter: RateLimiter(policy: settings.rateLimits),
        visits: try VisitReader(settings, logger))
    let apis = shards.map { parts.api($0.database) }
    let ledgers = apis.map(\.ledger)
    let members = zip(shards, apis).map { shard, api in
        ShardResponder.Member(
            shard: shard, api: api,
            responder: Routes(
                api: api, ledgers: ledgers, metrics: metrics, serverMetrics: serverMetrics
            ).router().buildResponder())
    }
    // One database: with several, a request has to find its own first.
    let endpoints =
        apis.count == 1 ? apis.first.flatMap { FastEndpoints(api: $0, metrics: metrics) } : nil
    var application = Application(
        responder: ShardResponder(members: members),
        server: .http1(
            configuration: .init(
                additionalChannelHandlers: [
                    RequestDeadlines(limits: settings.limits, endpoints)
                ])),
        configuration: .init(
            address: .hostname(settings.host, port: settings.port), serverName: nil,
            backlog: settings.limits.backlog,
            availableConnectionsDelegate: .maximum(
                settings.limits.connectionsMax, logger: logger)),
        onServerRunning: onServerRunning,
        eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup(numberOfThreads: 1)),
        logger: logger)
    // Shutdown runs backwards: the server stops accepting first, then the queues drain.
    for ledger in ledgers { application.addServices(CommitService(ledger: ledger)) }
    return application
}

/// What every shard's API is made of.
private struct SharedParts {
    let settings: Settings
    let limits: Limits
    let logger: Logger
    let metrics: ServerMetrics
    let limiter: RateLimiter
    let visits: VisitReader
    let stamper = Stamper()

    func api(_ database: any SQLDatabase) -> API {
        let failures = FailureLog(
            logger: logger, failure: "a batch was not committed", end: "batches are committed again"
        )
        let ledger = Ledger(
            database: database, limits: limits,
            onBatch: { [metrics] in
                metrics.note($0)
                failures.noteSuccess()
            }, onFailure: { failures.note($0) })
        return API(
            ledger: ledger, settings: settings, stamper: stamper,
            authenticator: Authenticator(database: database, limiter: limiter, stamper: stamper),
            directory: LinkDirectory(database: database, defaultDomain: settings.defaultDomain),
            shortLinks: ShortLinks(
                defaultDomain: settings.defaultDomain, publicURL: settings.publicURL),
            visits: visits,
            clicks: ClickIntake(
                ledger: ledger, metrics: metrics,
                losses: FailureLog(logger: logger, failure: "clicks are lost"),
                commits: failures),
            metrics: metrics,
            readFailures: FailureLog(logger: logger, failure: "the database can't be read"),
            salesMax: min(settings.limits.salesMax, limits.queueDepthMax))
    }
}

extension VisitReader {
    /// - Throws: a file that is named can't be read or is none of its kind.
    fileprivate init(_ settings: Settings, _ logger: Logger) throws {
        agents =
            try settings.userAgentPatterns.map { try UserAgents(patternsFile: $0) }
            ?? UserAgents()
        places = try settings.geoDatabase.map { try Places(databaseFile: $0) }
        trustedProxies = settings.trustedProxies.flatMap { AddressRanges($0) }
        countryHeader = settings.countryHeader.flatMap { HTTPField.Name($0) }
        if agents.skippedPatterns > 0 {
            logger.warning(
                "user agent patterns skipped", metadata: ["count": "\(agents.skippedPatterns)"])
        }
    }
}

/// Lets the queue drain at shutdown.
private struct CommitService: Service {
    let ledger: Ledger

    func run() async throws {
        try? await gracefulShutdown()
        await ledger.stop()
    }
}
