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
        let missing = recorded.names(of: group).subtracting(measured.map(\.name)).sorted()
        guard missing.isEmpty else {
            throw Failure(
                "\(thresholds) has ratios that were not measured: \(missing.joined(separator: ", "))"
            )
        }
        var regressions = recorded.regressions(measured, of: group)
        for _ in 1..<Self.attempts where !regressions.isEmpty {
            let names = Set(regressions.map(\.ratio.name)).sorted()
            print("\nWorse than recorded, measured again: \(names.joined(separator: ", "))")
            let second = recorded.regressions(try await again(names), of: group)
            regressions = second.filter { one in regressions.contains { one.isSame(as: $0) } }
        }
        guard regressions.isEmpty else { throw failure(regressions, group) }
        print("No ratio is more than 30 % worse than recorded in \(thresholds)")
    }

    private func failure(_ regressions: [Thresholds.Regression], _ group: String) -> Failure {
        Failure(
            """
            A sale costs more than recorded in \(thresholds), each of \(Self.attempts) times:
            \(regressions.map(\.text).joined(separator: "\n"))
            `make profile` shows where the time goes. If the change is worth it, record what it \
            costs and commit the file: tribute bench \(group) --record
            """)
    }
}
