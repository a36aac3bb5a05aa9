import Simulation
import Testing

/// The simulation of `tribute simulate`, in small.
@Suite(.enabled(if: Engine.isSQLite)) struct SimulationTests {
    /// Nothing is wrong, with and without faults.
    @Test(arguments: [1, 2, 3, 4] as [UInt64], [true, false])
    func nothingIsFound(seed: UInt64, hasFaults: Bool) async throws {
        var options = SimulationOptions(seed: seed)
        (options.steps, options.hasFaults) = (50, hasFaults)
        let summary = try await Simulator.run(options)
        #expect(summary.commands > 1_000)
        #expect(summary.rowsCompared > 10_000)
        #expect(summary.answers["sale", default: 0] > 50)
        #expect(hasFaults == (summary.crashes > 0))
        #expect(hasFaults == (summary.reposts > 0))
    }

    /// The simulation notices each of the mistakes that it knows how to make.
    @Test(arguments: Canary.allCases)
    func everyCanaryIsFound(canary: Canary) async throws {
        var options = SimulationOptions(seed: 1)
        options.canary = canary
        let error = await #expect(throws: SimulationFailure.self) {
            try await Simulator.run(options)
        }
        #expect(error?.finding.isEmpty == false)
    }

    /// The same seed is the same workload.
    @Test func aSeedComesBack() {
        var (one, other) = (
            Workload(seed: 5, scope: .modelled), Workload(seed: 5, scope: .modelled)
        )
        #expect("\(one.opening())" == "\(other.opening())")
        for size in [1, 50, 7] { #expect("\(one.batch(size))" == "\(other.batch(size))") }
    }
}
