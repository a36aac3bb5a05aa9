import ArgumentParser
import Foundation

struct BenchSalesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sales",
        abstract: "Durable sales per second of a server, beside references.",
        discussion: """
            Starts a server on a scratch file and lets wrk post sales of distinct customers and \
            invoices, turn by turn against: the sale endpoint (fsync before each answer), the same \
            handler without storage, batches of 1,000 sales over two connections for each server, \
            and a Node HTTP server that echoes JSON. Machines differ and are noisy: only the \
            ratios within one run say something. Afterwards every counter is recomputed and every \
            answered sale must be there.

            Needs wrk, and node for the last comparison (apt-get install wrk nodejs).

              tribute bench sales --directory /var/lib/tribute
              tribute bench sales --rounds 5 --seconds 6 --connections 256
              tribute bench sales --pgbench postgres://localhost/bench
              tribute bench sales --check
            """)

    @OptionGroup var place: BenchPlaceOptions
    @OptionGroup var thresholds: ThresholdOptions
    @Option(parsing: .unconditional, help: "Servers on the one database.") var nodes = 1
    @Option(parsing: .unconditional, help: "Keep-alive connections.") var connections = 64
    @Option(parsing: .unconditional, help: "Seconds of each turn.") var seconds = 5
    @Option(parsing: .unconditional, help: "How many times each has its turn.") var rounds = 3
    @Option(help: "The folder of sale.lua and echo.js.") var scripts: String = "bench"
    @Option(
        help: ArgumentHelp(
            "Let pgbench post sales to a PostgreSQL server in turn, in a schema that is removed. (default: the one of --database)",
            valueName: "url"))
    var pgbench: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "End with status 1 if durable ÷ no-storage is below this.", valueName: "ratio"))
    var atLeast: Double?

    func validate() throws {
        guard connections > 0, seconds > 0, rounds > 0, nodes > 0 else {
            throw ValidationError(
                "--connections, --seconds, --rounds, --nodes: at least 1")
        }
        if nodes > 1, place.database == nil {
            throw ValidationError("--nodes: several need --database postgres://…")
        }
        if thresholds.isAsked, place.database != nil {
            throw ValidationError(
                "--check, --record: what is recorded is about a file; leave out --database")
        }
    }

    func run() async throws {
        let wrk = try Tool.needed("wrk", package: "wrk")
        let recorded = try thresholds.recorded()
        let place = try place.place()
        let rival = try pgbench.map { try BenchPlace(database: $0, directory: "") }
        defer { rival?.remove() }
        let fill = BenchFill(links: self.place.links, customers: self.place.customers)
        let bench = try await Bench.prepared(place, fill, nodes: nodes)
        defer { bench.end() }
        var cases = try allCases(bench, wrk: wrk, rival ?? place)
        let result = await judge(&cases, recorded)
        let stored = cases.filter(\.isStored).flatMap(\.turns)
        try await bench.check(atLeast: stored.reduce(0) { $0 + $1.sales })
        try result.get()
    }

    private func judge(
        _ cases: inout [BenchCase], _ recorded: Thresholds?
    ) async -> Result<Void, any Error> {
        do {
            let first = try measure(&cases)
            if let atLeast, first.rateRatio < atLeast {
                throw Failure("durable ÷ no-storage is \(first.rateRatio), below \(atLeast)")
            }
            try await thresholds.settle(first.ratios, "sales", against: recorded) { _ in
                try measure(&cases).ratios
            }
            return .success(())
        } catch { return .failure(error) }
    }

    /// Rounds of all cases in turn. Those of before still count as answered.
    private func measure(_ cases: inout [BenchCase]) throws -> BenchReport {
        for _ in 0..<rounds {
            for index in cases.indices { try cases[index].takeTurn() }
        }
        let report = BenchReport(
            connections: connections, rounds: rounds, seconds: seconds, cases: cases)
        report.print()
        return report
    }

    private func allCases(
        _ bench: Bench, wrk: String, _ rival: BenchPlace
    ) throws -> [BenchCase] {
        func load(_ round: Int) -> Load {
            Load(
                wrk: wrk, script: "\(scripts)/sale.lua", connections: connections,
                seconds: seconds, token: bench.token, run: "\(round)",
                customers: place.customers)
        }
        func batches(_ round: Int) -> Load {
            Load(
                wrk: wrk, script: "\(scripts)/sale.lua", connections: 2 * bench.ports.count,
                seconds: seconds, token: bench.token, run: "batch_\(round)",
                customers: place.customers, items: 1_000)
        }
        var cases = [
            BenchCase("durable", bench.servers, isStored: true) {
                try load($0).turn(bench.ports, "/track/sale")
            },
            BenchCase("no-storage", bench.servers) {
                try load($0).turn(bench.ports, "/bench/sale")
            },
            BenchCase("batch", bench.servers, isStored: true) {
                try batches($0).turn(bench.ports, "/track/sales/batch")
            },
        ]
        if let node = Tool.path("node") {
            let port = try bench.start(node, ["\(scripts)/echo.js"])
            cases.append(
                BenchCase("node echo", Array(bench.processes.suffix(1))) {
                    try load($0).turn([port], "/")
                })
        } else {
            printError("node is not installed: its turn is left out")
        }
        if let pgbench = try pgbench(rival) { cases.append(pgbench) }
        return cases
    }

    private func pgbench(_ rival: BenchPlace) throws -> BenchCase? {
        if rival.file != nil { return nil }
        guard let program = Tool.path("pgbench") else {
            printError("pgbench is not installed: its turn is left out")
            return nil
        }
        let pgbench = PgBench(
            program: program, scripts: scripts, url: rival.url, links: place.links,
            customers: place.customers)
        try pgbench.prepare()
        return BenchCase("pgbench", []) { _ in
            try pgbench.turn(connections: connections, seconds: seconds)
        }
    }
}
