import Foundation
import Integrations

/// Tries one input after the other and tells the board what it is at.
struct Worker {
    private let plan: Plan
    private let board: Board
    private var sources: [Source] = []
    private var classes = Classes()

    /// What found a property that does not hold.
    static let foundStatus: Int32 = 3

    init(_ plan: Plan, _ board: Board) throws {
        (self.plan, self.board) = (plan, board)
        sources = try plan.targets.map { name in
            let target = name.target(canary: plan.canary)
            let seeds = plan.replay == nil ? try Corpus.read(plan.corpus, name) : []
            return Source(name: name, target: target, seeds: seeds, seed: plan.seed)
        }
    }

    mutating func run() -> Int32 {
        let start = ContinuousClock.now
        let parent = getppid()
        if let replay = plan.replay {
            guard let data = FileManager.default.contents(atPath: replay) else {
                board.message = "there is no file \(replay)"
                return Self.foundStatus
            }
            guard tried(0, number: 0, Array(data)) else { return Self.foundStatus }
            return done()
        }
        var number: UInt64 = 0
        while plan.inputs.map({ number < $0 }) ?? true {
            for index in sources.indices {
                let input = sources[index].input(number)
                guard tried(index, number: number, input) else { return Self.foundStatus }
            }
            number += 1
            if number % 64 == 0 {
                if let seconds = plan.seconds, ContinuousClock.now - start > .seconds(seconds) {
                    break
                }
                tellMemory()
                // Nobody looks any more.
                if getppid() != parent { return 2 }
            }
        }
        return done()
    }

    private mutating func done() -> Int32 {
        tellMemory()
        board[.isDone] = 1
        return 0
    }

    private func tellMemory() {
        var usage = rusage()
        #if os(Linux)
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            board[.peakMemory] = UInt64(usage.ru_maxrss) * 1_024
        #else
            getrusage(RUSAGE_SELF, &usage)
            board[.peakMemory] = UInt64(usage.ru_maxrss)
        #endif
    }

    private mutating func tried(_ index: Int, number: UInt64, _ input: [UInt8]) -> Bool {
        let name = sources[index].name
        board.input = input
        board[.target] = UInt64(name.index)
        board[.number] = number
        board[.begun] += 1
        let before = classes.counts
        let begin = processorTime()
        do throws(Finding) {
            let isAccepted = try sources[index].target.check(input, &classes)
            var spent = processorTime() - begin
            if spent > Self.timeMax(input) { spent = min(spent, try again(index, input)) }
            guard spent <= Self.timeMax(input) else {
                board.message = "\(input.count) bytes took \(spent / 1_000_000) ms"
                return false
            }
            board[name, .inputs] += 1
            board[name, isAccepted ? .accepted : .rejected] += 1
            board[name, .nanoseconds] += spent
            for difference in Difference.allCases {
                let count = classes.counts[difference.rawValue]
                if count != before[difference.rawValue] { board[difference] = count }
            }
            return true
        } catch {
            board.message = error.text
            return false
        }
    }

    /// Another process may have been in the way the first time.
    private mutating func again(_ index: Int, _ input: [UInt8]) throws(Finding) -> UInt64 {
        let begin = processorTime()
        _ = try sources[index].target.check(input, &classes)
        return processorTime() - begin
    }

    /// Nanoseconds that an input may take: linear in its bytes, and never more than a second.
    private static func timeMax(_ input: [UInt8]) -> UInt64 {
        min(1_000_000_000, 100_000_000 + UInt64(input.count) * 10_000)
    }
}

/// Nanoseconds of this process's own work; POSIX counts microseconds.
private func processorTime() -> UInt64 { UInt64(max(0, clock())) * 1_000 }
