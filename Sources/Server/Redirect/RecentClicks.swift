import Attribution
import Ledger
import Synchronization

/// The clicks of the last hour that this node has accepted or found: who comes again is told the
/// same id without asking the database. There is room for the last `countMax`; whom it has
/// forgotten, or who has come by another node, is told a new id, and the commit makes that stand
/// for the earlier click.
///
/// A click is never younger here than in the database: an id that comes again is within its hour
/// there, too, and so is never recorded twice.
package final class RecentClicks: Sendable {
    private struct State {
        var visits: [VisitKey: LastClick] = [:]
        /// What the cookies of visitors name.
        var clicks: [ClickID: (visit: VisitKey, at: Timestamp)] = [:]
        /// In the order in which they came, from `oldest` on around. One goes for each that comes:
        /// nobody waits until many have gone.
        var ring: [(visit: VisitKey, id: ClickID)] = []
        var oldest = 0

        init(countMax: Int) {
            visits.reserveCapacity(countMax)
            clicks.reserveCapacity(countMax)
            ring.reserveCapacity(countMax)
        }

        /// By the rules of the decision.
        func last(_ click: RecordClick, _ visit: VisitKey) -> LastClick? {
            if let id = click.known, let known = clicks[id], known.visit.linkID == visit.linkID,
                known.visit.isBot == visit.isBot, click.at < known.at.adding(clickDedupeWindow)
            {
                return LastClick(id: id, at: known.at)
            }
            guard let last = visits[visit], click.at < last.at.adding(clickDedupeWindow) else {
                return nil
            }
            return last
        }

        mutating func set(_ click: LastClick, _ visit: VisitKey, countMax: Int) {
            if ring.count < countMax {
                ring.append((visit, click.id))
            } else {
                remove(ring[oldest].id, ring[oldest].visit)
                ring[oldest] = (visit, click.id)
                oldest = (oldest + 1) % countMax
            }
            visits[visit] = click
            clicks[click.id] = (visit, click.at)
        }

        mutating func remove(_ id: ClickID, _ visit: VisitKey) {
            if visits[visit]?.id == id { visits[visit] = nil }
            clicks[id] = nil
        }
    }

    private let state: Mutex<State>
    private let countMax: Int

    package init(countMax: Int = 50_000) {
        self.countMax = countMax
        state = Mutex(State(countMax: countMax))
    }

    /// What a visitor is told.
    package enum Told {
        /// The command's own id. It was accepted under it.
        case new
        /// The id of the visitor's last click; whether this one was accepted does not matter.
        case again(ClickID)
        /// The click is lost.
        case refused(LedgerError)
    }

    /// Asks for the command to be accepted under the id that its visitor is told.
    ///
    /// - Parameter accept: why it is not accepted; nil: it is. Visitors wait for each other here,
    ///   so that two requests of one are told the same.
    package func tell(_ click: RecordClick, _ accept: (ClickID) -> LedgerError?) -> Told {
        guard let visit = VisitKey(linkID: click.linkID, click.visitor) else {
            return accept(click.id).map(Told.refused) ?? .new
        }
        return state.withLock { state in
            if let last = state.last(click, visit) {
                _ = accept(last.id)
                return .again(last.id)
            }
            if let refusal = accept(click.id) { return .refused(refusal) }
            state.set(LastClick(id: click.id, at: click.at), visit, countMax: countMax)
            return .new
        }
    }

    /// Whether the cookie of a visitor names a click that is remembered.
    func knows(_ id: ClickID) -> Bool {
        state.withLock { $0.clicks[id] != nil }
    }

    /// What the commit has found to be the visitor's click.
    package func note(_ recorded: Outcome.Recorded, of click: RecordClick) {
        // The click that a cookie names may be that of another address.
        guard click.known == nil, let visit = VisitKey(linkID: click.linkID, click.visitor) else {
            return
        }
        let last = LastClick(id: recorded.id, at: recorded.at)
        state.withLock { state in
            if state.visits[visit] == last { return }
            state.set(last, visit, countMax: countMax)
        }
    }

    /// Nothing was recorded under the id.
    package func forget(_ id: ClickID, of click: RecordClick) {
        guard let visit = VisitKey(linkID: click.linkID, click.visitor) else { return }
        state.withLock { $0.remove(id, visit) }
    }
}
