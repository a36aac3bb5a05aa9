import Attribution

extension Model {
    /// A click's workspace is that of its link; without a link's row no call can be kept.
    mutating func clickAnswer(_ command: RecordClick) -> String {
        let workspace = links[command.linkID]?.link.workspaceID
        return tracked(
            command.call, at: command.at, in: workspace, customer: nil, invoice: nil
        ) { $0.recordClick(command) }
    }

    mutating func recordClick(_ command: RecordClick) -> Verdict {
        guard let row = links[command.linkID], !row.isDeleted else {
            return .barred("linkNotFound")
        }
        switch command.origin {
        case .live:
            if let earlier = earlierClick(command) {
                if command.isTold, click(command.id) == nil {
                    repeats[command.id] = earlier
                }
                return .did("click \(earlier) again")
            }
        case .imported:
            if let known = click(command.id) {
                return known.linkID == command.linkID
                    ? .did("click \(known.id) again") : .barred("clickIDTaken")
            }
        }
        let workspace = row.link.workspaceID
        if case .some(let host) = command.reportingHostname,
            !isAllowed(hostname: host, by: workspaces[workspace]?.allowedHostnames ?? [])
        {
            return .refused(.hostnameDenied, detail: host)
        }
        let click = Click(
            id: command.id, workspaceID: workspace, linkID: command.linkID, at: command.at,
            url: command.url ?? row.link.url, trigger: command.trigger, visitor: command.visitor)
        clicks[click.id] = click
        noteVisit(click)
        return .did("click \(click.id)")
    }

    /// The click of the same visitor that stands: the cookie's, else that of the same address and
    /// user agent (contract 3 step 8). Bots and people never stand for each other.
    private func earlierClick(_ command: RecordClick) -> ClickID? {
        if let id = command.known, let known = click(id), known.linkID == command.linkID,
            known.visitor.isBot == command.visitor.isBot, isWithinAnHour(command, of: known)
        {
            return known.id
        }
        guard let identity = command.visitor.identity else { return nil }
        let visit = Visit(
            link: command.linkID, identity: ExactText(identity), isBot: command.visitor.isBot)
        guard let id = lastVisits[visit], let last = clicks[id], isWithinAnHour(command, of: last)
        else { return nil }
        return last.id
    }

    /// By any of the ids that were told of it.
    func click(_ id: ClickID) -> Click? { clicks[id] ?? repeats[id].flatMap { clicks[$0] } }

    /// A clock that went back is no reason to count a visitor twice.
    private func isWithinAnHour(_ command: RecordClick, of click: Click) -> Bool {
        command.at.milliseconds - click.at.milliseconds < 3_600_000
    }

    private mutating func noteVisit(_ click: Click) {
        guard let identity = click.visitor.identity else { return }
        let visit = Visit(
            link: click.linkID, identity: ExactText(identity), isBot: click.visitor.isBot)
        if let id = lastVisits[visit], let last = clicks[id], last.at > click.at { return }
        lastVisits[visit] = click.id
    }
}
