import Foundation

/// The ratios that stand in git: the processor time that a sale may cost beside its references.
/// Time by the clock is printed only: how long a disk or a busy machine lets wait is not the
/// program's doing.
struct Thresholds {
    /// The processor time of something, divided by that of its reference in the same run. More is
    /// worse.
    struct Ratio {
        let name: String
        let value: Double
    }

    /// How many times the recorded ratio is a regression.
    static let tolerance = 1.3

    /// By what was measured (sales, stages), by name.
    private(set) var ratios: [String: [String: Double]]

    init(file: String) throws {
        do {
            ratios = try JSONDecoder().decode(
                [String: [String: Double]].self,
                from: try Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw Failure(
                """
                The recorded ratios can't be read from \(file): \(error.localizedDescription). \
                Run this in the folder of the sources, or name the file: --thresholds
                """)
        }
    }

    func names(of group: String) -> Set<String> { Set((ratios[group] ?? [:]).keys) }

    /// Those of the measured ratios that are worse than recorded by more than the tolerance, or
    /// that are no numbers.
    func regressions(_ measured: [Ratio], of group: String) -> [Regression] {
        measured.compactMap { ratio in
            guard let recorded = ratios[group]?[ratio.name],
                !(ratio.value <= recorded * Self.tolerance)
            else { return nil }
            return Regression(ratio: ratio, recorded: recorded)
        }
    }

    mutating func note(_ measured: [Ratio], of group: String) {
        ratios[group] = Dictionary(
            measured.map { ($0.name, ($0.value * 1_000).rounded() / 1_000) },
            uniquingKeysWith: { first, _ in first })
    }

    func write(to file: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try (encoder.encode(ratios) + Data("\n".utf8)).write(to: URL(fileURLWithPath: file))
    }

    struct Regression {
        let ratio: Ratio
        let recorded: Double

        var text: String {
            String(
                format: "  %@: %.3f times its reference, recorded %.3f: %.0f %% more",
                ratio.name, ratio.value, recorded, (ratio.value / recorded - 1) * 100)
        }
    }
}
