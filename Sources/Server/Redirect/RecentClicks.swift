import Attribution
import Ledger
import Synchronization

/// The clicks of the last hour that this node has accepted or found: who comes again is told the
/// same id without asking the database. There is room for the last `countMax`; whom it has
/// forgotten, or who has come by another node, is told a new id, and the commit makes that stand
/// for the earlier click.
///
/// A click is never younger here than in the database: who is told an id again would be no new
/// visitor there.
package final class RecentClicks: Sendable {
    private struct Seen {
        let visit: VisitKey
        var at: Timestamp
        var isDurable: Bool
    }

    private struct State {
        var visits: [VisitKey: ClickID] = [:]
        /// By every id that was told.
        var clicks: [ClickID: Seen] = [:]
        /// Who wants to know what became of a click that is not durable yet.
        var waiters: [ClickID: [Settled]] = [:]
        /// The keys of `clicks` in the order in which they came, from `oldest` on around. One goes
        /// for each that comes: nobody waits until many have gone.
        var ring: [ClickID] = []
        var oldest = 0

        /// By the rules of the decision.
        func last(_ click: RecordClick, _ visit: VisitKey) -> (id: ClickID, seen: Seen)? {
            if let id = click.known, let known = clicks[id], known.visit.linkID == visit.linkID,
                known.visit.isBot == visit.isBot, click.at < known.at.adding(clickDedupeWindow)
            {
                return (id, known)
            }
            guard let id = visits[visit], let last = clicks[id],
                click.at < last.at.adding(clickDedupeWindow)
            else { return nil }
            return (id, last)
        }

        mutating func set(_ id: ClickID, _ seen: Seen, countMax: Int) {
            if clicks.updateValue(seen, forKey: id) == nil { addToRing(id, countMax) }
            visits[seen.visit] = id
        }

        private mutating func addToRing(_ id: ClickID, _ countMax: Int) {
            guard ring.count == countMax else {
                ring.append(id)
                return
            }
            // One that was forgotten before it was its turn may be here still, or be back.
            if ring[oldest] != id { remove(ring[oldest]) }
            ring[oldest] = id
            oldest = (oldest + 1) % countMax
        }

        mutating func remove(_ id: ClickID) {
            guard let seen = clicks.removeValue(forKey: id) else { return }
            if visits[seen.visit] == id { visits[seen.visit] = nil }
        }
    }

    private let state = Mutex(State())
    private let countMax: Int

    package init(countMax: Int = 50_000) { self.countMax = countMax }

    /// Called once with the id under which a click stands now that it is durable; nil: it is not
    /// recorded.
    package typealias Settled = @Sendable (ClickID?) -> Void

    /// What a visitor is told.
    package enum Told {
        /// The id of the command, which was accepted.
        case new
        /// The id of the visitor's last click; the command was not asked for.
        case again(ClickID, isDurable: Bool)
        /// The click is lost.
        case refused(LedgerError)
    }

    /// Asks for the command to be accepted, unless the visitor was here before.
    ///
    /// - Parameters:
    ///   - settled: not called if the click is refused, or known to be durable.
    ///   - accept: why it is not accepted; nil: it is. Visitors wait for each other here, so that
    ///     two requests of one are told the same: it must return at once and call nobody back.
    package func tell(
        _ click: RecordClick, _ settled: Settled?, accept: () -> LedgerError?
    ) -> Told {
        let visit = VisitKey(linkID: click.linkID, click.visitor)
        return state.withLock { state in
            if let visit, let (id, last) = state.last(click, visit) {
                if !last.isDurable, let settled { state.waiters[id, default: []].append(settled) }
                return .again(id, isDurable: last.isDurable)
            }
            if let refusal = accept() { return .refused(refusal) }
            if let settled { state.waiters[click.id] = [settled] }
            if let visit {
                let seen = Seen(visit: visit, at: click.at, isDurable: false)
                state.set(click.id, seen, countMax: countMax)
            }
            return .new
        }
    }

    /// Notes what became of a click that was accepted, and tells those who wait for it.
    ///
    /// - Parameter recorded: nil: nothing was recorded under its id.
    package func settle(_ click: RecordClick, _ recorded: Outcome.Recorded?) {
        let waiters = state.withLock { state in
            if let recorded {
                // Its own id is as old as the click that it stands for.
                state.clicks[click.id]?.at = recorded.at
                state.clicks[click.id]?.isDurable = true
                if recorded.isRepeat { note(recorded, of: click, &state) }
            } else {
                state.remove(click.id)
            }
            return state.waiters.removeValue(forKey: click.id) ?? []
        }
        for waiter in waiters { waiter(recorded?.id) }
    }

    /// Notes a click that was recorded, or found, for a visitor who waited for it.
    package func note(_ recorded: Outcome.Recorded, of click: RecordClick) {
        state.withLock { note(recorded, of: click, &$0) }
    }

    private func note(
        _ recorded: Outcome.Recorded, of click: RecordClick, _ state: inout State
    ) {
        // The click that a cookie names may be that of another address.
        guard click.known == nil, let visit = VisitKey(linkID: click.linkID, click.visitor) else {
            return
        }
        let seen = Seen(visit: visit, at: recorded.at, isDurable: true)
        state.set(recorded.id, seen, countMax: countMax)
    }

    /// Whether the cookie of a visitor names a click that is remembered.
    func knows(_ id: ClickID) -> Bool { state.withLock { $0.clicks[id] != nil } }
}
