import ArgumentParser
import Foundation
import Simulation

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Try the ledger on a disk and in a process that fail, against a model of it.",
        discussion: """
            Everything comes from a seed: the commands, what goes wrong and when, and what an \
            outage leaves of the files. The real ledger runs on the real SQLite, in a directory of \
            its own; your data is not touched. Every answer and every row is compared with a \
            second, simpler writing of the rules, every total with its events. Each answered batch \
            must survive whatever comes.

            Ends with status 1 at the first difference, and prints it with the command that shows \
            it again. A canary makes one mistake on purpose: the simulation must find it, and ends \
            with status 2 if it does not.

              tribute simulate
              tribute simulate --seed 42 --steps 500
              tribute simulate --seconds 3600
              tribute simulate --canary early-answer

            Canaries:
            \(Canary.allCases.map { "  \($0.rawValue): \($0.summary)" }.joined(separator: "\n"))
            """)

    enum Switch: String, ExpressibleByArgument, CaseIterable { case on, off }

    @Option(
        parsing: .unconditional,
        help: "Where the random numbers start: 0 or more. (default: another one each time)")
    var seed: UInt64?
    @Option(parsing: .unconditional, help: "Batches of commands.") var steps = 200
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Run one seed after the other until the time is over.", valueName: "s"))
    var seconds: Int?
    @Option(help: "Whether anything goes wrong: on or off.") var faults = Switch.on
    @Option(
        help: ArgumentHelp("Make this mistake on purpose; see above.", valueName: "name"),
        transform: { name in
            guard let canary = Canary(rawValue: name) else {
                let names = Canary.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("there is no canary '\(name)'; there are \(names)")
            }
            return canary
        })
    var canary: Canary?
    @Option(
        help: ArgumentHelp(
            "Keep the files and commands of a seed that failed in a folder of this one.",
            valueName: "folder"))
    var keep: String?

    func validate() throws {
        guard steps > 0, seconds ?? 1 > 0 else {
            throw ValidationError("--steps, --seconds: at least 1")
        }
        if let canary, canary.needsFaults, faults == .off {
            throw ValidationError(
                "--canary \(canary.rawValue) shows only where something fails: --faults on")
        }
    }

    func run() async throws {
        let start = ContinuousClock.now
        var total = SimulationSummary()
        var seeds = 0
        repeat {
            let next = seeds == 0 ? seed : seed.map { $0 &+ UInt64(seeds) }
            total.add(try await simulate(next ?? .random(in: 0..<1 << 32)))
            seeds += 1
        } while ContinuousClock.now - start < .seconds(seconds ?? 0)
        report(total, seeds, ContinuousClock.now - start)
        if let canary {
            print("the canary \(canary.rawValue) was NOT found")
            throw ExitCode(2)
        }
    }

    private func simulate(_ seed: UInt64) async throws -> SimulationSummary {
        var options = SimulationOptions(seed: seed)
        (options.steps, options.hasFaults) = (steps, faults == .on)
        (options.canary, options.keep) = (canary, keep)
        let isTerminal = isatty(2) == 1
        let steps = steps
        print("seed \(seed)")
        do {
            let summary = try await Simulator.run(options) { step in
                if isTerminal { progress("seed \(seed): batch \(step) of \(steps)") }
            }
            if isTerminal { progress("") }
            return summary
        } catch let failure as SimulationFailure {
            if isTerminal { progress("") }
            print("FAILED at batch \(failure.step): \(failure.finding)")
            print("replay: \(replay(failure))")
            if let keep { print("files: \(keep)/seed-\(seed)") }
            throw ExitCode(1)
        }
    }

    private func replay(_ failure: SimulationFailure) -> String {
        var words = ["tribute simulate --seed \(failure.seed) --steps \(max(1, failure.step))"]
        if faults == .off { words.append("--faults off") }
        if let canary { words.append("--canary \(canary.rawValue)") }
        return words.joined(separator: " ")
    }

    private func report(_ total: SimulationSummary, _ seeds: Int, _ duration: Duration) {
        let seconds = Double(duration.components.seconds) + 0.001
        let rate = Int(Double(total.commands) / max(1, seconds))
        print("\(seeds) seeds, \(total.batches) batches, \(total.commands) commands, \(rate)/s")
        print("answers: \(list(total.answers))")
        print("faults: \(list(total.faults))")
        print("\(total.crashes) crashes, \(total.reposts) batches sent again")
        print("\(total.rowsCompared) rows compared: no difference")
    }

    private func list(_ counts: [String: Int]) -> String {
        if counts.isEmpty { return "none" }
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }
}

/// One line that is written over by the next.
private func progress(_ text: String) {
    FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
}
