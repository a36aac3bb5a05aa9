import Foundation

/// One turn of wrk, or of several at once, one for each node.
struct Load {
    let wrk: String
    let script: String
    let connections: Int
    let seconds: Int
    let token: String
    let run: String
    let customers: Int
    /// Sales of one batch; 0: each sale is a request.
    var items = 0
    /// Links that are followed.
    var links = 0

    /// - Parameter target: the path that is asked, or what it begins with.
    func turn(_ ports: [Int], _ target: String) throws -> BenchCase.Turn {
        let running = try ports.map { try start($0, target, part: connections / ports.count) }
        let turns = try running.map { try turn(of: $0.output()) }
        return BenchCase.Turn(
            rate: turns.reduce(0) { $0 + $1.rate }, p50: turns.map(\.p50).max() ?? 0,
            p99: turns.map(\.p99).max() ?? 0, sales: turns.reduce(0) { $0 + $1.sales },
            errors: turns.reduce(0) { $0 + $1.errors })
    }

    private func start(_ port: Int, _ target: String, part: Int) throws -> RunningTool {
        // wrk would go on without it, and measure something else.
        guard FileManager.default.fileExists(atPath: script) else {
            throw Failure(
                "there is no \(script): run this in the folder of the sources, or --scripts")
        }
        return try Tool.start(
            wrk,
            [
                "-t1", "-c\(max(1, part))", "-d\(seconds)s", "--latency", "-s", script,
                "http://127.0.0.1:\(port)",
            ],
            environment: [
                "TOKEN": token, "TARGET": target, "RUN": "\(run)_\(port)",
                "CUSTOMERS": "\(customers)", "ITEMS": "\(items)",
                "LINKS": "\(links)",
            ])
    }

    private func turn(of output: ToolOutput) throws -> BenchCase.Turn {
        guard let rate = output.number(after: "Requests/sec:") else {
            throw output.failure(of: "wrk")
        }
        let errors = ["Non-2xx or 3xx responses:", "connect", "read", "write", "timeout"]
            .compactMap(output.number).reduce(0, +)
        let salesOfOne = max(1, items)
        return BenchCase.Turn(
            rate: rate * Double(salesOfOne), p50: percentile("50%", output.text),
            p99: percentile("99%", output.text), sales: requests(output.text) * salesOfOne,
            errors: Int(errors))
    }

    /// Milliseconds of a line of the latency distribution; wrk writes 950.00us, 2.10ms or 1.50s.
    private func percentile(_ label: String, _ output: String) -> Double {
        let words = output.split(separator: "\n").map { $0.split(separator: " ") }
        guard let word = words.first(where: { $0.count == 2 && $0[0] == label })?[1] else {
            return .nan
        }
        let value = Double(word.prefix { $0.isNumber || $0 == "." }) ?? 0
        if word.hasSuffix("us") { return value / 1_000 }
        return word.hasSuffix("ms") ? value : value * 1_000
    }

    /// "  76377 requests in 4.00s, 20.1MB read".
    private func requests(_ output: String) -> Int {
        let line = output.split(separator: "\n").first { $0.contains(" requests in ") }
        return line?.split(separator: " ").first.flatMap { Int($0) } ?? 0
    }
}
