import Attribution
import Dispatch
import Ledger
import Synchronization

/// Takes the clicks of visitors who are sent on at once: the one exception to answers after the
/// commit. A click counts as lost if the queue does not accept it or its commit fails; the visitor
/// goes on all the same.
struct ClickIntake: Sendable {
    let ledger: Ledger
    let recent = RecentClicks()
    let metrics: ServerMetrics
    let losses: FailureLog
    /// Whether batches are committed.
    let commits: FailureLog
    /// How long a visitor waits whose click other nodes may be asked about.
    static let waitMax = DispatchTimeInterval.seconds(1)

    /// Accepts a click, unless it is one of a visitor whose last one is known.
    ///
    /// - Returns: the id that the visitor is told, under which a later call on this node finds the
    ///   click: it waits behind it in the queue. nil: the click is lost, or likely to be, because
    ///   nothing could be committed last.
    func accept(_ click: RecordClick) -> ClickID? { take(click, nil).id }

    /// - Returns: the id to tell, and whether `settled` will be called.
    private func take(
        _ click: RecordClick, _ settled: RecentClicks.Settled?
    ) -> (id: ClickID?, isOpen: Bool) {
        var click = click
        click.isTold = true
        let told = recent.tell(click, settled) { [click] in
            ledger.accept(.recordClick(click)) { settle(click, $0) }
        }
        switch told {
        case .new: return (commits.isFailing ? nil : click.id, isOpen: true)
        case .again(let id, isDurable: true): return (id, isOpen: false)
        case .again(let id, isDurable: false):
            return (commits.isFailing ? nil : id, isOpen: true)
        case .refused(let error):
            lose(error)
            return (nil, isOpen: false)
        }
    }

    private func settle(_ click: RecordClick, _ result: Result<Outcome, LedgerError>) {
        switch result {
        case .success(.click(let recorded)): recent.settle(click, recorded)
        // The link was deleted meanwhile: it has no clicks any more.
        case .success: recent.settle(click, nil)
        case .failure(let error):
            recent.settle(click, nil)
            lose(error)
        }
    }

    private func lose(_ error: LedgerError) {
        metrics.noteLostClick()
        // A batch that was not committed is told of as such.
        if error == .overloaded { losses.note(error) }
    }
}

extension ClickIntake {
    /// What the visitor is told of a click; nil: nothing, it is lost.
    ///
    /// Where several nodes share the records, some visitors wait for the commit, but not for ever.
    ///
    /// - Parameter isHandedOn: whether the destination is told the id, or the app that it installs
    ///   asks for it: another node could be asked before this one has committed.
    func told(_ click: RecordClick, isHandedOn: Bool) async -> ClickID? {
        // The cookie of a visitor may name a click that came by another node.
        let isElsewhere = click.known.map { !recent.knows($0) } ?? false
        guard ledger.database.hasOtherNodes, isHandedOn || isElsewhere else {
            return accept(click)
        }
        return await withCheckedContinuation { waiter in
            let answer = FirstAnswer(waiter)
            let (id, isOpen) = take(click) { answer.give($0) }
            guard isOpen else { return answer.give(id) }
            DispatchQueue.global().asyncAfter(deadline: .now() + Self.waitMax) {
                answer.give(id)
            }
        }
    }
}

/// Of several answers, the first one counts.
private final class FirstAnswer: Sendable {
    private let waiter: Mutex<CheckedContinuation<ClickID?, Never>?>

    init(_ waiter: CheckedContinuation<ClickID?, Never>) { self.waiter = Mutex(waiter) }

    func give(_ id: ClickID?) {
        let waiter = waiter.withLock { waiter in
            defer { waiter = nil }
            return waiter
        }
        waiter?.resume(returning: id)
    }
}
