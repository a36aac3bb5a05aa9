/// Who earned a sale: the link, the click that led there, and the lead in between.
struct Credit: Sendable {
    var link: LinkState
    /// The click, where it is at hand; a customer without a link gets it as its own.
    var click: Click?
    var clickID: ClickID?
    var leadID: LeadID?
}

/// Which link is credited with a sale of a known customer.
///
/// 1. The click that the request names, if it exists and its enabled link is in the workspace.
///    One that is unknown, foreign or disabled does not lose the sale: the lead decides.
/// 2. Else the customer's lead: the newest, or the newest whose name is `leadEventName` (to the
///    letter); of a sale that is tried again, the newest of then. The customer's own link must
///    still be there and enabled, and so must the lead's.
func credit(
    _ sale: RecordSale, to customer: Customer, _ facts: Facts
) -> Result<Credit, RefusalError> {
    if let clickID = sale.clickID,
        case .success(let found) = usableClick(
            clickID, in: customer.workspaceID, for: .sale, facts)
    {
        return .success(
            Credit(link: found.link, click: found.click, clickID: found.click.id, leadID: nil))
    }
    guard let ownLink = customer.linkID else {
        return .failure(.init(.linkOfCustomerNotFound(customer.id)))
    }
    if let refusal = enabled(ownLink, of: customer, facts) { return .failure(.init(refusal)) }
    guard let lead = facts.leads[sale.lead] ?? sale.laterLead.flatMap({ facts.leads[$0] }) else {
        return .failure(
            .init(
                .leadNotFound(
                    externalID: customer.externalID, leadEventName: sale.leadEventName.nonEmpty)))
    }
    if let refusal = enabled(lead.linkID, of: customer, facts) { return .failure(.init(refusal)) }
    guard let link = facts.links[lead.linkID] else {
        return .failure(.init(.linkOfCustomerNotFound(customer.id)))
    }
    return .success(Credit(link: link, click: nil, clickID: lead.clickID, leadID: lead.id))
}

private func enabled(_ id: LinkID, of customer: Customer, _ facts: Facts) -> Refusal? {
    guard let link = facts.links[id], !link.isDeleted,
        link.workspaceID == customer.workspaceID
    else { return .linkOfCustomerNotFound(customer.id) }
    return link.isDisabled ? .linkOfCustomerDisabled(id, customer.id) : nil
}

extension Facts {
    /// Whether the next click that is named becomes the customer's own: there is none, or its link
    /// was deleted.
    func lacksLink(_ customer: Customer) -> Bool {
        customer.linkID.map { links[$0]?.isDeleted != false } ?? true
    }
}
