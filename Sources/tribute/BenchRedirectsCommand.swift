import ArgumentParser
import Foundation

struct BenchRedirectsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redirects",
        abstract: "Redirects per second of a server, beside the same handler without storage.",
        discussion: """
            Starts a server on a scratch file and lets wrk follow links, each time as a visitor \
            who comes for the first time, in turn with the same handler without storage. A \
            redirect does not wait for its click; afterwards every one must be a click on record, \
            or one that the server counts as lost.

            Needs wrk and curl (apt-get install wrk curl).

              tribute bench redirects --directory /var/lib/tribute
              tribute bench redirects --rounds 5 --connections 256
            """)

    @OptionGroup var place: BenchPlaceOptions
    @Option(parsing: .unconditional, help: "Keep-alive connections.") var connections = 64
    @Option(parsing: .unconditional, help: "Seconds of each turn.") var seconds = 5
    @Option(parsing: .unconditional, help: "How many times each has its turn.") var rounds = 3
    @Option(help: "The folder of redirect.lua.") var scripts: String = "bench"
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "End with status 1 if redirect ÷ no-storage is below this.", valueName: "ratio"))
    var atLeast: Double?

    func validate() throws {
        guard connections > 0, seconds > 0, rounds > 0 else {
            throw ValidationError("--connections, --seconds, --rounds: at least 1")
        }
    }

    func run() async throws {
        let wrk = try Tool.needed("wrk", package: "wrk")
        let bench = try await Bench.prepared(
            try place.place(), BenchFill(links: place.links, customers: 1), nodes: 1)
        defer { bench.end() }
        var cases = [
            BenchCase("redirect", bench.servers) {
                try load($0, wrk, bench).turn(bench.ports, "/")
            },
            BenchCase("no-storage", bench.servers) {
                try load($0, wrk, bench).turn(bench.ports, "/bench/redirect/")
            },
        ]
        for _ in 0..<rounds {
            for index in cases.indices { try cases[index].takeTurn() }
        }
        let report = BenchReport(
            connections: connections, rounds: rounds, seconds: seconds, cases: cases,
            unit: "redirects")
        report.print()
        try await check(bench)
        if let atLeast, report.rateRatio < atLeast {
            throw Failure("redirect ÷ no-storage is \(report.rateRatio), below \(atLeast)")
        }
    }

    private func load(_ round: Int, _ wrk: String, _ bench: Bench) -> Load {
        Load(
            wrk: wrk, script: "\(scripts)/redirect.lua", connections: connections,
            seconds: seconds, token: bench.token, run: "\(round)", customers: 0,
            links: place.links)
    }

    /// Every redirect that was answered is a click, but for those that the server says were lost.
    private func check(_ bench: Bench) async throws {
        let answered = try sum(
            #"tribute_http_requests_total{method="GET",route="/{key}",status="3xx"}"#, bench)
        // What is accepted when the server is asked to stop is committed, or is lost.
        let lost = try sum("tribute_clicks_lost_total", bench)
        let stored = try await bench.stored("click") - place.links
        let share = String(format: "%.1f", 100 * Double(lost) / Double(max(1, answered)))
        print("\(answered) redirects answered, \(lost) clicks lost (\(share) %), \(stored) stored")
        guard stored == answered - lost else {
            throw Failure("the database does not hold the clicks of all visitors")
        }
    }

    private func sum(_ metric: String, _ bench: Bench) throws -> Int {
        let curl = try Tool.needed("curl", package: "curl")
        return try bench.ports.reduce(0) { sum, port in
            let page = try Tool.start(curl, ["-sS", "http://127.0.0.1:\(port)/metrics"]).output()
            return sum + Int(page.number(after: "\n\(metric)") ?? 0)
        }
    }
}
