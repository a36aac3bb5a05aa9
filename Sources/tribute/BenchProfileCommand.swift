import ArgumentParser
import Foundation

struct BenchProfileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Record where a server's processor time goes while sales are posted.",
        discussion: """
            Starts a server on a scratch file, lets wrk post sales as `tribute bench sales` does, \
            and lets Linux perf take samples of the server meanwhile. `make profile` does this and \
            prints the split by stage:

              tribute bench profile --output .build/profile.data
              bench/profile-split .build/profile.data
              tribute bench profile --output .build/profile.data --items 1000

            Needs wrk and perf (apt-get install wrk linux-perf) and the right to use it: as root, \
            or after sysctl kernel.perf_event_paranoid=1 kernel.kptr_restrict=0.
            """)

    @OptionGroup var place: BenchPlaceOptions
    @Option(help: ArgumentHelp("Where the samples are written.", valueName: "file"))
    var output: String
    @Option(parsing: .unconditional, help: "Keep-alive connections.") var connections = 64
    @Option(parsing: .unconditional, help: "Seconds of the recording.") var seconds = 10
    @Option(parsing: .unconditional, help: "Sales of one batch; 0: each is a request of its own.")
    var items = 0
    @Option(parsing: .unconditional, help: "Samples of a busy processor in a second.")
    var frequency = 499
    @Option(help: "The folder of sale.lua.") var scripts: String = "bench"

    func validate() throws {
        guard connections > 0, seconds > 0, frequency > 0, (0...1_000).contains(items) else {
            throw ValidationError(
                "--connections, --seconds, --frequency: at least 1; --items: 0 to 1000")
        }
    }

    func run() async throws {
        let wrk = try Tool.needed("wrk", package: "wrk")
        let perf = try Tool.needed("perf", package: "linux-perf")
        let fill = BenchFill(links: place.links, customers: place.customers)
        let bench = try await Bench.prepared(try place.place(), fill, nodes: 1)
        defer { bench.end() }
        // By then each customer has bought, and is known to the server.
        let warmUp = try load(wrk, bench, "warm", seconds: 3).turn(bench.ports, path)
        let recording = try Tool.start(perf, arguments(bench))
        let turn = try load(wrk, bench, "profile", seconds: seconds + 1).turn(bench.ports, path)
        do { _ = try recording.output() } catch {
            throw Failure(
                """
                perf could not record: \(error)
                It needs the right to: run this as root, or once
                  sysctl kernel.perf_event_paranoid=1 kernel.kptr_restrict=0
                """)
        }
        print("\(Int(turn.rate)) sales a second while \(seconds) s were recorded in \(output)")
        try await bench.check(atLeast: warmUp.sales + turn.sales)
    }

    private var path: String { items == 0 ? "/track/sale" : "/track/sales/batch" }

    private func load(_ wrk: String, _ bench: Bench, _ run: String, seconds: Int) -> Load {
        Load(
            wrk: wrk, script: "\(scripts)/sale.lua", connections: items == 0 ? connections : 2,
            seconds: seconds, token: bench.token, run: run, customers: place.customers,
            items: items)
    }

    /// Stacks are followed by frame pointers. Copies of whole stacks would tell who called SQLite,
    /// which has none, but they take gigabytes, and minutes to read.
    private func arguments(_ bench: Bench) -> [String] {
        let servers = bench.servers.map { "\($0.processIdentifier)" }.joined(separator: ",")
        return [
            "record", "--quiet", "--freq", "\(frequency)", "--call-graph", "fp",
            "--pid", servers, "--output", output, "--", "sleep", "\(seconds)",
        ]
    }
}
