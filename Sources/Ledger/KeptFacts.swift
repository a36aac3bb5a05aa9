import Attribution
import Synchronization

/// The facts of the last batch, for the next one. An engine with one writer knows when nobody else
/// has written in between; then what a batch has loaded and absorbed is what it would load again.
final class KeptFacts: Sendable {
    private struct State {
        var facts = Facts()
        /// Of the transaction that left the facts; nil if they don't hold.
        var history: WriteHistory?
    }

    private let state = Mutex(State())
    private let countMax: Int

    /// - Parameter countMax: customers and links that are kept.
    init(countMax: Int) { self.countMax = countMax }

    /// What holds at the start of a transaction. Until something is kept again, nothing holds.
    func take(at history: WriteHistory?) -> Facts {
        state.withLock { state in
            defer { state = State() }
            guard let history, let kept = state.history, history.follows(kept) else {
                return Facts()
            }
            return state.facts
        }
    }

    /// Keeps what holds after a transaction that has committed.
    func keep(_ facts: consuming Facts, after history: WriteHistory?) {
        guard history != nil else { return }
        facts.forgetPassing(countMax: countMax)
        state.withLock { [facts] in $0 = State(facts: facts, history: history) }
    }
}
