import ArgumentParser
import Foundation
import Ledger
import Logging
import Server
import Visitors
import Wire

/// Fills the settings from flags, then the environment, then defaults, and names every mistake at
/// once.
struct SettingsReader {
    private let command: ServeCommand
    private let environment: [String: String]
    private var mistakes: [String] = []
    private var settings = Settings()
    private var limits = Limits()
    private var shards: String?

    init(
        _ command: ServeCommand,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        (self.command, self.environment) = (command, environment)
    }

    static let variables: Set<String> = [
        "TRIBUTE_DATABASE", "TRIBUTE_SHARDS", "TRIBUTE_HOST", "TRIBUTE_PORT", "TRIBUTE_RATE_LIMITS",
        "TRIBUTE_DEFAULT_DOMAIN", "TRIBUTE_PUBLIC_URL", "TRIBUTE_API_HOSTS", "TRIBUTE_LOG_LEVEL",
        "TRIBUTE_QUEUE_DEPTH", "TRIBUTE_HEAD_SECONDS", "TRIBUTE_BODY_SECONDS",
        "TRIBUTE_ANSWER_SECONDS",
        "TRIBUTE_MAX_CONNECTIONS", "TRIBUTE_BENCH_ROUTE", "TRIBUTE_TRUSTED_PROXIES",
        "TRIBUTE_COUNTRY_HEADER", "TRIBUTE_GEO_DATABASE", "TRIBUTE_USER_AGENT_PATTERNS",
    ]

    func read() throws -> (settings: Settings, limits: Limits, shards: String?) {
        var reader = self
        reader.readAll()
        guard reader.mistakes.isEmpty else {
            throw ValidationError(reader.mistakes.joined(separator: "\n"))
        }
        return (reader.settings, reader.limits, reader.shards)
    }

    private mutating func readAll() {
        for name in environment.keys.sorted()
        where name.hasPrefix("TRIBUTE_") && !Self.variables.contains(name) {
            mistakes.append("\(name): there is no such setting")
        }
        do { _ = try command.database.place() } catch { mistakes.append("\(error)") }
        set(
            "--host", value(command.host, "HOST"),
            "an address such as 127.0.0.1, 0.0.0.0 or ::1, or a host name"
        ) { text, me in
            guard isHost(text) else { return false }
            me.settings.host = text
            return true
        }
        set("--port", value(command.port, "PORT"), "a number from 1 to 65535") { text, me in
            guard let port = Int(text), (1...65_535).contains(port) else { return false }
            me.settings.port = port
            return true
        }
        set("--rate-limits", value(command.rateLimits, "RATE_LIMITS"), "off or plan") {
            text, me in
            guard let policy = RateLimitPolicy(rawValue: text) else { return false }
            me.settings.rateLimits = policy
            return true
        }
        set(
            "--log-level", value(command.logLevel, "LOG_LEVEL"),
            Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        ) { text, me in
            guard let level = Logger.Level(rawValue: text) else { return false }
            me.settings.logLevel = level
            return true
        }
        set(
            "--queue-depth", value(command.queueDepth, "QUEUE_DEPTH"), "a number from 1 to 1000000"
        ) { text, me in
            guard let depth = Int(text), (1...1_000_000).contains(depth) else { return false }
            me.limits.queueDepthMax = depth
            return true
        }
        set("--shards", value(command.shards, "SHARDS"), "a file that can be read") { text, me in
            me.shards = text
            return FileManager.default.isReadableFile(atPath: text)
        }
        readConnectionLimits()
        readNames()
        readVisitorSettings()
        settings.offersBenchRoute = environment["TRIBUTE_BENCH_ROUTE"] == "1"
    }

