/// How far the changes of a batch move the counters, summed before they are written: a batch of
/// sales on one link is one update of that link.
package struct Tally: Equatable, Sendable {
    package struct LinkCounts: Equatable, Sendable {
        package var clicks: Int64 = 0
        package var leads: Int64 = 0
        package var conversions: Int64 = 0
        package var sales: Int64 = 0
        package var saleAmount: Int64 = 0
        package var lastClicked: Timestamp?
        package var lastLeadAt: Timestamp?
        package var lastConversionAt: Timestamp?
    }
    package struct CustomerCounts: Equatable, Sendable {
        package var sales: Int64 = 0
        package var saleAmount: Int64 = 0
        package var firstSaleAt: Timestamp
        package var lastSaleID: SaleID
    }
    package struct WorkspaceCounts: Equatable, Sendable {
        package var clicks: Int64 = 0
        package var leads: Int64 = 0
        package var sales: Int64 = 0
        package var saleAmount: Int64 = 0
    }

    package private(set) var links: [LinkID: LinkCounts] = [:]
    package private(set) var customers: [CustomerKey: CustomerCounts] = [:]
    package private(set) var workspaces: [WorkspaceID: WorkspaceCounts] = [:]

    package init() {}

    /// Sums can't overflow: `decide` refuses a sale that a total has no room for.
    package mutating func add(_ change: Change) {
        switch change {
        case .insertClick(let click):
            if click.visitor.isBot { return }
            links[click.linkID, default: LinkCounts()].clicks += 1
            links[click.linkID]?.lastClicked.advance(to: click.at)
            workspaces[click.workspaceID, default: WorkspaceCounts()].clicks += 1
        case .insertLead(let lead, _):
            links[lead.linkID, default: LinkCounts()].leads += 1
            links[lead.linkID]?.lastLeadAt.advance(to: lead.at)
            workspaces[lead.workspaceID, default: WorkspaceCounts()].leads += 1
        case .insertSale(let receipt): add(receipt.sale, receipt.customer.key)
        case .convert(let receipt):
            let sale = receipt.sale
            links[sale.linkID, default: LinkCounts()].conversions += 1
            links[sale.linkID]?.lastConversionAt.advance(to: sale.at)
        default: break
        }
    }

    private mutating func add(_ sale: Sale, _ key: CustomerKey) {
        let amount = sale.baseAmount ?? 0
        links[sale.linkID, default: LinkCounts()].sales += 1
        links[sale.linkID]?.saleAmount += amount
        var customer =
            customers[key] ?? CustomerCounts(firstSaleAt: sale.at, lastSaleID: sale.id)
        customer.sales += 1
        customer.saleAmount += amount
        customer.firstSaleAt = min(customer.firstSaleAt, sale.at)
        customer.lastSaleID = sale.id
        customers[key] = customer
        workspaces[sale.workspaceID, default: WorkspaceCounts()].sales += 1
        workspaces[sale.workspaceID]?.saleAmount += amount
    }
}

extension Timestamp? {
    fileprivate mutating func advance(to other: Timestamp) {
        if let self, self >= other { return }
        self = other
    }
}
