import Attribution

extension Model {
    /// Runs what a call asks for and keeps the call if that recorded nothing for a reason (design,
    /// difference 6).
    mutating func tracked(
        _ call: TrackCall?, at: Timestamp, in workspace: WorkspaceID?, customer: String?,
        invoice: String?, _ run: (inout Model) -> Verdict
    ) -> String {
        guard let call else { return run(&self).words }
        if let retriedAt = call.retriedAt {
            guard let workspace, isKept(call.id, workspace) else {
                return "refused rejectionNotFound"
            }
            let verdict = run(&self)
            settle(call.id, workspace, retriedAt, verdict)
            return verdict.words
        }
        let verdict = run(&self)
        if case .failed(_, let reason, let detail) = verdict, let workspace {
            var rejection = Rejection(
                id: call.id, workspaceID: workspace, endpoint: call.endpoint, reason: reason,
                detail: detail, at: at, body: KeptBody(""), customerExternalID: customer)
            rejection.invoiceID = invoice == "" ? nil : invoice
            keep(rejection)
        }
        return verdict.words
    }

    private func isKept(_ id: RejectionID, _ workspace: WorkspaceID) -> Bool {
        (rejections[workspace] ?? []).contains { $0.id == id }
    }

    /// What becomes of a kept call that was tried again.
    private mutating func settle(
        _ id: RejectionID, _ workspace: WorkspaceID, _ retriedAt: Timestamp, _ verdict: Verdict
    ) {
        var kept = rejections[workspace] ?? []
        guard let place = kept.firstIndex(where: { $0.id == id }) else { return }
        switch verdict {
        case .did: kept.remove(at: place)
        case .failed(_, let reason, let detail):
            (kept[place].reason, kept[place].detail) = (reason, detail)
            kept[place].attempts += 1
            kept[place].lastTriedAt = retriedAt
        // Neither done nor a reason to name: it stays as it is.
        case .barred: return
        }
        rejections[workspace] = kept
    }

    /// Thirty days, and ten thousand of a workspace; a thousand of those that anybody can make.
    mutating func keep(_ rejection: Rejection) {
        var kept = rejections[rejection.workspaceID] ?? []
        rejections[rejection.workspaceID] = []
        kept.append(rejection)
        let oldest = rejection.at.milliseconds - 30 * 24 * 3_600_000
        kept.removeAll { $0.at.milliseconds < oldest }
        let needsSecret = isServersOwn(rejection)
        let others = kept.count { isServersOwn($0) == needsSecret } - (needsSecret ? 10_000 : 1_000)
        for _ in 0..<max(0, others) {
            guard let first = kept.firstIndex(where: { isServersOwn($0) == needsSecret }) else {
                break
            }
            kept.remove(at: first)
        }
        rejections[rejection.workspaceID] = kept
    }

    private func isServersOwn(_ rejection: Rejection) -> Bool {
        ["/track/lead", "/track/sale"].contains(rejection.endpoint.rawValue)
    }

    /// A call that never became a command is refused once more as it was.
    mutating func record(_ command: RecordRejection) -> String {
        guard let retriedAt = command.retriedAt else {
            keep(command.rejection)
            return "done"
        }
        let (id, workspace) = (command.rejection.id, command.rejection.workspaceID)
        guard isKept(id, workspace) else { return "refused rejectionNotFound" }
        settle(
            id, workspace, retriedAt,
            .refused(command.rejection.reason, detail: command.rejection.detail))
        return "done"
    }

    /// Calls go on naming the customer, who is called otherwise now.
    mutating func renameCalls(of customer: Customer, to name: String) {
        rejections[customer.workspaceID] = rejections[customer.workspaceID]?.map { call in
            var call = call
            if isSame(call.customerExternalID, customer.externalID) {
                call.customerExternalID = name
            }
            return call
        }
    }

    mutating func discard(_ command: DiscardRejections) -> String {
        var kept = rejections[command.workspaceID] ?? []
        let before = kept.count
        kept.removeAll { command.ids.contains($0.id) }
        rejections[command.workspaceID] = kept
        return "discarded \(before - kept.count)"
    }
}
