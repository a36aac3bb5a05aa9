import Attribution

/// Writes the changes of a batch: each kind's rows in one go, in an order that foreign keys allow,
/// then every counter once.
struct ChangeWriter {
    private var groups: [(statement: SQLStatement, arguments: [[SQLValue]])] = []
    private var groupByStatement: [ObjectIdentifier: Int] = [:]
    private var tally = Tally()
    private var touchesRegistry = false

    static func apply(_ changes: [Change], _ transaction: any SQLTransaction) throws {
        var writer = ChangeWriter()
        for change in changes { writer.note(change) }
        for statement in writeOrder {
            guard let index = writer.groupByStatement[ObjectIdentifier(statement)] else { continue }
            try transaction.execute(statement, each: writer.groups[index].arguments)
        }
        try writer.count(transaction)
        if writer.touchesRegistry {
            try transaction.execute(RegistryStatements.advanceRevision, each: [[]])
        }
    }

    private static let writeOrder = [
        RegistryStatements.insertWorkspace, RegistryStatements.updateWorkspace,
        RegistryStatements.insertToken, RegistryStatements.revokeToken,
        RegistryStatements.insertDomain, RegistryStatements.insertLink,
        RegistryStatements.updateLink, RegistryStatements.deleteLink,
        Statements.insertClick, Statements.insertCustomer, Statements.attachCustomer,
        Statements.insertLead, Statements.claimLead, Statements.insertSale,
        Statements.insertConversion, RegistryStatements.touch,
    ]

    private mutating func note(_ change: Change) {
        tally.add(change)
        touchesRegistry = touchesRegistry || change.touchesRegistry
        switch change {
        case .insertClick(let click): add(Statements.insertClick, click.insertArguments)
        case .insertCustomer(let customer):
            add(Statements.insertCustomer, customer.insertArguments)
        case .attachCustomer(let key, let click):
            add(
                Statements.attachCustomer,
                [
                    .init(key.workspaceID), .text(key.externalID), .init(click.linkID),
                    .init(click.id), .init(click.at),
                ])
        case .claimLead(let claim, let customerID, let leadID):
            add(
                Statements.claimLead,
                [.init(customerID), .text(claim.normalizedName), .init(leadID)])
        case .insertLead(let lead, _): add(Statements.insertLead, lead.insertArguments)
        case .insertSale(let sale, _): add(Statements.insertSale, sale.insertArguments)
        case .convert(_, let linkID, let sale):
            add(
                Statements.insertConversion,
                [.init(sale.customerID), .init(linkID), .init(sale.id)])
        case .insertLink(let link):
            add(RegistryStatements.insertLink, LinkSQL.insertArguments(link))
        case .updateLink(let link):
            add(RegistryStatements.updateLink, LinkSQL.updateArguments(link))
        case .deleteLink(let link, let at):
            add(RegistryStatements.deleteLink, [.init(link.id), .init(at)])
        case .insertDomain(let domain):
            add(RegistryStatements.insertDomain, domain.insertArguments)
        case .insertWorkspace(let workspace):
            add(RegistryStatements.insertWorkspace, workspace.insertArguments)
        case .updateWorkspace(let workspace):
            add(RegistryStatements.updateWorkspace, workspace.updateArguments)
        case .insertToken(let token): add(RegistryStatements.insertToken, token.insertArguments)
        case .revokeToken(let token):
            add(RegistryStatements.revokeToken, [.init(token.id), .init(token.revokedAt)])
        case .touch: add(RegistryStatements.touch, [])
        }
    }

    private mutating func add(_ statement: SQLStatement, _ arguments: [SQLValue]) {
        let id = ObjectIdentifier(statement)
        if let index = groupByStatement[id] {
            groups[index].arguments.append(arguments)
        } else {
            groupByStatement[id] = groups.count
            groups.append((statement, [arguments]))
        }
    }

    private func count(_ transaction: any SQLTransaction) throws {
        try transaction.execute(
            Statements.countLink,
            each: tally.links.map { id, counts in
                [
                    .init(id), .integer(counts.clicks), .integer(counts.leads),
                    .integer(counts.conversions), .integer(counts.sales),
                    .integer(counts.saleAmount), .init(counts.lastClicked),
                    .init(counts.lastLeadAt), .init(counts.lastConversionAt),
                ]
            })
        try transaction.execute(
            Statements.countCustomer,
            each: tally.customers.map { key, counts in
                [
                    .init(key.workspaceID), .integer(counts.sales), .integer(counts.saleAmount),
                    .init(counts.firstSaleAt), .init(counts.lastSaleID),
                    .text(key.externalID),
                ]
            })
        try transaction.execute(
            Statements.countWorkspace,
            each: tally.workspaces.map { id, counts in
                [
                    .init(id), .integer(counts.clicks), .integer(counts.leads),
                    .integer(counts.sales), .integer(counts.saleAmount),
                ]
            })
    }
}
