import Attribution
import Dispatch
import Foundation
import Synchronization

/// Natural batching: while one batch commits, the next one gathers. No timer, so a lone command
/// waits for nobody; the more there are, the more share one fsync.
final class CommitQueue: Sendable {
    private struct Entry {
        let submission: Submission
        let arrival: ContinuousClock.Instant
        let answer: Answer
    }

    private struct State {
        var entries: [Entry] = []
        var isStopped = false
        var isIdle = false
        var stopWaiters: [CheckedContinuation<Void, Never>] = []
        var hasEnded = false
    }

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let limits: Limits
    private let commit: Commit

    /// Takes those that wait now and are about nothing but what is named, for the batch at hand.
    typealias Latecomers = (WorkspaceNames) -> [Submission]
    /// Commits commands and latecomers, in this order; one result for each.
    typealias Commit =
        @Sendable ([Submission], Latecomers) throws -> [Result<Outcome, LedgerError>]
    typealias Answer = @Sendable (Result<Outcome, LedgerError>) -> Void

    init(limits: Limits, commit: @escaping Commit) {
        self.limits = limits
        self.commit = commit
        let thread = Thread { [self] in run() }
        thread.name = "commit"
        thread.stackSize = 4 << 20
        thread.start()
    }

    var depth: Int { state.withLock { $0.entries.count } }

    func submit(_ command: Command) async throws(LedgerError) -> Outcome {
        let result = await withCheckedContinuation { continuation in
            submit(Submission(command: command)) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// - Parameter answer: called on this thread if the command is not accepted.
    func submit(_ submission: Submission, _ answer: @escaping Answer) {
        if let refusal = accept([(submission, answer)]) { answer(.failure(refusal)) }
    }

    /// All are accepted, side by side in their order, or none is.
    func submit(_ commands: [Command]) async throws(LedgerError) -> [Result<Outcome, LedgerError>] {
        guard !commands.isEmpty else { return [] }
        let result: Result<[Result<Outcome, LedgerError>], LedgerError> =
            await withCheckedContinuation { continuation in
                let answers = Answers(count: commands.count) {
                    continuation.resume(returning: .success($0))
                }
                let entries = commands.enumerated().map { index, command in
                    (Submission(command: command), { @Sendable in answers.set($0, at: index) })
                }
                if let refusal = accept(entries) {
                    continuation.resume(returning: .failure(refusal))
                }
            }
        return try result.get()
    }

    private func accept(
        _ entries: [(Submission, Answer)]
    ) -> LedgerError? {
        state.withLock { state in
            if state.isStopped { return .stopped }
            if state.entries.count + entries.count > limits.queueDepthMax { return .overloaded }
            let arrival = ContinuousClock.now
            for (submission, answer) in entries {
                state.entries.append(
                    Entry(submission: submission, arrival: arrival, answer: answer))
            }
            if state.isIdle {
                state.isIdle = false
                wake.signal()
            }
            return nil
        }
    }

    func stop() async {
        await withCheckedContinuation { waiter in
            let hasEnded = state.withLock { state in
                state.isStopped = true
                if state.isIdle {
                    state.isIdle = false
                    wake.signal()
                }
                if !state.hasEnded { state.stopWaiters.append(waiter) }
                return state.hasEnded
            }
            if hasEnded { waiter.resume() }
        }
    }

    private func run() {
        while let batch = next() { answer(batch) }
        let waiters = state.withLock { state in
            state.hasEnded = true
            return state.stopWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Blocks until there is something to commit; nil once stopped and empty.
    private func next() -> [Entry]? {
        while true {
            let batch: [Entry]? = state.withLock { state in
                if state.entries.isEmpty {
                    if state.isStopped { return nil }
                    state.isIdle = true
                    return []
                }
                return state.entries.takeFirst(limits.batchMax)
            }
            guard let batch else { return nil }
            if !batch.isEmpty { return batch }
            wake.wait()
        }
    }

    private func answer(_ batch: [Entry]) {
        let deadline = ContinuousClock.now - limits.waitMax
        // Entries stand in the order of their arrival.
        let inTime = batch.drop { $0.arrival < deadline }
        for entry in batch[..<inTime.startIndex] { entry.answer(.failure(.overloaded)) }
        guard !inTime.isEmpty else { return }
        var taken = Array(inTime)
        let results = results(of: &taken)
        for (entry, result) in zip(taken, results) { entry.answer(result) }
    }

    private func takeLatecomers(_ names: WorkspaceNames, max: Int) -> [Entry] {
        state.withLock { state in
            let fitting = state.entries.prefix(max).prefix { names.cover($0.submission.command) }
            return state.entries.takeFirst(fitting.count)
        }
    }

    /// One bad command never fails its neighbours: if the schema refuses the batch, each command
    /// is tried alone. A database that can't be used fails them all at once.
    private func results(of batch: inout [Entry]) -> [Result<Outcome, LedgerError>] {
        do {
            return try commit(batch.map(\.submission)) { names in
                let late = takeLatecomers(names, max: limits.batchMax - batch.count)
                batch += late
                return late.map(\.submission)
            }
        } catch {
            let failure = LedgerError(error)
            guard batch.count > 1, error is SQLError, case .defect = failure else {
                return batch.map { _ in .failure(failure) }
            }
            return batch.map { resultAlone(of: $0.submission) }
        }
    }

    private func resultAlone(of submission: Submission) -> Result<Outcome, LedgerError> {
        do { return try commit([submission], { _ in [] })[0] } catch {
            return .failure(LedgerError(error))
        }
    }
}

extension LedgerError {
    fileprivate init(_ error: any Error) {
        if let error = error as? SQLError, error.isPassing {
            self = .unavailable(error.detail)
        } else {
            self = .defect("\(error)")
        }
    }
}

extension Array {
    /// Takes the first `count` elements away, or all if there are no more.
    fileprivate mutating func takeFirst(_ count: Int) -> Self {
        let rest = Self(dropFirst(count))
        defer { self = rest }
        return rest.isEmpty ? self : Self(prefix(count))
    }
}

/// Gathers the answers to commands that were submitted together.
private final class Answers: Sendable {
    private let state: Mutex<(values: [Result<Outcome, LedgerError>?], missing: Int)>
    private let complete: @Sendable ([Result<Outcome, LedgerError>]) -> Void

    init(
        count: Int, complete: @escaping @Sendable ([Result<Outcome, LedgerError>]) -> Void
    ) {
        state = Mutex((Array(repeating: nil, count: count), count))
        self.complete = complete
    }

    func set(_ value: Result<Outcome, LedgerError>, at index: Int) {
        let all: [Result<Outcome, LedgerError>]? = state.withLock { state in
            state.values[index] = value
            state.missing -= 1
            return state.missing == 0 ? state.values.compactMap { $0 } : nil
        }
        if let all { complete(all) }
    }
}
