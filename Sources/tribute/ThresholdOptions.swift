import ArgumentParser
import Foundation

/// Comparing what was measured with the ratios that are recorded, or recording it.
struct ThresholdOptions: ParsableArguments {
    @Flag(help: "End with status 1 if a ratio is more than 30 % worse than the recorded one.")
    var check = false
    @Flag(help: "Write what is measured into the file of recorded ratios.") var record = false
    @Option(help: ArgumentHelp("The file of recorded ratios.", valueName: "file"))
    var thresholds = "bench/thresholds.json"

    var isAsked: Bool { check || record }

    func validate() throws {
        if check, record { throw ValidationError("--check or --record: one of the two") }
    }

    /// Read before anything is measured, so that a wrong path is told at once.
    func recorded() throws -> Thresholds? {
        isAsked ? try Thresholds(file: thresholds) : nil
    }

    /// How often a ratio is measured at most. Noise passes, a regression does not.
    private static let attempts = 3

    /// - Parameters:
    ///   - group: under which the ratios stand in the file.
    ///   - again: measures what has these names once more.
    /// - Throws: `Failure` if a ratio is worse than recorded each time.
    func settle(
        _ measured: [Thresholds.Ratio], _ group: String, against recorded: Thresholds?,
        again: ([String]) async throws -> [Thresholds.Ratio]
    ) async throws {
        guard var recorded else { return }
        if record {
            recorded.note(measured, of: group)
            try recorded.write(to: thresholds)
            print("Recorded in \(thresholds)")
            return
        }
        try demandSame(Set(measured.map(\.name)), recorded.names(of: group), group)
        var regressions = recorded.regressions(measured, of: group)
        for _ in 1..<Self.attempts where !regressions.isEmpty {
            let names = Set(regressions.map(\.ratio.name))
            print("\nWorse than recorded, measured again: \(list(names))")
            regressions = recorded.regressions(try await again(names.sorted()), of: group)
                .filter { names.contains($0.ratio.name) }
        }
        guard regressions.isEmpty else { throw failure(regressions, group) }
        print("No ratio is more than 30 % worse than recorded in \(thresholds)")
    }

    /// What is measured and not recorded would never be compared.
    private func demandSame(
        _ measured: Set<String>, _ recorded: Set<String>, _ group: String
    ) throws {
        if measured == recorded { return }
        throw Failure(
            """
            \(thresholds) does not have what is measured (\(group)); \
            measured only: \(list(measured.subtracting(recorded))); \
            recorded only: \(list(recorded.subtracting(measured)))
            """)
    }

    private func list(_ names: Set<String>) -> String {
        names.isEmpty ? "none" : names.sorted().joined(separator: ", ")
    }

    private func failure(_ regressions: [Thresholds.Regression], _ group: String) -> Failure {
        Failure(
            """
            A sale takes more processor time than recorded in \(thresholds), each of \
            \(Self.attempts) times:
            \(regressions.map(\.text).joined(separator: "\n"))
            `make profile` shows where the time goes. If the change is worth it, record what it \
            costs and commit the file: tribute bench \(group) --record
            """)
    }
}