    private mutating func readConnectionLimits() {
        let seconds = "a number from 1 to 3600"
        for (name, given, limit) in [
            ("head", command.headSeconds, \HTTPLimits.headSeconds),
            ("body", command.bodySeconds, \.bodySeconds),
            ("answer", command.answerSeconds, \.answerSeconds),
        ] {
            let variable = "\(name.uppercased())_SECONDS"
            set("--\(name)-seconds", value(given, variable), seconds) { text, me in
                guard let count = Int64(text), (1...3_600).contains(count) else { return false }
                me.settings.limits[keyPath: limit] = count
                return true
            }
        }
        set(
            "--max-connections", value(command.maxConnections, "MAX_CONNECTIONS"),
            "a number from 1 to 1000000"
        ) { text, me in
            guard let count = Int(text), (1...1_000_000).contains(count) else { return false }
            me.settings.limits.connectionsMax = count
            return true
        }
        let room = OpenFiles.raiseLimit() - OpenFiles.reserve
        settings.limits.connectionsMax = max(1, min(settings.limits.connectionsMax, room))
    }

    /// What the server is called.
    private mutating func readNames() {
        set(
            "--default-domain", value(command.defaultDomain, "DEFAULT_DOMAIN"),
            "a host name such as go.example.com"
        ) { text, me in
            guard isHost(text), !text.contains(":") else { return false }
            me.settings.defaultDomain = text.lowercased()
            return true
        }
        set(
            "--public-url", value(command.publicURL, "PUBLIC_URL"),
            "a URL such as http://localhost:8080"
        ) { text, me in
            guard isURL(text) else { return false }
            me.settings.publicURL = text.hasSuffix("/") ? String(text.dropLast()) : text
            return true
        }
        set(
            "--api-hosts", value(command.apiHosts, "API_HOSTS"),
            "a list of host names such as api.example.com"
        ) { text, me in
            me.settings.apiHosts = text.split(separator: ",").map { trim(String($0)).lowercased() }
            return me.settings.apiHosts.allSatisfy { isHost($0) && !$0.isEmpty }
        }
    }

    private mutating func readVisitorSettings() {
        set(
            "--trusted-proxies", value(command.trustedProxies, "TRUSTED_PROXIES"),
            "a list of addresses and ranges such as 127.0.0.1,10.0.0.0/8"
        ) { text, me in
            me.settings.trustedProxies = text
            return AddressRanges(text) != nil
        }
        set(
            "--country-header", value(command.countryHeader, "COUNTRY_HEADER"),
            "the name of a header such as CF-IPCountry"
        ) { text, me in
            me.settings.countryHeader = text
            return !text.isEmpty
                && text.utf8.allSatisfy {
                    (48...57).contains($0) || (65...90).contains($0 & 0xDF) || $0 == 0x2D
                }
        }
        if settings.countryHeader != nil, settings.trustedProxies == nil {
            mistakes.append(
                "--country-header: needs --trusted-proxies, else every visitor could claim a country"
            )
        }
        set(
            "--geo-database", value(command.geoDatabase, "GEO_DATABASE"), "a file that can be read"
        ) { text, me in
            me.settings.geoDatabase = text
            return FileManager.default.isReadableFile(atPath: text)
        }
        let patterns = "/usr/share/uap-core/regexes.yaml"
        let isInstalled = FileManager.default.isReadableFile(atPath: patterns)
        set(
            "--user-agent-patterns",
            value(command.userAgentPatterns, "USER_AGENT_PATTERNS")
                ?? (isInstalled ? patterns : nil), "a file that can be read"
        ) { text, me in
            me.settings.userAgentPatterns = text
            return FileManager.default.isReadableFile(atPath: text)
        }
    }

    private func value(_ flag: String?, _ variable: String) -> String? {
        flag ?? environment["TRIBUTE_\(variable)"]
    }

    private mutating func set(
        _ name: String, _ text: String?, _ expected: String,
        _ apply: (String, inout SettingsReader) -> Bool
    ) {
        guard let text else { return }
        if !apply(text, &self) { mistakes.append("\(name): '\(text)' is not \(expected)") }
    }
}

/// Whether a text is an IP address or can be a host's name.
private func isHost(_ text: String) -> Bool {
    var address = in6_addr()
    if text.contains(":") { return inet_pton(AF_INET6, text, &address) == 1 }
    if text.utf8.allSatisfy({ (48...57).contains($0) || $0 == 0x2E }) {
        return inet_pton(AF_INET, text, &address) == 1
    }
    return text.unicodeScalars.allSatisfy {
        $0.isASCII && ($0.properties.isAlphabetic || "0123456789-._".unicodeScalars.contains($0))
    }
}
