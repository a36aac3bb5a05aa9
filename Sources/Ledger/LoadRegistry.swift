import Attribution

/// Loads what link, domain, workspace and token commands must know. They are rare; each runs its
/// own few statements.
struct RegistryLoader {
    private let transaction: any SQLTransaction
    private var registry = Registry()

    static func load(_ commands: [Command], _ transaction: any SQLTransaction) throws -> Registry {
        var loader = RegistryLoader(transaction: transaction)
        for command in commands { try loader.load(command) }
        return loader.registry
    }

    private init(transaction: any SQLTransaction) { self.transaction = transaction }

    private mutating func load(_ command: Command) throws {
        switch command {
        case .createLink(let create):
            let link = create.link
            for key in [link.key] + create.spareKeys {
                try loadLink(.address(domain: link.domain, key: key))
            }
            try loadNames(domain: link.domain, externalID: link.externalID, link.workspaceID)
        case .updateLink(let update): try load(update)
        case .deleteLink(let delete): try loadLink(delete.selector)
        case .createDomain(let create):
            try loadDomain(create.domain.slug)
            let workspaceID = create.domain.workspaceID
            let any = try transaction.rows(
                RegistryStatements.anyDomainOf, [.init(workspaceID)])
            if !any.isEmpty { registry.workspacesWithDomain.insert(workspaceID) }
        case .createWorkspace(let create): try loadWorkspace(create.workspace.slug)
        case .updateWorkspace(let update): try loadWorkspace(update.slug)
        case .createToken(let create):
            let count = try transaction.rows(
                RegistryStatements.tokenCount, [.init(create.token.workspaceID)])
            registry.tokenCounts[create.token.workspaceID] = Int(try count[0].integer(0))
        case .revokeToken(let revoke):
            let row = try transaction.rows(RegistryStatements.tokenByID, [.init(revoke.id)]).first
            registry.tokens[revoke.id] = try row.map(Token.init)
        case .recordClick, .recordLead, .recordSale, .addCustomer, .proveWritable: break
        }
    }

    private mutating func load(_ update: UpdateLink) throws {
        try loadLink(update.selector)
        guard let link = registry.links[update.selector] else { return }
        let edited = update.edit.applied(to: link)
        try loadLink(.address(domain: edited.domain, key: edited.key))
        try loadNames(domain: edited.domain, externalID: edited.externalID, link.workspaceID)
    }

    private mutating func loadNames(
        domain: String, externalID: String?, _ workspaceID: WorkspaceID
    ) throws {
        try loadDomain(domain)
        if let externalID { try loadLink(.externalID(workspaceID, externalID)) }
    }

    private mutating func loadLink(_ selector: LinkSelector) throws {
        registry.links[selector] = try transaction.link(selector)
    }

    private mutating func loadDomain(_ slug: String) throws {
        let row = try transaction.rows(RegistryStatements.domainBySlug, [.text(slug)]).first
        registry.domains[slug] = try row.map(Domain.init)
    }

    private mutating func loadWorkspace(_ slug: String) throws {
        registry.workspaces[slug] = try transaction.workspace(slug: slug)
    }
}

extension SQLTransaction {
    /// A link that is not deleted, of whichever workspace.
    package func link(_ selector: LinkSelector) throws -> Link? {
        let rows =
            switch selector {
            case .id(let id): try rows(RegistryStatements.linkByID, [.init(id)])
            case .externalID(let workspaceID, let externalID):
                try rows(
                    RegistryStatements.linkByExternalID, [.init(workspaceID), .text(externalID)])
            case .address(let domain, let key):
                try rows(RegistryStatements.linkByAddress, [.text(domain), .text(key)])
            }
        return try rows.first.map { try Link($0) }
    }

    package func workspace(slug: String) throws -> Workspace? {
        try rows(RegistryStatements.workspaceBySlug, [.text(slug)]).first.map { try Workspace($0) }
    }
}
