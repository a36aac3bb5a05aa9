import Attribution
import Dispatch
import Foundation
import Synchronization

/// Commands that are decided, side by side, and not written yet.
struct Decided: Sendable {
    let entries: [CommitQueue.Entry]
    let results: [Result<Outcome, LedgerError>]
    let changes: [Change]
    /// Decisions of one generation build on each other.
    let generation: Int
    /// Counts what was handed over.
    let number: Int
}

/// Commands to be decided when they are written.
struct Undecided: Sendable {
    let entries: [CommitQueue.Entry]
    let kept: KeptFacts
    let latecomers: Attempt.Latecomers
}

/// The thread that writes what another one has decided (`Decider`), so that deciding, and waiting
/// for the disk, go on side by side.
///
/// What is decided is worth something only if every decision before it was written and nobody else
/// has written: a transaction begins by looking whether that is so. If it is not, the commands are
/// decided anew within the transaction, as those are that could not be decided ahead.
final class WritingThread: Sendable {
    enum Work: Sendable {
        case decided(Decided)
        case undecided(Undecided)

        var count: Int {
            switch self {
            case .decided(let decided): decided.entries.count
            case .undecided(let undecided): undecided.entries.count
            }
        }
    }

    private struct State {
        var work: Work?
        var isWriting = false
        /// All is applied, and the disk is waited for.
        var isCommitting = false
        var isEnded = false
        var generation = 0
        /// What the last one that was decided here has left.
        var kept = KeptFacts()
        /// The newest of the decided that are committed.
        var writtenNumber = 0
        /// Of the last transaction.
        var history: WriteHistory?
        var isDeciderWaiting = false
        var isWriterWaiting = false
    }

    private let committer: Committer
    private let limits: Limits
    private let state = Mutex(State())
    /// One for each of the two threads, signalled when the state may be what it waits for.
    private let deciderWake = DispatchSemaphore(value: 0)
    private let writerWake = DispatchSemaphore(value: 0)
    private let waiting = Atomic<Int>(0)
    /// Commands for which there is no room yet.
    private let atHand = Atomic<Int>(0)

    init(_ committer: Committer, _ limits: Limits) {
        (self.committer, self.limits) = (committer, limits)
        let thread = Thread { [self] in run() }
        thread.name = "write"
        thread.stackSize = 4 << 20
        thread.start()
    }

    // MARK: For the thread that decides

    /// Commands that wait to be written.
    var waitingCount: Int {
        waiting.load(ordering: .relaxed) + atHand.load(ordering: .relaxed)
    }

    var generation: Int { locked { $0.generation } }

    var writtenNumber: Int { locked { $0.writtenNumber } }

    /// Waits until what is handed over now would be written next. Earlier than that, less would
    /// share a sync.
    func waitUntilWanted() {
        locked(.decider, once: { $0.work == nil && (!$0.isWriting || $0.isCommitting) }) { _ in }
    }

    /// Waits until what was put before is in work.
    func put(_ work: Work) {
        atHand.store(work.count, ordering: .relaxed)
        locked(.decider, once: { $0.work == nil }) { state in
            state.work = work
            waiting.store(work.count, ordering: .relaxed)
            atHand.store(0, ordering: .relaxed)
        }
        notify(.writer)
    }

    /// Waits until nothing is to be written.
    ///
    /// - Returns: what holds then, the generation of decisions that build on it, and what was
    ///   written last.
    func settled() -> (kept: KeptFacts, generation: Int, history: WriteHistory?) {
        locked(.decider, once: { $0.work == nil && !$0.isWriting }) {
            ($0.kept, $0.generation, $0.history)
        }
    }

    /// Writes what is left, and ends.
    func end() {
        _ = settled()
        locked { $0.isEnded = true }
        notify(.writer)
    }

    private func locked<Value: Sendable>(_ body: (inout State) -> Value) -> Value {
        state.withLock { body(&$0) }
    }

    /// Waits for something; the body sees the state in which it is so.
    private func locked<Value: Sendable>(
        _ waiter: Waiter, once isSo: (borrowing State) -> Bool, _ body: (inout State) -> Value
    ) -> Value {
        while true {
            let value: Value? = state.withLock { state in
                if isSo(state) { return body(&state) }
                state[keyPath: waiter.flag] = true
                return nil
            }
            if let value { return value }
            wake(of: waiter).wait()
        }
    }

    /// Has a thread look again, if it waits.
    private func notify(_ waiter: Waiter) {
        let isWaiting = state.withLock { state in
            defer { state[keyPath: waiter.flag] = false }
            return state[keyPath: waiter.flag]
        }
        if isWaiting { wake(of: waiter).signal() }
    }

    private enum Waiter {
        case decider, writer
        var flag: WritableKeyPath<State, Bool> {
            self == .decider ? \.isDeciderWaiting : \.isWriterWaiting
        }
    }

    private func wake(of waiter: Waiter) -> DispatchSemaphore {
        waiter == .decider ? deciderWake : writerWake
    }

    // MARK: The thread

    private func run() {
        // Of the last transaction, to tell whether others have written since.
        var last = KeptFacts()
        while let work = next() {
            notify(.decider)
            switch work {
            case .undecided(let undecided):
                last = write(
                    undecided.entries.inTime(limits), besides: undecided.kept, undecided.latecomers)
            case .decided(let decided): last = write(decided, after: last)
            }
            locked { state in
                state.history = last.history
                (state.isWriting, state.isCommitting) = (false, false)
            }
            notify(.decider)
        }
    }

    private func next() -> Work? {
        locked(.writer, once: { $0.work != nil || $0.isEnded }) { state -> Work? in
            guard let work = state.work else { return nil }
            state.work = nil
            state.isWriting = true
            waiting.store(0, ordering: .relaxed)
            return work
        }
    }

    private func write(_ decided: Decided, after last: KeptFacts) -> KeptFacts {
        let entries = decided.entries.inTime(limits)
        guard entries.count == decided.entries.count, decided.generation == generation else {
            return writeAnew(entries)
        }
        do {
            let committed = try committer.commit(decided, after: last) {
                locked { $0.isCommitting = true }
                notify(.decider)
            }
            guard let committed else { return writeAnew(decided.entries) }
            locked { $0.writtenNumber = decided.number }
            Attempt(decided.entries, committer).answer(decided.results)
            return committed.kept
        } catch {
            invalidate(KeptFacts())
            Attempt(decided.entries, committer).fail(error)
            return KeptFacts()
        }
    }

    private func writeAnew(_ entries: [CommitQueue.Entry]) -> KeptFacts {
        guard !entries.isEmpty else {
            invalidate(KeptFacts())
            return KeptFacts()
        }
        return write(entries, besides: locked { $0.kept }) { _, _ in [] }
    }

    private func write(
        _ entries: [CommitQueue.Entry], besides kept: KeptFacts, _ latecomers: Attempt.Latecomers
    ) -> KeptFacts {
        var attempt = Attempt(entries, committer)
        let kept = attempt.commit(besides: kept, latecomers)
        invalidate(kept)
        return kept
    }

    /// Whatever has been decided up to now builds on something else than what is there.
    private func invalidate(_ kept: KeptFacts) {
        locked { state in
            state.generation += 1
            state.kept = kept
        }
    }
}
