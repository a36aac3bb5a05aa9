import Attribution

extension Model {
    /// Whom a sale is credited to, and what recording it makes besides.
    private struct Credit {
        var customer: CustomerID
        var link: LinkID
        var click: ClickID?
        var lead: LeadID?
        /// A customer who was not known before, and the click.
        var made: (Customer, Click)?
        /// The click whose link a known customer gets.
        var given: Click?
    }

    private enum Crediting {
        case credit(Credit)
        case verdict(Verdict)
    }

    mutating func recordSale(_ command: RecordSale) -> Verdict {
        if let first = knownSale(command) { return again(first, command) }
        let credit: Credit
        switch crediting(command) {
        case .verdict(let verdict): return verdict
        case .credit(let found): credit = found
        }
        if command.money.minorUnits == 0 { return ignored(.amountZero) }
        let isBase = isSame(command.money.currency.code, "usd")
        let sale = Sale(
            id: command.id, workspaceID: command.customer.workspaceID,
            customerID: credit.customer, linkID: credit.link, clickID: credit.click,
            leadID: credit.lead, eventName: command.eventName, at: command.at,
            money: command.money, baseAmount: isBase ? command.money.minorUnits : nil,
            paymentProcessor: command.paymentProcessor, invoiceID: command.invoiceID,
            metadata: command.metadata)
        if let amount = sale.baseAmount, !totals.add(amount, sale) {
            return .refused(.totalTooLarge)
        }
        if let (customer, click) = credit.made { makeLead(command, customer, click) }
        if let click = credit.given { give(credit.customer, the: click) }
        sales[sale.id] = sale
        if let invoice = command.invoiceID, !invoice.isEmpty {
            saleByInvoice[InvoiceKey(workspaceID: sale.workspaceID, invoiceID: invoice)] = sale.id
        }
        return .did(
            "sale \(sale.id) \(sale.customerID) \(sale.linkID) \(sale.clickID?.text ?? "-") "
                + "\(sale.leadID?.text ?? "-") \(sale.money.minorUnits) \(sale.money.currency.code)"
        )
    }

    private func ignored(_ reason: RejectionReason) -> Verdict {
        .failed("sale ignored \(reason.rawValue)", reason, detail: nil)
    }

    // MARK: Idempotency (differences 1)

    private func knownSale(_ command: RecordSale) -> Sale? {
        if let invoice = command.invoiceID, !invoice.isEmpty {
            let key = InvoiceKey(
                workspaceID: command.customer.workspaceID, invoiceID: invoice)
            if let id = saleByInvoice[key] { return sales[id] }
        }
        return command.origin == .imported ? sales[command.id] : nil
    }

    private func again(_ first: Sale, _ command: RecordSale) -> Verdict {
        var differing: [String] = []
        if let customer = customers[first.customerID], customer.deletedAt == nil,
            !isSame(customer.externalID, command.customer.externalID)
        {
            differing.append("customerExternalId")
        }
        if first.money.minorUnits != command.money.minorUnits { differing.append("amount") }
        if !isSame(first.money.currency.code, command.money.currency.code) {
            differing.append("currency")
        }
        if !isSame(first.eventName, command.eventName) { differing.append("eventName") }
        let words = "sale again \(first.id) \(first.customerID)"
        if differing.isEmpty { return .did("\(words) -") }
        let names = differing.joined(separator: ",")
        if workspaces[command.customer.workspaceID]?.conflictPolicy == .refuse {
            return .refused(.invoiceConflict, detail: names)
        }
        return .failed("\(words) \(names)", .invoiceConflict, detail: names)
    }

    // MARK: Credit (contract 2.1, differences 4)

    private func crediting(_ command: RecordSale) -> Crediting {
        let workspace = command.customer.workspaceID
        if let known = customer(command.customer) {
            if let id = command.clickID, case .usable(let click) = check(id, in: workspace) {
                return .credit(
                    Credit(
                        customer: known.id, link: click.linkID, click: click.id,
                        given: lacksLink(known) ? click : nil))
            }
            return creditingLead(command, known)
        }
        guard let id = command.clickID else { return .verdict(ignored(.customerUnknown)) }
        switch check(id, in: workspace) {
        case .unusable(let reason): return .verdict(.refused(reason))
        case .usable(let click):
            let customer = command.profile.customer(command.customer, from: click, at: command.at)
            return .credit(
                Credit(
                    customer: customer.id, link: click.linkID, click: click.id,
                    lead: command.directLeadID, made: (customer, click)))
        }
    }

    private func creditingLead(_ command: RecordSale, _ customer: Customer) -> Crediting {
        if let reason = reasonAgainst(customer.linkID, customer.workspaceID) {
            return .verdict(.refused(reason))
        }
        guard let lead = creditedLead(command, customer.id) else {
            return .verdict(.refused(.leadNotFound))
        }
        if let reason = reasonAgainst(lead.linkID, customer.workspaceID) {
            return .verdict(.refused(reason))
        }
        return .credit(
            Credit(customer: customer.id, link: lead.linkID, click: lead.clickID, lead: lead.id))
    }

    private func reasonAgainst(_ id: LinkID?, _ workspace: WorkspaceID) -> RejectionReason? {
        guard let id, let row = links[id], !row.isDeleted, row.link.workspaceID == workspace
        else { return .linkNotFound }
        return row.isEnabled ? nil : .linkDisabled
    }

    /// The newest by time, then by id. Imported sales see no lead of after their own time; neither
    /// do calls that are tried again, unless there was none then: the next one is theirs.
    private func creditedLead(_ command: RecordSale, _ customer: CustomerID) -> Lead? {
        let named = (leadsOfCustomer[customer] ?? []).compactMap { leads[$0] }.filter { lead in
            guard let name = command.leadEventName, !name.isEmpty else { return true }
            return isSame(name, lead.eventName)
        }
        let sorted = named.sorted { isNewer($1, than: $0) }
        let isRetried = command.call?.retriedAt != nil
        if command.origin == .live, !isRetried { return sorted.last }
        return sorted.last { $0.at <= command.at } ?? (isRetried ? sorted.first : nil)
    }

    private func isNewer(_ lead: Lead, than other: Lead) -> Bool {
        if lead.at != other.at { return lead.at > other.at }
        return other.id.text.utf8.lexicographicallyPrecedes(lead.id.text.utf8)
    }

    /// A direct sale makes the customer and a lead (contract 2.1 step 5).
    private mutating func makeLead(_ command: RecordSale, _ customer: Customer, _ click: Click) {
        insert(customer)
        let named = command.leadEventName ?? ""
        let name = named.isEmpty ? "Direct sale tracking lead event" : named
        insert(
            Lead(
                id: command.directLeadID, workspaceID: customer.workspaceID,
                customerID: customer.id, linkID: click.linkID, clickID: click.id, eventName: name,
                at: command.at, metadata: command.metadata))
        claims[Claim(customer.id, name)] = command.directLeadID
    }
}
