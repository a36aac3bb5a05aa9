import Attribution

/// How rows show what may be missing.
private func shown(_ text: String?) -> String { text ?? "-" }
private func shown(_ moment: Timestamp?) -> String { moment.map { "\($0.milliseconds)" } ?? "-" }
private func shown(_ number: Int64?) -> String { number.map { "\($0)" } ?? "-" }
private func flag(_ isSet: Bool) -> String { isSet ? "1" : "0" }
private func row(_ fields: String...) -> String { fields.joined(separator: "|") }

/// What the events say of one customer, link or workspace.
private struct Count {
    var clicks = 0
    var leads = 0
    var conversions = 0
    var sales = 0
    var saleAmount: Int64 = 0
    var lastClicked: Timestamp?
    var lastLeadAt: Timestamp?
    var lastConversionAt: Timestamp?
    var firstSaleAt: Timestamp?
    var lastSaleID: SaleID?

    mutating func add(_ sale: Sale) {
        sales += 1
        saleAmount += sale.baseAmount ?? 0
        firstSaleAt = min(firstSaleAt ?? sale.at, sale.at)
        lastSaleID = sale.id
    }
}

private struct Pair: Hashable {
    let customer: CustomerID
    let link: LinkID
}

/// All events counted once more, in the order in which they were recorded.
private struct Recount {
    var workspaces: [WorkspaceID: Count] = [:]
    var links: [LinkID: Count] = [:]
    var customers: [CustomerID: Count] = [:]
    /// The customer's sale recorded before (decision 4).
    var previousSales: [SaleID: SaleID] = [:]
    /// The first sale of each customer through each link (differences 11).
    var conversions: [Pair: SaleID] = [:]

    init(_ model: Model) {
        // Bots are kept and not counted (differences 13).
        for click in model.clicks.rows where !click.visitor.isBot {
            workspaces[click.workspaceID, default: Count()].clicks += 1
            var link = links[click.linkID] ?? Count()
            link.clicks += 1
            link.lastClicked = max(link.lastClicked ?? click.at, click.at)
            links[click.linkID] = link
        }
        for lead in model.leads.rows {
            workspaces[lead.workspaceID, default: Count()].leads += 1
            var link = links[lead.linkID] ?? Count()
            link.leads += 1
            link.lastLeadAt = max(link.lastLeadAt ?? lead.at, lead.at)
            links[lead.linkID] = link
        }
        for sale in model.sales.rows { add(sale) }
    }

    private mutating func add(_ sale: Sale) {
        if let last = customers[sale.customerID]?.lastSaleID { previousSales[sale.id] = last }
        customers[sale.customerID, default: Count()].add(sale)
        workspaces[sale.workspaceID, default: Count()].add(sale)
        var link = links[sale.linkID] ?? Count()
        link.add(sale)
        let pair = Pair(customer: sale.customerID, link: sale.linkID)
        if conversions[pair] == nil {
            conversions[pair] = sale.id
            link.conversions += 1
            link.lastConversionAt = max(link.lastConversionAt ?? sale.at, sale.at)
        }
        links[sale.linkID] = link
    }
}

extension Model {
    /// Every row that must be there: one text for each row.
    package func rows() -> [String: [String]] {
        let recount = Recount(self)
        return [
            "sale": sales.rows.map { saleRow($0, recount.previousSales[$0.id]) },
            "lead": leads.rows.map { lead in
                row(
                    lead.id.text, lead.workspaceID.text, lead.customerID.text, lead.linkID.text,
                    shown(lead.clickID?.text), lead.eventName, shown(lead.at),
                    shown(lead.metadata))
            },
            "claim": claims.map { row($0.key.customer.text, $0.key.name.text, $0.value.text) },
            "click": clicks.rows.map { click in
                row(
                    click.id.text, click.workspaceID.text, click.linkID.text, shown(click.at),
                    click.url, flag(click.visitor.isBot))
            },
            "repeat_click": repeats.map { row($0.key.text, $0.value.text) },
            "customer": customers.rows.map { customerRow($0, recount.customers[$0.id] ?? Count()) },
            "conversion": recount.conversions.map {
                row($0.key.customer.text, $0.key.link.text, $0.value.text)
            },
            "link": links.rows.map { linkRow($0, recount.links[$0.link.id] ?? Count()) },
            "workspace": workspaces.rows.map {
                workspaceRow($0, recount.workspaces[$0.id] ?? Count())
            },
            "token": tokens.rows.map { token in
                row(token.id.text, token.workspaceID.text, flag(token.revokedAt != nil))
            },
            "rejection": rejections.values.flatMap { $0.map(rejectionRow) },
        ]
    }

    private func saleRow(_ sale: Sale, _ previous: SaleID?) -> String {
        row(
            sale.id.text, sale.workspaceID.text, sale.customerID.text, sale.linkID.text,
            shown(sale.clickID?.text), shown(sale.leadID?.text), sale.eventName, shown(sale.at),
            shown(sale.money.minorUnits), sale.money.currency.code, shown(sale.baseAmount),
            sale.paymentProcessor.rawValue, shown(sale.invoiceID), shown(sale.metadata),
            shown(previous?.text))
    }

    private func customerRow(_ customer: Customer, _ count: Count) -> String {
        let isDeleted = customer.deletedAt != nil
        return row(
            customer.id.text, customer.workspaceID.text,
            isDeleted ? "deleted" : customer.externalID, shown(customer.name),
            shown(customer.email), shown(customer.linkID?.text), shown(customer.clickID?.text),
            shown(customer.createdAt), "\(count.sales)", shown(count.saleAmount),
            shown(count.firstSaleAt), flag(isDeleted))
    }

    private func linkRow(_ kept: LinkRow, _ count: Count) -> String {
        let link = kept.link
        return row(
            link.id.text, link.workspaceID.text, link.domain, link.key, link.url,
            shown(link.externalID), flag(!kept.isEnabled), flag(kept.isDeleted),
            "\(count.clicks)", "\(count.leads)", "\(count.conversions)", "\(count.sales)",
            shown(count.saleAmount), shown(count.lastClicked), shown(count.lastLeadAt),
            shown(count.lastConversionAt))
    }

    private func workspaceRow(_ workspace: Workspace, _ count: Count) -> String {
        row(
            workspace.id.text, "\(count.clicks)", "\(count.leads)", "\(count.sales)",
            shown(count.saleAmount), workspace.conflictPolicy.rawValue)
    }

    private func rejectionRow(_ kept: Rejection) -> String {
        row(
            kept.id.text, kept.workspaceID.text, kept.endpoint.rawValue, kept.reason.rawValue,
            shown(kept.detail), shown(kept.at), shown(kept.customerExternalID),
            shown(kept.invoiceID), "\(kept.attempts)", shown(kept.lastTriedAt))
    }
}
