/// Clicks of one identity on one link within this time are one click.
package let clickDedupeWindow = Timestamp.hour

func decide(_ command: RecordClick, _ facts: Facts) -> Decision {
    guard let link = facts.links[command.linkID], !link.isDeleted else {
        return .refused(.linkNotFound)
    }
    if command.origin == .imported, let known = facts.clicks[command.id] {
        guard known.linkID == link.id else { return .refused(.clickIDTaken(known.id)) }
        return Decision(outcome: .click(.again(known.id, at: known.at)), changes: [])
    }
    if let last = lastClick(of: command, facts) {
        return Decision(
            outcome: .click(.again(last.id, at: last.at)),
            // The same command twice changes nothing.
            changes: command.isTold && facts.clicks[command.id] == nil
                ? [.repeatClick(command.id, of: last.id)] : [])
    }
    if let hostname = command.reportingHostname {
        let allowed = facts.workspaces[link.workspaceID]?.allowedHostnames ?? []
        guard isAllowed(hostname: hostname, by: allowed) else {
            return .refused(.hostnameDenied(hostname))
        }
    }
    let click = Click(
        id: command.id, workspaceID: link.workspaceID, linkID: link.id, at: command.at,
        url: command.url ?? link.url, trigger: command.trigger, visitor: command.visitor)
    return Decision(
        outcome: .click(.init(id: click.id, at: click.at, isRepeat: false)),
        changes: [.insertClick(click)])
}

/// The click of the same visitor that this one repeats: the one that the cookie names, or the last
/// of the same identity. Imported clicks are as they were counted.
private func lastClick(of command: RecordClick, _ facts: Facts) -> LastClick? {
    if command.origin == .live, let known = command.known.flatMap({ facts.clicks[$0] }),
        known.linkID == command.linkID, known.visitor.isBot == command.visitor.isBot,
        command.at < known.at.adding(clickDedupeWindow)
    {
        return LastClick(id: known.id, at: known.at)
    }
    guard command.origin == .live,
        let key = VisitKey(linkID: command.linkID, command.visitor),
        let last = facts.lastClicks[key],
        command.at < last.at.adding(clickDedupeWindow)
    else { return nil }
    return last
}
