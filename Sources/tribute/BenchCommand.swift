import ArgumentParser
import Attribution
import Foundation
import Integrations
import Ledger
import SQLiteEngine

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure durable sales per second on this machine.",
        discussion: """
            Starts a server on a scratch file and lets wrk post sales of distinct customers and \
            invoices, turn by turn against: the sale endpoint (fsync before each answer), the same \
            handler without storage, batches of 1,000 sales over two connections for each server, \
            and a Node HTTP server that echoes JSON. Machines differ and are noisy: only the \
            ratios within one run say something. Afterwards every counter is recomputed and every \
            answered sale must be there. With --redirects, visitors follow links instead, each for \
            the first time, in turn with the same handler without storage; every redirect must be \
            a click in the file, or one that the server counts as lost.

            Needs wrk, and node for the last comparison (apt-get install wrk nodejs).

              tribute bench --directory /var/lib/tribute
              tribute bench --rounds 5 --seconds 6 --connections 256
              tribute bench --redirects
            """)

    @Option(help: "Where the scratch file is made: the disk that is measured.")
    var directory: String = NSTemporaryDirectory()
    @Option(
        help: ArgumentHelp(
            "Measure on a PostgreSQL server, in a schema that is made and removed; pgbench has its turn too.",
            valueName: "url"))
    var database: String?
    @Option(parsing: .unconditional, help: "Servers on the one database.") var nodes = 1
    @Option(parsing: .unconditional, help: "Keep-alive connections.") var connections = 64
    @Option(parsing: .unconditional, help: "Seconds of each turn.") var seconds = 5
    @Option(parsing: .unconditional, help: "How many times each has its turn.") var rounds = 3
    @Option(parsing: .unconditional, help: "Customers whose sales are posted.") var customers =
        10_000
    @Option(parsing: .unconditional, help: "Links that they came by.") var links = 100
    @Flag(help: "Follow links in place of posting sales.") var redirects = false
    @Option(help: "The folder of sale.lua, redirect.lua and echo.js.") var scripts: String = "bench"
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "End with status 1 if the first ÷ no-storage is below this.", valueName: "ratio"))
    var atLeast: Double?

    func validate() throws {
        guard connections > 0, seconds > 0, rounds > 0, customers > 0, links > 0, nodes > 0 else {
            throw ValidationError(
                "--connections, --seconds, --rounds, --customers, --links, --nodes: at least 1")
        }
        if nodes > 1, database == nil {
            throw ValidationError("--nodes: several need --database postgres://…")
        }
    }

    @Flag(help: "Time the stages of a sale in this process instead, one by one.") var stages = false

    private func runStages() async throws {
        let place = try BenchPlace(database: database, directory: directory)
        defer { place.remove() }
        let database = try await place.open()
        defer { try? database.close() }
        let token = try await BenchFill(links: links, customers: customers).run(
            Ledger(database: database))
        guard let workspaceID = try await database.read({ try $0.workspace(slug: "bench") })?.id
        else {
            throw Failure("the workspace is not there")
        }
        let ledger = Ledger(database: database)
        let stages = BenchStages(
            token: token, customers: customers, seconds: seconds,
            sizes: ProcessInfo.processInfo.environment["SIZES"]?.split(separator: ",").compactMap {
                Int($0)
            } ?? [1, 16, 64, 256, 512])
        for line in try await stages.commits(ledger, workspaceID: workspaceID) {
            print(line.name, line.processor / .microseconds(1), line.clock / .microseconds(1))
        }
        await ledger.stop()
    }

    func run() async throws {
        if stages { return try await runStages() }
        guard let wrk = Tool.path("wrk") else {
            throw Failure("wrk is not installed: apt-get install wrk")
        }
        let place = try BenchPlace(database: database, directory: directory)
        let bench: Bench
        do {
            let fill = BenchFill(links: links, customers: customers)
            bench = try await Bench.prepared(place, fill, nodes: nodes)
        } catch {
            place.remove()
            throw error
        }
        defer { bench.end() }
        let visits = BenchRedirects(
            bench: bench, wrk: wrk, scripts: scripts, connections: connections, seconds: seconds,
            links: links)
        var cases = redirects ? visits.cases() : try allCases(bench, wrk: wrk)
        for round in 1...rounds {
            for index in cases.indices { cases[index].turns.append(try cases[index].run(round)) }
        }
        report(cases)
        if redirects {
            try await visits.check()
        } else {
            try await checkSales(bench, cases)
        }
        if let atLeast, ratio(cases) < atLeast {
            throw Failure("\(cases[0].name) ÷ no-storage is \(ratio(cases)), below \(atLeast)")
        }
    }

    private func checkSales(_ bench: Bench, _ cases: [BenchCase]) async throws {
        let stored = cases.filter(\.isStored).flatMap(\.turns)
        try await bench.check(atLeast: stored.reduce(0) { $0 + $1.sales })
    }

    private func allCases(_ bench: Bench, wrk: String) throws -> [BenchCase] {
        func load(_ round: Int) -> Load {
            Load(
                wrk: wrk, script: "\(scripts)/sale.lua", connections: connections,
                seconds: seconds, token: bench.token, run: "\(round)", customers: customers)
        }
        func batches(_ round: Int) -> Load {
            Load(
                wrk: wrk, script: "\(scripts)/sale.lua", connections: 2 * bench.ports.count,
                seconds: seconds, token: bench.token, run: "batch_\(round)",
                customers: customers, items: 1_000)
        }
        var cases = [
            BenchCase(name: "durable", isStored: true) {
                try load($0).turn(bench.ports, "/track/sale")
            },
            BenchCase(name: "no-storage") { try load($0).turn(bench.ports, "/bench/sale") },
            BenchCase(name: "batch", isStored: true) {
                try batches($0).turn(bench.ports, "/track/sales/batch")
            },
        ]
        if let node = Tool.path("node") {
            let port = try bench.start(node, ["\(scripts)/echo.js"])
            cases.append(BenchCase(name: "node echo") { try load($0).turn([port], "/") })
        } else {
            printError("node is not installed: its turn is left out")
        }
        guard database != nil else { return cases }
        guard let program = Tool.path("pgbench") else {
            printError("pgbench is not installed: its turn is left out")
            return cases
        }
        let pgbench = PgBench(
            program: program, scripts: scripts, url: bench.place.url, links: links,
            customers: customers)
        try pgbench.prepare()
        cases.append(
            BenchCase(name: "pgbench") { _ in
                try pgbench.turn(connections: connections, seconds: seconds)
            })
        return cases
    }

    private func ratio(_ cases: [BenchCase]) -> Double {
        cases[0].median(\.rate) / max(1, cases[1].median(\.rate))
    }

    private func report(_ cases: [BenchCase]) {
        print("\(connections) connections, \(rounds) rounds of \(seconds) s in turn, medians")
        let unit = redirects ? "redirects/s" : "    sales/s"
        print("case           \(unit)   p50 ms   p99 ms   errors")
        for one in cases {
            let columns = [
                one.name.padding(toLength: 14, withPad: " ", startingAt: 0),
                right(String(format: "%.0f", one.median(\.rate)), 12),
                right(String(format: "%.2f", one.median(\.p50)), 8),
                right(String(format: "%.2f", one.median(\.p99)), 8),
                right(String(one.turns.reduce(0) { $0 + $1.errors }), 8),
            ]
            print(columns.joined(separator: " "))
        }
        for other in cases.dropFirst() {
            let ratio = cases[0].median(\.rate) / max(1, other.median(\.rate))
            print("\(cases[0].name) ÷ \(other.name): \(String(format: "%.2f", ratio))")
        }
        if redirects {
            let ratio = cases[0].median(\.p99) / cases[1].median(\.p99)
            print("p99, redirect ÷ no-storage: \(String(format: "%.2f", ratio))")
        }
    }

    private func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
