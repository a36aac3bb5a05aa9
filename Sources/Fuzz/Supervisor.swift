import Foundation

/// Starts the worker, watches it and tells what became of it.
struct Supervisor {
    private let plan: Plan
    private let folder: URL
    private let board: Board

    private static let memoryMax: UInt64 = 512 << 20
    private static let silenceMax = Duration.seconds(10)

    init(_ plan: Plan) throws {
        self.plan = plan
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("tribute-fuzz-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        board = try Board(path: folder.appendingPathComponent("board").path)
    }

    func run() throws -> Int32 {
        defer { try? FileManager.default.removeItem(at: folder) }
        let start = ContinuousClock.now
        let worker = Process()
        worker.executableURL = URL(fileURLWithPath: Self.executable)
        worker.arguments =
            plan.arguments + ["--board", folder.appendingPathComponent("board").path]
        try worker.run()
        let isHanging = watch(worker, since: start)
        worker.waitUntilExit()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let failure = isHanging ? "no answer within \(Self.silenceMax)" : failure(of: worker)
        print(Summary(board: board, plan: plan, seconds: seconds).text)
        if let failure {
            if board[.begun] > 0 { try report(failure) } else { print("tribute-fuzz: \(failure)") }
            return 1
        }
        return missing().map { print("tribute-fuzz: \($0)") } == nil ? 0 : 1
    }

    private static var executable: String {
        Bundle.main.executablePath ?? ProcessInfo.processInfo.arguments[0]
    }

    /// Whether the worker had to be killed.
    private func watch(_ worker: Process, since start: ContinuousClock.Instant) -> Bool {
        let isTerminal = isatty(2) == 1
        var (last, moved, told) = (board[.begun], start, start)
        while worker.isRunning {
            usleep(50_000)
            let now = ContinuousClock.now
            if board[.begun] != last { (last, moved) = (board[.begun], now) }
            if now - moved > Self.silenceMax {
                kill(worker.processIdentifier, SIGKILL)
                return true
            }
            if isTerminal, now - told > .seconds(3) {
                told = now
                let text = Summary(board: board, plan: plan, seconds: (now - start) / .seconds(1))
                FileHandle.standardError.write(Data("\(text.line)\n".utf8))
            }
        }
        return false
    }

    private func failure(of worker: Process) -> String? {
        switch (worker.terminationReason, worker.terminationStatus) {
        case (.uncaughtSignal, let signal): "died by signal \(signal)"
        case (_, Worker.foundStatus): board.message
        case (_, 0) where board[.isDone] == 1: nil
        case (_, let status): "the worker ended with status \(status)"
        }
    }

    /// What is wrong with the run though no input is to blame.
    private func missing() -> String? {
        if board[.peakMemory] > Self.memoryMax {
            return "used \(board[.peakMemory] >> 20) MiB of memory, more than "
                + "\(Self.memoryMax >> 20)"
        }
        if plan.replay != nil { return nil }
        for target in plan.targets {
            if board[target, .accepted] == 0 { return "\(target): no input was accepted" }
            if board[target, .rejected] == 0 { return "\(target): no input was refused" }
        }
        return nil
    }

    private func report(_ failure: String) throws {
        let target = TargetName.allCases[Int(board[.target])]
        let number = board[.number]
        print(
            "tribute-fuzz: \(target), seed \(plan.seed), input \(number): \(failure.prefix(1_000))")
        var path = plan.replay ?? "fuzz-failure-\(target)-\(plan.seed)-\(number).bin"
        if plan.replay == nil {
            try Data(board.input).write(to: URL(fileURLWithPath: path))
            path = URL(fileURLWithPath: path).path
        }
        let canary = plan.canary ? " --canary" : ""
        print("replay: \(Self.executable) --target \(target)\(canary) --replay \(path)")
    }
}

/// The figures of the board in words.
struct Summary {
    let board: Board
    let plan: Plan
    let seconds: Double

    private var total: UInt64 { plan.targets.reduce(0) { $0 + board[$1, .inputs] } }

    var line: String {
        let parts = plan.targets.map { target in
            "\(target) \(board[target, .inputs]) (\(board[target, .accepted]) accepted, "
                + "\(board[target, .rejected]) refused)"
        }
        let rate = seconds > 0 ? Int(Double(total) / seconds) : 0
        return "inputs: \(parts.joined(separator: ", ")); \(rate) a second"
    }

    var text: String {
        let differences = Difference.allCases.filter { board[$0] > 0 }
            .map { "\($0.text) \(board[$0])" }
        let times = plan.targets.map { target in
            "\(target) \(board[target, .nanoseconds] / max(1, board[target, .inputs]) / 1_000) µs"
        }
        return """
            \(line)
            differences: \(differences.isEmpty ? "none" : differences.joined(separator: ", "))
            each: \(times.joined(separator: ", ")); \(board[.peakMemory] >> 20) MiB at most; \
            seed \(plan.seed)
            """
    }
}
