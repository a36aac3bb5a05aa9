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
    /// How long a visitor waits whose click other nodes may be asked about.
    static let waitMax = DispatchTimeInterval.seconds(1)

    /// Accepts a click.
    ///
    /// - Parameter settled: called once with the id under which the click stands now that it is
    ///   durable; nil: it is not recorded.
    /// - Returns: the id that the visitor is told, under which a later call on this node finds the
    ///   click: it waits behind it in the queue. nil: the click is lost.
    func accept(
        _ click: RecordClick, _ settled: @escaping @Sendable (ClickID?) -> Void = { _ in }
    ) -> ClickID? {
        var click = click
        click.isTold = true
        let ownID = click.id
        let told = recent.tell(click) { id in
            click.id = id
            return ledger.accept(.recordClick(click)) { [click] result in
                settled(settle(click, isNew: id == ownID, result))
            }
        }
        switch told {
        case .new: return ownID
        case .again(let id): return id
        case .refused(let error):
            lose(error)
            losses.note(error)
            return nil
        }
    }

    private func settle(
        _ click: RecordClick, isNew: Bool, _ result: Result<Outcome, LedgerError>
    ) -> ClickID? {
        switch result {
        case .success(.click(let recorded)):
            // Most are new, and known as such.
            if recorded.isRepeat { recent.note(recorded, of: click) }
            return recorded.id
        // The link was deleted meanwhile: it has no clicks any more.
        case .success: recent.forget(click.id, of: click)
        case .failure(let error):
            recent.forget(click.id, of: click)
            // Who comes again is no further click.
            if isNew { lose(error) }
        }
        return nil
    }

    private func lose(_ error: LedgerError) { metrics.noteLostClick() }
}

extension ClickIntake {
    /// What the visitor is told of a click; nil: nothing, it is lost.
    ///
    /// Where several nodes share the records, some visitors wait for the commit, but not for ever.
    ///
    /// - Parameter isHandedOn: whether the destination is told the id: it could tell another node
    ///   before this one has committed.
    func told(_ click: RecordClick, isHandedOn: Bool) async -> ClickID? {
        // The cookie of a visitor may name a click that came by another node.
        let isElsewhere = click.known.map { !recent.knows($0) } ?? false
        guard ledger.database.hasOtherNodes, isHandedOn || isElsewhere else {
            return accept(click)
        }
        return await withCheckedContinuation { waiter in
            let answer = FirstAnswer(waiter)
            guard let told = accept(click, { answer.give($0) }) else { return answer.give(nil) }
            DispatchQueue.global().asyncAfter(deadline: .now() + Self.waitMax) {
                answer.give(told)
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
