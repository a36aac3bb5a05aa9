import CoreMetrics
import Synchronization

/// Collects what is counted through swift-metrics and writes it in Prometheus' text format.
package final class PrometheusMetrics: MetricsFactory {
    private struct Key: Hashable {
        let name: String
        let labels: String
    }
    private let counters = Mutex<[Key: CounterCell]>([:])
    private let gauges = Mutex<[Key: GaugeCell]>([:])
    private let summaries = Mutex<[Key: SummaryCell]>([:])

    package init() {}

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        counters.withLock { $0.cell(Self.key(label, dimensions), CounterCell()) }
    }
    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        gauges.withLock { $0.cell(Self.key(label, dimensions), GaugeCell()) }
    }
    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauges.withLock { $0.cell(Self.key(label, dimensions), GaugeCell()) }
    }
    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        summaries.withLock { $0.cell(Self.key(label, dimensions), SummaryCell(scale: 1)) }
    }
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let key = Self.key(label + "_seconds", dimensions)
        return summaries.withLock { $0.cell(key, SummaryCell(scale: 1e-9)) }
    }

    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    private static func key(_ label: String, _ dimensions: [(String, String)]) -> Key {
        let name = String(label.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
        let labels = dimensions.map { name, value in
            let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            return "\(name)=\"\(escaped.replacing("\n", with: "\\n"))\""
        }
        return Key(name: name, labels: labels.joined(separator: ","))
    }

    /// The text of `GET /metrics`.
    package func text() -> String {
        var lines: [String] = []
        var typed: Set<String> = []
        func type(_ name: String, _ type: String) {
            if typed.insert(name).inserted { lines.append("# TYPE \(name) \(type)") }
        }
        for (key, cell) in sorted(counters.withLock { $0 }) {
            type("\(key.name)_total", "counter")
            lines.append(line("\(key.name)_total", key.labels, "\(cell.value)"))
        }
        for (key, cell) in sorted(gauges.withLock { $0 }) {
            type(key.name, "gauge")
            lines.append(line(key.name, key.labels, "\(cell.value)"))
        }
        for (key, cell) in sorted(summaries.withLock { $0 }) {
            let (count, sum) = cell.values
            type(key.name, "summary")
            lines.append(line("\(key.name)_count", key.labels, "\(count)"))
            lines.append(line("\(key.name)_sum", key.labels, "\(sum)"))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func sorted<Cell>(_ cells: [Key: Cell]) -> [(key: Key, value: Cell)] {
        cells.sorted { ($0.key.name, $0.key.labels) < ($1.key.name, $1.key.labels) }
    }

    private func line(_ name: String, _ labels: String, _ value: String) -> String {
        labels.isEmpty ? "\(name) \(value)" : "\(name){\(labels)} \(value)"
    }
}

extension Dictionary {
    fileprivate mutating func cell(_ key: Key, _ new: @autoclosure () -> Value) -> Value {
        if let known = self[key] { return known }
        let cell = new()
        self[key] = cell
        return cell
    }
}

private final class CounterCell: CounterHandler {
    private let count = Atomic<Int64>(0)
    var value: Int64 { count.load(ordering: .relaxed) }
    func increment(by amount: Int64) { count.add(amount, ordering: .relaxed) }
    func reset() { count.store(0, ordering: .relaxed) }
}

/// A level that is set, or a sum of fractions.
private final class GaugeCell: MeterHandler, FloatingPointCounterHandler {
    private let level = Mutex(0.0)
    var value: Double { level.withLock { $0 } }
    func set(_ value: Int64) { level.withLock { $0 = Double(value) } }
    func set(_ value: Double) { level.withLock { $0 = value } }
    func increment(by amount: Double) { level.withLock { $0 += amount } }
    func decrement(by amount: Double) { level.withLock { $0 -= amount } }
    func reset() { level.withLock { $0 = 0 } }
}

/// How many values came and what they add up to.
private final class SummaryCell: RecorderHandler, TimerHandler {
    private let scale: Double
    private let state = Mutex((count: 0, sum: 0.0))
    init(scale: Double) { self.scale = scale }
    var values: (Int, Double) { state.withLock { ($0.count, $0.sum * scale) } }
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { state.withLock { $0 = ($0.count + 1, $0.sum + value) } }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration)) }
}
