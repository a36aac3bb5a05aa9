/// The name of the lead that a direct sale of a new customer makes, if none is given.
package let directSaleLeadName = "Direct sale tracking lead event"

/// A sale, exactly once.
///
/// Precedence: a known invoice answers as it did before → an unknown customer without a click
/// changes nothing → somebody must be credited → an amount of 0 changes nothing → totals must fit.
func decide(_ command: RecordSale, _ facts: Facts) -> Decision {
    let workspaceID = command.customer.workspaceID
    if let first = earlierAnswer(to: command, facts) {
        let differing = differences(of: command, from: first)
        if !differing.isEmpty, facts.workspaces[workspaceID]?.conflictPolicy == .refuse {
            return .refused(.invoiceConflict(differing: differing))
        }
        return Decision(outcome: .sale(.replayed(first, differing: differing)), changes: [])
    }

    var changes: [Change] = []
    let customer: Customer
    var credited: Credit
    if let known = facts.customers[command.customer] {
        customer = known
        switch credit(command, to: known, facts) {
        case .failure(let error): return .refused(error.refusal)
        case .success(let credit): credited = credit
        }
        if facts.lacksLink(known), let click = credited.click {
            changes.append(.attachCustomer(known.key, click))
        }
    } else if let clickID = command.clickID {
        switch usableClick(clickID, in: workspaceID, for: .sale, facts) {
        case .failure(let error): return .refused(error.refusal)
        case .success(let found):
            customer = command.profile.customer(
                command.customer, from: found.click, at: command.at)
            credited = Credit(
                link: found.link, click: found.click, clickID: found.click.id,
                leadID: command.directLeadID)
        }
        changes += directLead(command, customer: customer, credited: credited)
    } else {
        return ignored(command, .customerUnknown)
    }
    guard command.money.minorUnits > 0 else {
        return ignored(command, .amountZero)
    }

    let sale = sale(command, customer: customer, credited: credited)
    guard totalsFit(sale, customer: customer, credited: credited, facts) else {
        return .refused(.totalTooLarge)
    }
    let receipt = SaleReceipt(sale: sale, customer: customer)
    changes.append(.insertSale(receipt))
    if facts.conversions[command.customer]?.contains(credited.link.id) != true {
        changes.append(.convert(receipt))
    }
    return Decision(outcome: .sale(.recorded(receipt)), changes: changes)
}

private func ignored(_ command: RecordSale, _ reason: RejectionReason) -> Decision {
    Decision(
        outcome: .sale(.ignored(eventName: command.eventName, reason)), changes: [])
}

/// The sale that already stands for this invoice (or, of an import, for this very row).
private func earlierAnswer(to command: RecordSale, _ facts: Facts) -> SaleReceipt? {
    if let invoice = command.invoice, let first = facts.invoices[invoice] { return first }
    return command.origin == .imported ? facts.importedSales[command.id] : nil
}

/// The names of the fields in which a request differs from the sale that its invoice stands for.
private func differences(of command: RecordSale, from first: SaleReceipt) -> [String] {
    var names: [String] = []
    // Who a deleted customer was can't be told any more.
    if first.customer.deletedAt == nil,
        !isSame(command.customer.externalID, first.customer.externalID)
    {
        names.append("customerExternalId")
    }
    if command.money.minorUnits != first.sale.money.minorUnits { names.append("amount") }
    if command.money.currency != first.sale.money.currency { names.append("currency") }
    if !isSame(command.eventName, first.sale.eventName) { names.append("eventName") }
    return names
}

/// A direct sale makes its customer and the lead that leads from the click to the sale.
private func directLead(
    _ command: RecordSale, customer: Customer, credited: Credit
) -> [Change] {
    let lead = Lead(
        id: command.directLeadID, workspaceID: customer.workspaceID, customerID: customer.id,
        linkID: credited.link.id, clickID: credited.clickID,
        eventName: command.leadEventName.nonEmpty ?? directSaleLeadName, at: command.at,
        metadata: command.metadata)
    let claim = LeadClaim(customer: command.customer, eventName: lead.eventName)
    return [
        .insertCustomer(customer), .claimLead(claim, customer.id, lead.id),
        .insertLead(lead, command.customer),
    ]
}

private func sale(_ command: RecordSale, customer: Customer, credited: Credit) -> Sale {
    var sale = Sale(
        id: command.id, workspaceID: customer.workspaceID, customerID: customer.id,
        linkID: credited.link.id, clickID: credited.clickID, leadID: credited.leadID,
        eventName: command.eventName, at: command.at, money: command.money,
        baseAmount: command.money.currency == baseCurrency ? command.money.minorUnits : nil,
        paymentProcessor: command.paymentProcessor, invoiceID: command.invoiceID,
        metadata: command.metadata)
    sale.previousSaleID = customer.lastSaleID
    return sale
}

/// The currency of every total. Sales in another one are kept beside the totals until converted.
package let baseCurrency = Currency.usd

private func totalsFit(
    _ sale: Sale, customer: Customer, credited: Credit, _ facts: Facts
) -> Bool {
    guard let amount = sale.baseAmount else { return true }
    let workspaceTotal = facts.workspaces[sale.workspaceID]?.saleAmount ?? 0
    return customer.saleAmount.checkedSum(amount) != nil
        && credited.link.saleAmount.checkedSum(amount) != nil
        && workspaceTotal.checkedSum(amount) != nil
}
