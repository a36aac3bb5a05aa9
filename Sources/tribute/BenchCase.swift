import Foundation

/// One of those that take turns.
struct BenchCase {
    struct Turn {
        /// Sales, or what is counted else, a second.
        var rate: Double
        /// Of a request, milliseconds.
        var p50: Double
        var p99: Double
        var sales: Int
        /// Requests that were refused or not answered.
        var errors: Int
        /// Microseconds that the servers' processors worked for one; nil if nobody knows.
        var processor: Double?
    }

    let name: String
    /// Whether its sales must be in the database at the end.
    let isStored: Bool
    private let servers: [Process]
    private let run: (_ round: Int) throws -> Turn
    private(set) var turns: [Turn] = []

    /// - Parameter servers: those that do the work.
    init(
        _ name: String, _ servers: [Process], isStored: Bool = false,
        run: @escaping (_ round: Int) throws -> Turn
    ) {
        (self.name, self.servers, self.isStored, self.run) = (name, servers, isStored, run)
    }

    mutating func takeTurn() throws {
        let before = processorTime()
        var turn = try run(turns.count + 1)
        if let before, let after = processorTime(), turn.sales > 0 {
            turn.processor = (after - before) / Double(turn.sales)
        }
        turns.append(turn)
    }

    /// Of all threads of the servers, in microseconds.
    private func processorTime() -> Double? {
        if servers.isEmpty { return nil }
        var total = 0.0
        for server in servers {
            var clock = clockid_t()
            var time = timespec()
            guard clock_getcpuclockid(server.processIdentifier, &clock) == 0,
                clock_gettime(clock, &time) == 0
            else { return nil }
            total += Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
        }
        return total
    }
}

/// What the last rounds of all cases say.
struct BenchReport {
    let connections: Int
    let rounds: Int
    let seconds: Int
    let cases: [BenchCase]
    /// What is counted: sales, redirects.
    var unit = "sales"

    func print() {
        Swift.print("\(connections) connections, \(rounds) rounds of \(seconds) s in turn, medians")
        Swift.print(
            "case           \(right("\(unit)/s", 11))   p50 ms   p99 ms   µs processor   errors")
        for one in cases {
            let columns = [
                one.name.padding(toLength: 14, withPad: " ", startingAt: 0),
                right(String(format: "%.0f", median(one, \.rate)), 12),
                right(figure(median(one, \.p50), "%.2f"), 8),
                right(figure(median(one, \.p99), "%.2f"), 8),
                right(figure(median(one) { $0.processor ?? .nan }, "%.1f"), 14),
                right(String(lastTurns(one).reduce(0) { $0 + $1.errors }), 8),
            ]
            Swift.print(columns.joined(separator: " "))
        }
        for other in cases.dropFirst() {
            let ratio = median(cases[0], \.rate) / max(1, median(other, \.rate))
            Swift.print("\(cases[0].name) ÷ \(other.name): \(String(format: "%.2f", ratio))")
        }
        let p99 = median(cases[0], \.p99) / median(cases[1], \.p99)
        Swift.print("p99, \(cases[0].name) ÷ \(cases[1].name): \(String(format: "%.2f", p99))")
        for ratio in ratios where !ratio.value.isNaN {
            let value = String(format: "%.2f", ratio.value)
            Swift.print("processor time, \(ratio.name): \(value)")
        }
    }

    /// The rate of the first case, divided by that of the second: the handler without storage.
    var rateRatio: Double { median(cases[0], \.rate) / max(1, median(cases[1], \.rate)) }

    /// The processor time of a sale in one case beside another one: medians of the rounds' own
    /// ratios.
    var ratios: [Thresholds.Ratio] {
        [
            ("durable", "no-storage"), ("durable", "node echo"), ("batch", "durable"),
            ("redirect", "no-storage"),
        ].compactMap {
            guard let first = named($0), let second = named($1) else { return nil }
            let ratios = zip(lastTurns(first), lastTurns(second)).map {
                ($0.processor ?? .nan) / ($1.processor ?? .nan)
            }
            return Thresholds.Ratio(name: "\(first.name) ÷ \(second.name)", value: middle(ratios))
        }
    }

    private func named(_ name: String) -> BenchCase? { cases.first { $0.name == name } }

    private func lastTurns(_ one: BenchCase) -> ArraySlice<BenchCase.Turn> {
        one.turns.suffix(rounds)
    }

    private func median(_ one: BenchCase, _ value: (BenchCase.Turn) -> Double) -> Double {
        middle(lastTurns(one).map(value))
    }

    private func middle(_ values: [Double]) -> Double {
        values.isEmpty ? .nan : values.sorted()[values.count / 2]
    }

    /// Nothing for what was not measured.
    private func figure(_ value: Double, _ format: String) -> String {
        value.isNaN ? "" : String(format: format, value)
    }

    private func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
