import ArgumentParser
import Foundation

@main
struct Fuzz: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tribute-fuzz",
        abstract: "Feed made-up bytes to everything that reads what strangers send.",
        discussion: """
            Input number n of a seed is always the same, for the same corpus. A second process \
            does the work; whether it crashes, hangs, needs too much time or memory, or breaks a \
            property, the input is kept in a file and the command that shows it again is printed. \
            Ends with status 1 then, and also if a target never accepted or never refused.

              tribute-fuzz
              tribute-fuzz --target json --seed 7 --inputs 1000000
              tribute-fuzz --replay fuzz-failure-json-7-42.bin --target json
              tribute-fuzz --canary
            """)

    @Option(help: "json, body, query, redirect, rows, head or all.") var target = "all"
    @Option(help: "Where the random numbers start. (default: another one each time)")
    var seed: UInt64?
    @Option(help: "Inputs of each target.") var inputs: UInt64?
    @Option(help: "Stop after so many seconds. (default: 30, without --inputs)") var seconds: Int?
    @Option(help: "The folder with a folder of inputs for each target.")
    var corpus = "Tests/fuzz/corpus"
    @Option(help: "Try the input of this file, for one --target.") var replay: String?
    @Flag(help: "Break one property of each target on purpose: it must be found.") var canary =
        false
    @Option(help: .hidden) var board: String?

    func validate() throws {
        guard target == "all" || TargetName(rawValue: target) != nil else {
            throw ValidationError("--target: json, body, query, redirect, rows, head or all")
        }
        guard inputs ?? 1 > 0, seconds ?? 1 > 0 else {
            throw ValidationError("--inputs, --seconds: at least 1")
        }
        guard replay == nil || target != "all" else {
            throw ValidationError("--replay: name the --target")
        }
    }

    private var targets: [TargetName] {
        TargetName(rawValue: target).map { [$0] } ?? TargetName.allCases
    }

    func run() throws {
        let plan = Plan(
            targets: targets, seed: seed ?? UInt64.random(in: 0..<1_000_000_000), inputs: inputs,
            seconds: seconds ?? (inputs == nil && replay == nil ? 30 : nil),
            corpus: corpus, replay: replay, canary: canary)
        if let board {
            var worker = try Worker(plan, try Board(path: board))
            throw ExitCode(worker.run())
        }
        throw ExitCode(try Supervisor(plan).run())
    }
}

/// What is to be tried.
struct Plan {
    let targets: [TargetName]
    let seed: UInt64
    /// Of each target; nil is no limit.
    let inputs: UInt64?
    let seconds: Int?
    let corpus: String
    let replay: String?
    let canary: Bool

    /// The arguments that say the same.
    var arguments: [String] {
        var words = [
            "--target", targets.count == 1 ? targets[0].rawValue : "all", "--seed", "\(seed)",
            "--corpus", corpus,
        ]
        if let inputs { words += ["--inputs", "\(inputs)"] }
        if let seconds { words += ["--seconds", "\(seconds)"] }
        if let replay { words += ["--replay", replay] }
        if canary { words.append("--canary") }
        return words
    }
}
