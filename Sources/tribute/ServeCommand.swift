import ArgumentParser
import Foundation
import Ledger
import Logging
import SQLiteEngine
import Server
import ServiceLifecycle
import UnixSignals

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the server.",
        discussion: """
            Brings the database's schema up to date, then listens. Ready when GET /readyz is 200.
            SIGTERM stops accepting, finishes what was accepted, and ends. Each setting may come \
            from the environment instead; a flag wins over it. TRIBUTE_BENCH_ROUTE=1 adds \
            POST /bench/sale and GET /bench/redirect/{key}, the same handlers without storage, \
            which `tribute bench` measures.

              tribute serve --database sqlite:tribute.db --port 8080
              TRIBUTE_PORT=8080 tribute serve
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(
        help: ArgumentHelp(
            "File of workspaces whose data is in other databases: a slug and a database URL on each line. (env: TRIBUTE_SHARDS; default: none)",
            valueName: "file"))
    var shards: String?

    @Option(help: "Address to listen on. (env: TRIBUTE_HOST; default: 127.0.0.1)")
    var host: String?
    @Option(parsing: .unconditional, help: "Port to listen on. (env: TRIBUTE_PORT; default: 8080)")
    var port: String?
    @Option(
        help: ArgumentHelp(
            "off, or plan: limit requests as the workspace's plan says. (env: TRIBUTE_RATE_LIMITS; default: off)",
            valueName: "policy"))
    var rateLimits: String?
    @Option(
        help: ArgumentHelp(
            "Domain of links in workspaces without one of their own. (env: TRIBUTE_DEFAULT_DOMAIN; default: localhost)",
            valueName: "domain"))
    var defaultDomain: String?
    @Option(
        help: ArgumentHelp(
            "Where the default domain's links are reached, e.g. http://localhost:8080. (env: TRIBUTE_PUBLIC_URL; default: https:// and the default domain)",
            valueName: "url"))
    var publicURL: String?
    @Option(
        help: ArgumentHelp(
            "Names under which the API is reached, with commas between: no workspace can take one as its link domain. (env: TRIBUTE_API_HOSTS; default: none but the default domain and the public URL's)",
            valueName: "list"))
    var apiHosts: String?
    @Option(
        help: ArgumentHelp(
            "Addresses and ranges of proxies, with commas between, whose X-Forwarded-For is believed, e.g. 127.0.0.1,10.0.0.0/8. (env: TRIBUTE_TRUSTED_PROXIES; default: none)",
            valueName: "list"))
    var trustedProxies: String?
    @Option(
        help: ArgumentHelp(
            "Header in which those proxies name the visitor's country, e.g. CF-IPCountry. (env: TRIBUTE_COUNTRY_HEADER; default: none)",
            valueName: "name"))
    var countryHeader: String?
    @Option(
        help: ArgumentHelp(
            "File of the places of addresses (.mmdb), for countries and cities of clicks. (env: TRIBUTE_GEO_DATABASE; default: none)",
            valueName: "file"))
    var geoDatabase: String?
    @Option(
        help: ArgumentHelp(
            "File of user agents' patterns (uap-core's regexes.yaml), for browsers, systems and bots. (env: TRIBUTE_USER_AGENT_PATTERNS; default: /usr/share/uap-core/regexes.yaml if it is there)",
            valueName: "file"))
    var userAgentPatterns: String?
    @Option(
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical. (env: TRIBUTE_LOG_LEVEL; default: info)",
            valueName: "level"))
    var logLevel: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Commands that may wait to be committed; above it the answer is 503, and above half of it clicks of redirects are lost. (env: TRIBUTE_QUEUE_DEPTH; default: 4096)",
            valueName: "count"))
    var queueDepth: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds within which the head of a request must have come. (env: TRIBUTE_HEAD_SECONDS; default: 20)",
            valueName: "count"))
    var headSeconds: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds within which the body of a request must have come. (env: TRIBUTE_BODY_SECONDS; default: 30)",
            valueName: "count"))
    var bodySeconds: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds within which a client must take what of an answer lies ready for it. (env: TRIBUTE_ANSWER_SECONDS; default: 60)",
            valueName: "count"))
    var answerSeconds: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Open connections; more wait to be accepted. Bounded by the process's limit of open files. (env: TRIBUTE_MAX_CONNECTIONS; default: 10000)",
            valueName: "count"))
    var maxConnections: String?

    func run() async throws {
        let checked = try SettingsReader(self).read()
        var logger = Logger(label: "tribute") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = checked.settings.logLevel
        var lock: FileLock?
        let place = try database.place()
        if case .file(let file) = place { lock = try file.lock(.shared) }
        defer { withExtendedLifetime(lock) {} }
        let map = try checked.shards.map { try ShardMap(path: $0) }
        let shards = try await ShardMap.opened(map, main: try await database.open())
        logger.info(
            "starting",
            metadata: [
                "version": "\(Tribute.version)", "host": "\(checked.settings.host)",
                "port": "\(checked.settings.port)", "database": "\(place.text)",
            ])
        let application = try buildApplication(
            settings: checked.settings, shards: shards, limits: checked.limits, logger: logger)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: application)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do { try await group.run() } catch {
            throw Failure(Tribute.reason(ofStop: error, checked.settings))
        }
        for shard in shards { try shard.database.close() }
        logger.info("stopped")
    }
}
