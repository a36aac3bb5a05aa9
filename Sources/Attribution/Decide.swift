/// What becomes of a command: the answer, and the changes that make it true.
package struct Decision: Sendable {
    package var outcome: Outcome
    package var changes: [Change]

    package static func refused(_ refusal: Refusal) -> Decision {
        Decision(outcome: .refused(refusal), changes: [])
    }
}

/// The rules of the ledger, one file each. Nothing here reads a clock, a database or a random
/// number: the same command on the same facts always gives the same decision.
package func decide(_ command: Command, _ facts: Facts) -> Decision {
    switch command {
    case .recordClick(let click): decide(call: click, facts)
    case .recordLead(let lead): decide(call: lead, facts)
    case .recordSale(let sale): decide(call: sale, facts)
    case .addCustomer(let customer): decide(customer, facts)
    case .recordRejection(let record): decide(record, facts)
    case .discardRejections(let discard): decide(discard, facts)
    case .proveWritable: Decision(outcome: .writable, changes: [.touch])
    case .createCustomer(let create): decide(create, facts.registry)
    case .updateCustomer(let update): decide(update, facts.registry)
    case .deleteCustomer(let delete): decide(delete, facts.registry)
    case .createLink(let create): decide(create, facts.registry)
    case .updateLink(let update): decide(update, facts.registry)
    case .upsertLink(let upsert): decide(upsert, facts.registry)
    case .deleteLink(let delete): decide(delete, facts.registry)
    case .createTag(let create): decide(create, facts.registry)
    case .updateTag(let update): decide(update, facts.registry)
    case .deleteTag(let delete): decide(delete, facts.registry)
    case .createFolder(let create): decide(create, facts.registry)
    case .updateFolder(let update): decide(update, facts.registry)
    case .deleteFolder(let delete): decide(delete, facts.registry)
    case .createDomain(let create): decide(create, facts.registry)
    case .updateDomain(let update): decide(update, facts.registry)
    case .deleteDomain(let delete): decide(delete, facts.registry)
    case .createWorkspace(let create): decide(create, facts.registry)
    case .updateWorkspace(let update): decide(update, facts.registry)
    case .createToken(let create): decide(create, facts.registry)
    case .revokeToken(let revoke): decide(revoke, facts.registry)
    }
}

/// A click and its link, if an event of this workspace may be credited to them.
///
/// Checks in this order: the click exists, its link exists, belongs to the workspace, is enabled.
func usableClick(
    _ id: ClickID, in workspaceID: WorkspaceID, for kind: Refusal.EventKind, _ facts: Facts
) -> Result<(click: Click, link: LinkState), RefusalError> {
    guard let click = facts.clicks[id] else { return .failure(.init(.clickNotFound(id))) }
    guard let link = facts.links[click.linkID], !link.isDeleted else {
        return .failure(.init(.linkOfClickNotFound(id)))
    }
    guard link.workspaceID == workspaceID else {
        return .failure(.init(.linkOfClickForeign(link.id, id)))
    }
    guard !link.isDisabled else {
        return .failure(.init(.linkOfClickDisabled(link.id, id, kind)))
    }
    return .success((click, link))
}

/// A refusal on its way through a `Result`.
struct RefusalError: Error {
    let refusal: Refusal
    init(_ refusal: Refusal) { self.refusal = refusal }
}
