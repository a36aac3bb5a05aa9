import Attribution

extension Model {
    /// Contract 2.2 with differences 3 and 24.
    mutating func recordLead(_ command: RecordLead) -> Verdict {
        let known = customer(command.customer)
        if command.origin == .imported, let again = importedAgain(command, known) { return again }
        guard let clickID = command.clickID ?? known?.clickID else {
            return .refused(.clickRequired)
        }
        if let known, command.mode != .deferred,
            claims[Claim(known.id, command.eventName)] != nil
        {
            return .did("lead again \(clickID) \(known.id)")
        }
        let click: Click
        switch check(clickID, in: command.customer.workspaceID) {
        case .unusable(let reason): return .refused(reason)
        case .usable(let found): click = found
        }
        let customerID = known?.id ?? command.profile.id
        if let known {
            // The customer is only kept until the lead itself comes: a deleted link stays so long.
            let isBrought = command.mode == .deferred ? known.linkID == nil : lacksLink(known)
            if isBrought { give(known.id, the: click) }
        } else {
            insert(command.profile.customer(command.customer, from: click, at: command.at))
        }
        if command.mode == .deferred {
            return .did("lead deferred \(click.id) \(click.linkID) \(customerID)")
        }
        for id in command.ids {
            insert(
                Lead(
                    id: id, workspaceID: command.customer.workspaceID, customerID: customerID,
                    linkID: click.linkID, clickID: click.id, eventName: command.eventName,
                    at: command.at, metadata: command.metadata))
        }
        if let first = command.ids.first {
            claims[Claim(customerID, command.eventName)] = first
        }
        return .did("lead \(click.id) \(click.linkID) \(customerID)")
    }

    /// A row that an earlier run has taken is left as it is (import.md), also when its customer
    /// was deleted since, so that no claim tells.
    private func importedAgain(_ command: RecordLead, _ known: Customer?) -> Verdict? {
        guard let id = command.ids.first, let lead = leads[id] else { return nil }
        if let known, claims[Claim(known.id, command.eventName)] != nil { return nil }
        guard let clickID = command.clickID ?? lead.clickID else { return nil }
        return .did("lead again \(clickID) \(lead.customerID)")
    }
}
