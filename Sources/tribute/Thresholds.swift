import Foundation
import Stages

/// The ratios that stand in git: what a sale may cost beside its references.
struct Thresholds {
    /// What something costs, divided by what its reference costs in the same run. More is worse.
    struct Ratio {
        enum Measure: String { case processor, clock }
        let name: String
        let measure: Measure
        let value: Double

        static func both(_ name: String, _ ratio: Cost) -> [Ratio] {
            [
                Ratio(name: name, measure: .processor, value: ratio.processor),
                Ratio(name: name, measure: .clock, value: ratio.clock),
            ]
        }
    }

    /// How many times the recorded ratio is a regression.
    static let tolerance = 1.3

    /// By what was measured (sales, stages), by name, by measure.
    private(set) var ratios: [String: [String: [String: Double]]]

    init(file: String) throws {
        do {
            ratios = try JSONDecoder().decode(
                [String: [String: [String: Double]]].self,
                from: try Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw Failure(
                """
                The recorded ratios can't be read from \(file): \(error.localizedDescription). \
                Run this in the folder of the sources, or name the file: --thresholds
                """)
        }
    }

    func recorded(_ ratio: Ratio, of group: String) -> Double? {
        ratios[group]?[ratio.name]?[ratio.measure.rawValue]
    }

    /// Those of the measured ratios that are worse than recorded by more than the tolerance.
    func regressions(_ measured: [Ratio], of group: String) -> [Regression] {
        measured.compactMap { ratio in
            guard let recorded = recorded(ratio, of: group),
                !(ratio.value <= recorded * Self.tolerance)
            else { return nil }
            return Regression(ratio: ratio, recorded: recorded)
        }
    }

    func names(of group: String) -> Set<String> { Set((ratios[group] ?? [:]).keys) }

    mutating func note(_ measured: [Ratio], of group: String) {
        ratios[group] = Dictionary(grouping: measured, by: \.name).mapValues { ratios in
            Dictionary(
                ratios.map { ($0.measure.rawValue, ($0.value * 1_000).rounded() / 1_000) },
                uniquingKeysWith: { first, _ in first })
        }
    }

    func write(to file: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try (encoder.encode(ratios) + Data("\n".utf8)).write(to: URL(fileURLWithPath: file))
    }

    struct Regression {
        let ratio: Ratio
        let recorded: Double

        func isSame(as other: Regression) -> Bool {
            ratio.name == other.ratio.name && ratio.measure == other.ratio.measure
        }

        var text: String {
            String(
                format: "  %@, %@: %.3f times its reference, recorded %.3f: %.0f %% more",
                ratio.name, ratio.measure == .processor ? "processor time" : "time by the clock",
                ratio.value, recorded, (ratio.value / recorded - 1) * 100)
        }
    }
}
