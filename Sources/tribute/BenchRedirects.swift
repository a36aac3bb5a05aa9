import Foundation
import Ledger

/// Redirects of visitors who come for the first time, in turn with the same handler without
/// storage. A redirect does not wait for its click: those that were lost are told.
struct BenchRedirects {
    let bench: Bench
    let wrk: String
    let scripts: String
    let connections: Int
    let seconds: Int
    let links: Int

    func cases() -> [BenchCase] {
        [
            BenchCase(name: "redirect") { try load($0).turn(bench.ports, "/") },
            BenchCase(name: "no-storage") { try load($0).turn(bench.ports, "/bench/redirect/") },
        ]
    }

    private func load(_ round: Int) -> Load {
        Load(
            wrk: wrk, script: "\(scripts)/redirect.lua", connections: connections,
            seconds: seconds, token: bench.token, run: "\(round)", customers: 0, links: links)
    }

    /// Every redirect that was answered is a click, but for those that the servers say were lost.
    func check() async throws {
        let answered = try sum(
            #"tribute_http_requests_total{method="GET",route="/{key}",status="3xx"}"#)
        // What is accepted when the servers are asked to stop is committed, or is lost.
        let lost = try sum("tribute_clicks_lost_total")
        let stored = try await bench.stored("click") - links
        let share = String(format: "%.1f", 100 * Double(lost) / Double(max(1, answered)))
        print("\(answered) redirects answered, \(lost) clicks lost (\(share) %), \(stored) stored")
        guard stored == answered - lost else {
            throw Failure("the database does not hold the clicks of all visitors")
        }
    }

    private func sum(_ metric: String) throws -> Int {
        guard let curl = Tool.path("curl") else { throw Failure("curl is not installed") }
        return try bench.ports.reduce(0) { sum, port in
            let page = try Tool.start(curl, ["-sS", "http://127.0.0.1:\(port)/metrics"]).output()
            return sum + Int(page.number(after: "\n\(metric)") ?? 0)
        }
    }
}
