import Attribution
import Synchronization

/// What a batch leaves for the next one. An engine with one writer knows when nobody else has
/// written in between; then what a batch has loaded and absorbed is what it would load again.
///
/// An object, because facts are moved from hand to hand: a copy in two places would be copied in
/// full by the first change.
final class KeptFacts: Sendable {
    private struct State {
        var facts = Facts()
        /// Of the transaction that left the facts; nil if they don't hold.
        var history: WriteHistory?
    }
    private let state: Mutex<State>

    init() { state = Mutex(State()) }

    init(_ facts: consuming Facts, after history: WriteHistory?) {
        state = Mutex(State(facts: facts, history: history))
    }

    var history: WriteHistory? { state.withLock { $0.history } }

    /// Whether what is kept holds at the start of a transaction.
    func holds(at history: WriteHistory?) -> Bool {
        guard let history, let before = self.history else { return false }
        return history.follows(before)
    }

    /// What holds at the start of a transaction, if anything does. Nothing is kept then.
    func take(at history: WriteHistory?) -> Facts {
        let holds = holds(at: history)
        let facts = take()
        return holds ? facts : Facts()
    }

    /// What holds if nobody has written since.
    func take() -> Facts {
        state.withLock { state in
            var facts = Facts()
            swap(&facts, &state.facts)
            return facts
        }
    }
}
