/// Calls that recorded nothing are kept in the transaction that decided so.

extension Decision {
    /// The decision with what becomes of the call: kept, if it recorded nothing; no longer kept, if
    /// it was tried again and did.
    func keeping(
        _ call: TrackCall?, in workspaceID: WorkspaceID, at: Timestamp,
        customer: String? = nil, invoice: String? = nil
    ) -> Decision {
        guard let call else { return self }
        var decision = self
        if let (reason, detail) = outcome.rejection {
            var rejection = Rejection(
                id: call.id, workspaceID: workspaceID, endpoint: call.endpoint, reason: reason,
                detail: detail, at: at, body: KeptBody(call.body),
                customerExternalID: customer, invoiceID: invoice)
            rejection.hostname = call.hostname
            if let retriedAt = call.retriedAt {
                rejection.lastTriedAt = retriedAt
                decision.changes.append(.retryRejection(rejection))
            } else {
                decision.changes.append(.insertRejection(rejection))
            }
        } else if call.retriedAt != nil, !outcome.isRefused {
            decision.changes.append(.discardRejection(call.id, workspaceID))
        }
        return decision
    }
}

func decide(call command: RecordClick, _ facts: Facts) -> Decision {
    let decision = decide(command, facts)
    guard let link = facts.links[command.linkID] else { return decision }
    return decision.keeping(command.call, in: link.workspaceID, at: command.at)
}

func decide(call command: RecordLead, _ facts: Facts) -> Decision {
    if let call = command.call, facts.lacks(call, of: command.customer.workspaceID) {
        return .refused(.rejectionNotFound(call.id))
    }
    return decide(command, facts).keeping(
        command.call, in: command.customer.workspaceID, at: command.at,
        customer: command.customer.externalID)
}

func decide(call command: RecordSale, _ facts: Facts) -> Decision {
    if let call = command.call, facts.lacks(call, of: command.customer.workspaceID) {
        return .refused(.rejectionNotFound(call.id))
    }
    return decide(command, facts).keeping(
        command.call, in: command.customer.workspaceID, at: command.at,
        customer: command.customer.externalID, invoice: command.invoiceID.nonEmpty)
}

extension Facts {
    /// Whether a call that is to be tried again is not kept any more: somebody else tried it, or
    /// gave it up.
    fileprivate func lacks(_ call: TrackCall, of workspaceID: WorkspaceID) -> Bool {
        call.retriedAt != nil && !keeps(call.id, of: workspaceID)
    }

    fileprivate func keeps(_ id: RejectionID, of workspaceID: WorkspaceID) -> Bool {
        rejections.contains(RejectionKey(workspaceID, id))
    }
}

func decide(_ command: RecordRejection, _ facts: Facts) -> Decision {
    var rejection = command.rejection
    guard let retriedAt = command.retriedAt else {
        return Decision(outcome: .done, changes: [.insertRejection(rejection)])
    }
    guard facts.keeps(rejection.id, of: rejection.workspaceID) else {
        return .refused(.rejectionNotFound(rejection.id))
    }
    rejection.lastTriedAt = retriedAt
    return Decision(outcome: .done, changes: [.retryRejection(rejection)])
}

func decide(_ command: DiscardRejections, _ facts: Facts) -> Decision {
    var seen: Set<RejectionID> = []
    let known = command.ids.filter { id in
        facts.keeps(id, of: command.workspaceID) && seen.insert(id).inserted
    }
    return Decision(
        outcome: .discarded(known.count),
        changes: known.map { .discardRejection($0, command.workspaceID) })
}
