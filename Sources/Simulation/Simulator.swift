import Attribution
import Foundation
import Integrations
import Ledger

package struct SimulationOptions: Sendable {
    package var seed: UInt64
    /// Batches.
    package var steps = 200
    package var hasFaults = true
    package var canary: Canary?
    /// Where the files and commands of a simulation that found something stay.
    package var keep: String?
    package init(seed: UInt64) { self.seed = seed }
}

/// What a simulation did.
package struct SimulationSummary: Sendable {
    package var commands = 0
    package var batches = 0
    package var answers: [String: Int] = [:]
    package var faults: [String: Int] = [:]
    package var crashes = 0
    package var reposts = 0
    package var rowsCompared = 0
    package init() {}

    package mutating func add(_ other: Self) {
        commands += other.commands
        batches += other.batches
        answers.merge(other.answers) { $0 + $1 }
        faults.merge(other.faults) { $0 + $1 }
        crashes += other.crashes
        reposts += other.reposts
        rowsCompared += other.rowsCompared
    }
}

/// What was found wrong, at which batch.
package struct SimulationFailure: Error, Sendable {
    package let seed: UInt64
    package let step: Int
    package let finding: String
}

/// Drives the real ledger on the real engine through a seeded workload, on a disk and in a process
/// that fail by the seed, and holds every answer and row against the model.
///
/// The workload, the faults and what an outage leaves come from the seed alone. Whether a fault
/// finds its operation may differ once in a while: Swift orders sets anew in each process, so that
/// pages can split elsewhere. Nothing that is checked depends on it: the database must be as the
/// model has it, before the batch or after it.
package struct Simulator {
    let options: SimulationOptions
    let machine: Machine
    let journal: Journal
    var workload: Workload
    var model = Model()
    var auditor = Auditor()
    private var sizes: SplitMix
    package var summary = SimulationSummary()
    /// Batches until the power must go, because something on the disk is lost that no later sync
    /// brings back.
    var outageIn: Int?
    /// Why the last batch failed, as the engine said it.
    var reason: String?

    /// Runs one simulation from its start to its end.
    ///
    /// - Parameter progress: is told of each batch.
    /// - Throws: `SimulationFailure` if something was found.
    package static func run(
        _ options: SimulationOptions, progress: @Sendable (Int) -> Void = { _ in }
    ) async throws -> SimulationSummary {
        let root =
            options.keep.map { "\($0)/seed-\(options.seed)" }
            ?? FileManager.default.temporaryDirectory
            .appendingPathComponent("tribute-simulation-\(UUID().uuidString)").path
        var simulator = try Simulator(options, root: root)
        let failure: (any Error)?
        do {
            try await simulator.runAll(progress)
            failure = nil
        } catch { failure = error }
        await simulator.machine.end()
        if failure == nil || options.keep == nil {
            try? FileManager.default.removeItem(atPath: root)
        }
        if let failure { throw failure }
        return simulator.summary
    }

    private init(_ options: SimulationOptions, root: String) throws {
        self.options = options
        machine = try Machine(
            root: root, seed: options.seed, canary: options.canary,
            keepsLast: options.keep != nil)
        journal = Journal(directory: options.keep.map { _ in root })
        workload = Workload(seed: options.seed, scope: .modelled)
        sizes = SplitMix(seed: options.seed ^ 0x5153)
    }

    private mutating func runAll(_ progress: @Sendable (Int) -> Void) async throws {
        var step = 0
        do {
            var random = SplitMix(seed: options.seed)
            try await post(workload.opening(), &random, hasFaults: false)
            while step < options.steps {
                step += 1
                if step == 3 { machine.database.release(options.canary) }
                try await self.step(step)
                progress(step)
            }
            try await audit(isThorough: true)
        } catch let finding as Finding {
            throw SimulationFailure(
                seed: options.seed, step: step, finding: finding.description)
        } catch let error as SQLError {
            throw SimulationFailure(
                seed: options.seed, step: step, finding: "reading failed: \(error)")
        }
        summary.rowsCompared = auditor.rowsCompared
    }

    private mutating func step(_ step: Int) async throws {
        // One stream for each step: how often something had to be repeated changes no later one.
        var random = SplitMix(seed: options.seed &+ UInt64(step) &* 0xD134_2543_DE82_EF95)
        let size = sizes.pick([sizes.int(1..<8), sizes.int(1..<60), sizes.int(100..<200)])
        if random.chance(6) {
            try await postAtOnce(workload.commuting(min(size, 60)))
        } else {
            try await post(
                workload.batch(size), &random, hasFaults: options.hasFaults,
                isSwapped: options.canary == .swappedAnswers && step >= 3)
        }
        let harmless = Interlude.allCases.filter(\.isHarmless)
        if random.chance(14) {
            try await happen(
                random.pick(options.hasFaults ? Interlude.allCases : harmless), &random)
        }
        if let left = outageIn {
            outageIn = left > 1 ? left - 1 : nil
            if left <= 1 { try await happen(.powerless, &random) }
        }
        if step % 8 == 0 { try await audit(isThorough: step % 40 == 0) }
    }

    private mutating func happen(
        _ interlude: Interlude, _ random: inout SplitMix
    ) async throws {
        summary.faults[interlude.rawValue, default: 0] += 1
        journal.note("== \(interlude.rawValue)")
        do { try await interlude.happen(machine, &random) } catch let finding as Finding {
            throw Finding("\(interlude.rawValue): \(finding)")
        }
        if interlude == .brokenCheckpoint { outageIn = random.int(1..<5) }
        if interlude == .checkpoint || interlude == .brokenCheckpoint { return }
        if interlude != .restart { summary.crashes += 1 }
        if interlude.isFinal { outageIn = nil }
        do { try await audit() } catch let finding as Finding {
            throw Finding("after \(interlude.rawValue): \(finding)")
        }
    }
}
