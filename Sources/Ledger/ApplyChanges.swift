import Attribution

/// Writes the changes of a batch: each kind's rows in one go, in an order that foreign keys allow,
/// then every counter once.
package struct ChangeWriter {
    private var groups: [(statement: SQLStatement, arguments: [[SQLValue]])] = []
    private var groupByStatement: [ObjectIdentifier: Int] = [:]
    private var tally = Tally()
    private var touchesRegistry = false
    /// The newest rejection of each workspace.
    private var newestRejections: [WorkspaceID: Timestamp] = [:]

    package static func apply(_ changes: [Change], _ transaction: any SQLTransaction) throws {
        var writer = ChangeWriter()
        for change in changes { try writer.note(change) }
        writer.trimRejections()
        var written = 0
        for statement in writeOrder {
            guard let index = writer.groupByStatement[ObjectIdentifier(statement)] else { continue }
            try transaction.execute(statement, each: writer.groups[index].arguments)
            written += 1
        }
        // What is not written must not be acknowledged.
        guard written == writer.groups.count else { throw ForgottenCase.statement }
        try writer.count(transaction)
        if writer.touchesRegistry {
            try transaction.execute(RegistryStatements.advanceRevision, each: [[]])
        }
    }

    private static let writeOrder = [
        RegistryStatements.insertWorkspace, RegistryStatements.updateWorkspace,
        RegistryStatements.insertToken, RegistryStatements.revokeToken,
        RegistryStatements.updateDomain, RegistryStatements.moveLinks,
        RegistryStatements.insertDomain, RegistryStatements.insertLink,
        RegistryStatements.updateLink, RegistryStatements.deleteLink,
        RegistryStatements.deleteLinksOfDomain, RegistryStatements.deleteDomain,
        RegistryStatements.insertTag, RegistryStatements.updateTag, RegistryStatements.clearTag,
        RegistryStatements.deleteTag, RegistryStatements.clearLinkTags,
        RegistryStatements.insertLinkTag, RegistryStatements.insertFolder,
        RegistryStatements.updateFolder, RegistryStatements.clearFolder,
        RegistryStatements.deleteFolder, RegistryStatements.updateCustomer,
        Statements.insertClick, Statements.insertRepeat, Statements.insertCustomer,
        Statements.attachCustomer, Statements.insertLead, Statements.claimLead,
        Statements.insertSale, Statements.insertConversion, RejectionSQL.insert, RejectionSQL.retry,
        RejectionSQL.discard,
        RejectionSQL.rename, RejectionSQL.forget, RejectionSQL.trimAge, RejectionSQL.trimCount,
        RegistryStatements.touch,
    ]

    private mutating func note(_ change: Change) throws {
        tally.add(change)
        touchesRegistry = touchesRegistry || change.touchesRegistry
        guard
            note(event: change) || note(rejection: change) || note(record: change)
                || note(place: change)
        else {
            throw ForgottenCase.change
        }
    }

    private mutating func note(event change: Change) -> Bool {
        switch change {
        case .insertClick(let click): add(Statements.insertClick, click.insertArguments)
        case .repeatClick(let id, let first):
            add(Statements.insertRepeat, [.init(id), .init(first)])
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
        case .insertSale(let receipt):
            add(Statements.insertSale, receipt.sale.insertArguments)
        case .convert(let receipt):
            let sale = receipt.sale
            add(
                Statements.insertConversion,
                [.init(sale.customerID), .init(sale.linkID), .init(sale.id)])
        case .touch: add(RegistryStatements.touch, [])
        default: return false
        }
        return true
    }

    /// Calls that recorded nothing.
    private mutating func note(rejection change: Change) -> Bool {
        switch change {
        case .insertRejection(let rejection):
            add(RejectionSQL.insert, rejection.insertArguments)
            let newest = newestRejections[rejection.workspaceID] ?? rejection.at
            newestRejections[rejection.workspaceID] = max(newest, rejection.at)
        case .retryRejection(let rejection):
            add(RejectionSQL.retry, rejection.retryArguments)
        case .discardRejection(let id, let workspaceID):
            add(RejectionSQL.discard, [.init(id), .init(workspaceID)])
        case .renameRejections(let key, let name):
            add(
                RejectionSQL.rename,
                [.init(key.workspaceID), .text(key.externalID), .text(name)])
        case .forgetRejections(let key):
            add(RejectionSQL.forget, [.init(key.workspaceID), .text(key.externalID)])
        default: return false
        }
        return true
    }

    private mutating func trimRejections() {
        for (workspaceID, at) in newestRejections {
            add(
                RejectionSQL.trimAge,
                [.init(workspaceID), .init(at.adding(-Rejection.ageMax))])
            for isPublic in [false, true] {
                let max = Rejection.countMax(isPublic: isPublic)
                add(
                    RejectionSQL.trimCount,
                    [.init(workspaceID), .init(isPublic), .integer(max)])
            }
        }
    }

    /// Links, tags, folders and customers' records.
    private mutating func note(record change: Change) -> Bool {
        switch change {
        case .insertLink(let link):
            add(RegistryStatements.insertLink, LinkSQL.insertArguments(link))
            addTags(of: link)
        case .updateLink(let link):
            add(RegistryStatements.updateLink, LinkSQL.updateArguments(link))
            add(RegistryStatements.clearLinkTags, [.init(link.id)])
            addTags(of: link)
        case .deleteLink(let link, let at):
            add(RegistryStatements.deleteLink, [.init(link.id), .init(at)])
        case .insertTag(let tag): add(RegistryStatements.insertTag, tag.insertArguments)
        case .updateTag(let tag):
            add(
                RegistryStatements.updateTag,
                [.init(tag.id), .text(tag.name), .text(tag.color.rawValue)])
        case .deleteTag(let id):
            add(RegistryStatements.clearTag, [.init(id)])
            add(RegistryStatements.deleteTag, [.init(id)])
        case .insertFolder(let folder):
            add(RegistryStatements.insertFolder, folder.insertArguments)
        case .updateFolder(let folder):
            add(RegistryStatements.updateFolder, folder.updateArguments)
        case .deleteFolder(let id):
            add(RegistryStatements.clearFolder, [.init(id)])
            add(RegistryStatements.deleteFolder, [.init(id)])
        case .updateCustomer(let customer):
            add(RegistryStatements.updateCustomer, customer.updateArguments)
        default: return false
        }
        return true
    }

    /// Domains, workspaces and tokens.
    private mutating func note(place change: Change) -> Bool {
        switch change {
        case .insertDomain(let domain):
            add(RegistryStatements.insertDomain, domain.insertArguments)
        case .updateDomain(let domain, let slug):
            add(RegistryStatements.updateDomain, domain.updateArguments)
            if !isSame(domain.slug, slug) {
                add(
                    RegistryStatements.moveLinks,
                    [
                        .text(slug), .text(domain.slug), .init(domain.updatedAt),
                        .init(domain.workspaceID),
                    ])
            }
        case .deleteDomain(let domain, let at):
            add(
                RegistryStatements.deleteLinksOfDomain,
                [.text(domain.slug), .init(at), .init(domain.workspaceID)])
            add(RegistryStatements.deleteDomain, [.init(domain.id)])
        case .insertWorkspace(let workspace):
            add(RegistryStatements.insertWorkspace, workspace.insertArguments)
        case .updateWorkspace(let workspace):
            add(RegistryStatements.updateWorkspace, workspace.updateArguments)
        case .insertToken(let token): add(RegistryStatements.insertToken, token.insertArguments)
        case .revokeToken(let token):
            add(RegistryStatements.revokeToken, [.init(token.id), .init(token.revokedAt)])
        default: return false
        }
        return true
    }

    private mutating func addTags(of link: Link) {
        for (position, tag) in link.tags.enumerated() {
            add(
                RegistryStatements.insertLinkTag,
                [.init(link.id), .init(tag.id), .integer(Int64(position))])
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

/// A case was added to commands or changes and forgotten here. The batch fails, so that nothing is
/// acknowledged that was not looked at and written.
enum ForgottenCase: Error { case change, statement, facts }
