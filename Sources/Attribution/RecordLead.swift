/// A lead: the customer is created if new, and the event is credited to the link of the click.
///
/// Precedence: a click is needed → the same lead again changes nothing → the click must be usable.
func decide(_ command: RecordLead, _ facts: Facts) -> Decision {
    let known = facts.customers[command.customer]
    guard let clickID = command.clickID ?? known?.clickID else { return .refused(.clickRequired) }
    if command.mode != .deferred, facts.leadClaims.contains(command.claim) {
        let customer =
            known ?? command.profile.customer(command.customer, from: nil, at: command.at)
        return Decision(
            outcome: .lead(.duplicate(clickID: clickID, customer: customer)), changes: [])
    }
    let click: Click
    let link: LinkState
    switch usableClick(clickID, in: command.customer.workspaceID, for: .lead, facts) {
    case .failure(let error): return .refused(error.refusal)
    case .success(let found): (click, link) = found
    }

    var changes: [Change] = []
    let customer: Customer
    if let known {
        customer = known
        let isRecorded = command.mode != .deferred
        if known.linkID == nil || isRecorded && facts.lacksLink(known) {
            changes.append(.attachCustomer(known.key, click))
        }
    } else {
        customer = command.profile.customer(command.customer, from: click, at: command.at)
        changes.append(.insertCustomer(customer))
    }
    if command.mode != .deferred {
        changes += leadChanges(command, customer: customer, click: click)
    }
    let receipt = LeadReceipt(clickID: click.id, link: link, customer: customer)
    return Decision(
        outcome: .lead(.tracked(receipt, isRecorded: command.mode != .deferred)), changes: changes)
}

/// The claim, which makes the lead unique, and as many events as were asked for.
private func leadChanges(_ command: RecordLead, customer: Customer, click: Click) -> [Change] {
    let leads = command.ids.map { id in
        Lead(
            id: id, workspaceID: customer.workspaceID, customerID: customer.id,
            linkID: click.linkID, clickID: click.id, eventName: command.eventName, at: command.at,
            metadata: command.metadata)
    }
    guard let first = leads.first else { return [] }
    return [.claimLead(command.claim, customer.id, first.id)]
        + leads.map { .insertLead($0, command.customer) }
}

/// A customer from an import: created once, never changed by a second row.
func decide(_ command: AddCustomer, _ facts: Facts) -> Decision {
    if let known = facts.customers[command.key] {
        return Decision(outcome: .customer(known, isCreated: false), changes: [])
    }
    var click: Click?
    if let clickID = command.clickID {
        switch usableClick(clickID, in: command.key.workspaceID, for: .lead, facts) {
        case .failure(let error): return .refused(error.refusal)
        case .success(let found): click = found.click
        }
    }
    var customer = command.profile.customer(command.key, from: click, at: command.at)
    customer.country = command.country ?? customer.country
    return Decision(
        outcome: .customer(customer, isCreated: true), changes: [.insertCustomer(customer)])
}
