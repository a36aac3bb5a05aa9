import Attribution
import Dispatch
import Foundation
import Synchronization

/// Natural batching: while one batch commits, the next one gathers. A lone command that somebody
/// waits for waits for nobody; the more there are, the more share one fsync. Those that nobody
/// waits for gather for a moment.
final class CommitQueue: Sendable {
    private struct State {
        var entries: [Entry] = []
        var isStopped = false
        /// Some are waited for: they are committed at once.
        var isAwaited = false
        var isIdle = false
        /// The thread waits for more of those that nobody waits for.
        var isGathering = false
        var stopWaiters: [CheckedContinuation<Void, Never>] = []
        var hasEnded = false

        mutating func take(_ count: Int) -> [Entry] {
            defer { if entries.isEmpty { isAwaited = false } }
            return entries.takeFirst(count)
        }
    }

    struct Entry: Sendable {
        let submission: Submission
        let arrival: ContinuousClock.Instant
        let answer: Answer
    }
    typealias Answer = @Sendable (Result<Outcome, LedgerError>) -> Void

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let limits: Limits
    private let committer: Committer
    /// nil: the engine has other writers, whom nothing may be decided ahead of.
    private let writer: WritingThread?

    init(limits: Limits, committer: Committer) {
        (self.limits, self.committer) = (limits, committer)
        writer =
            committer.database.singleWriter == nil ? nil : WritingThread(committer, limits)
        let thread = Thread { [self] in run() }
        thread.name = "commit"
        thread.stackSize = 4 << 20
        thread.start()
    }

    var depth: Int { state.withLock { $0.entries.count } + decidedCount }

    /// Those that are decided and wait to be written.
    private var decidedCount: Int { writer?.waitingCount ?? 0 }

    func submit(_ command: Command) async throws(LedgerError) -> Outcome {
        let result = await withCheckedContinuation { continuation in
            submit(Submission(command: command)) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// - Parameter answer: called on this thread if the command is not accepted.
    func submit(_ submission: Submission, _ answer: @escaping Answer) {
        let entries = [(submission, answer)]
        if let refusal = accept(entries, depthMax: limits.queueDepthMax, isAwaited: true) {
            answer(.failure(refusal))
        }
    }

    /// For one whose outcome nobody waits for.
    ///
    /// - Returns: why it is not accepted; nil: it is, and `answer` will be called.
    func accept(_ submission: Submission, _ answer: @escaping Answer) -> LedgerError? {
        accept([(submission, answer)], depthMax: limits.unawaitedMax, isAwaited: false)
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
                let refusal = accept(entries, depthMax: limits.queueDepthMax, isAwaited: true)
                if let refusal {
                    continuation.resume(returning: .failure(refusal))
                }
            }
        return try result.get()
    }

    private func accept(
        _ entries: [(Submission, Answer)], depthMax: Int, isAwaited: Bool
    ) -> LedgerError? {
        state.withLock { state in
            if state.isStopped { return .stopped }
            let waiting = state.entries.count + decidedCount
            if waiting + entries.count > depthMax { return .overloaded }
            let arrival = ContinuousClock.now
            for (submission, answer) in entries {
                state.entries.append(
                    Entry(submission: submission, arrival: arrival, answer: answer))
            }
            if isAwaited { state.isAwaited = true }
            if state.isIdle || state.isGathering && !isWorthGathering(state) {
                (state.isIdle, state.isGathering) = (false, false)
                wake.signal()
            }
            return nil
        }
    }

    func stop() async {
        await withCheckedContinuation { waiter in
            let hasEnded = state.withLock { state in
                state.isStopped = true
                if state.isIdle || state.isGathering {
                    (state.isIdle, state.isGathering) = (false, false)
                    wake.signal()
                }
                if !state.hasEnded { state.stopWaiters.append(waiter) }
                return state.hasEnded
            }
            if hasEnded { waiter.resume() }
        }
    }

    private func run() {
        if let writer, let database = committer.database.singleWriter {
            var decider = Decider(database, writer, keptFactsMax: limits.keptFactsMax)
            waitUntilWanted(writer)
            while let batch = next() {
                decider.take(batch.inTime(limits), latecomers)
                waitUntilWanted(writer)
            }
            writer.end()
        } else {
            while let batch = next() {
                var attempt = Attempt(batch.inTime(limits), committer)
                attempt.commit(latecomers)
            }
        }
        let waiters = state.withLock { state in
            state.hasEnded = true
            return state.stopWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// A batch that is full can be decided earlier: nothing more would share its sync.
    private func waitUntilWanted(_ writer: WritingThread) {
        if state.withLock({ $0.entries.count < limits.batchMax }) { writer.waitUntilWanted() }
    }

    /// Blocks until there is something to commit; nil once stopped and empty.
    private func next() -> [Entry]? {
        var hasGathered = false
        while true {
            let batch: [Entry]? = state.withLock { state in
                state.isGathering = false
                if state.entries.isEmpty {
                    if state.isStopped { return nil }
                    state.isIdle = true
                    return []
                }
                if !hasGathered, isWorthGathering(state) {
                    state.isGathering = true
                    return []
                }
                return state.take(limits.batchMax)
            }
            guard let batch else { return nil }
            if !batch.isEmpty { return batch }
            hasGathered = wait()
        }
    }

    /// - Returns: whether what has gathered is to be committed now.
    private func wait() -> Bool {
        if state.withLock({ $0.isIdle }) {
            wake.wait()
            return false
        }
        let nanoseconds = Int(limits.gatheringTime / .nanoseconds(1))
        return wake.wait(timeout: .now() + .nanoseconds(nanoseconds)) == .timedOut
    }

    /// Whether nobody waits for anything, and there is little of it.
    private func isWorthGathering(_ state: State) -> Bool {
        !state.isAwaited && !state.isStopped && state.entries.count < limits.gatheredMax
    }

    private var latecomers: Attempt.Latecomers {
        { [self] names, count in takeLatecomers(names, max: limits.batchMax - count) }
    }

    private func takeLatecomers(_ names: WorkspaceNames, max: Int) -> [Entry] {
        state.withLock { state in
            let fitting = state.entries.prefix(max).prefix { names.cover($0.submission.command) }
            return state.take(fitting.count)
        }
    }
}

extension [CommitQueue.Entry] {
    /// Answers those that have waited too long, and leaves them out.
    func inTime(_ limits: Limits) -> Self {
        let deadline = ContinuousClock.now - limits.waitMax
        // They stand in the order of their arrival.
        let late = prefix { $0.arrival < deadline }
        for entry in late { entry.answer(.failure(.overloaded)) }
        return late.isEmpty ? self : Self(self[late.endIndex...])
    }
}

extension LedgerError {
    init(_ error: any Error) {
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
