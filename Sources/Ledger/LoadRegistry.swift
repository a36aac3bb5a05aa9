import Attribution

/// Loads what a command that stands alone must know, with a few statements of its own.
struct RegistryLoader {
    private let transaction: any SQLTransaction
    private var registry = Registry()

    static func load(_ command: Command, _ transaction: any SQLTransaction) throws -> Registry {
        var loader = RegistryLoader(transaction: transaction)
        try loader.load(command)
        return loader.registry
    }

    private init(transaction: any SQLTransaction) { self.transaction = transaction }

    private mutating func load(_ command: Command) throws {
        switch command {
        case .createLink(let create): try load(create)
        case .updateLink(let update): try load(update)
        case .upsertLink(let upsert): try load(upsert)
        case .deleteLink(let delete): try loadLink(delete.selector)
        case .createTag(let create): try loadTag(name: create.tag.name, create.tag.workspaceID)
        case .updateTag(let update): try load(update)
        case .deleteTag(let delete): try loadTag(delete.id, delete.workspaceID)
        case .createFolder(let create):
            try loadFolder(name: create.folder.name, create.folder.workspaceID)
        case .updateFolder(let update): try load(update)
        case .deleteFolder(let delete): try loadFolder(delete.id, delete.workspaceID)
        case .createDomain(let create):
            try loadDomains(create.domain.slug, create.domain.workspaceID)
            try loadLink(create.rootLink.address)
            try loadStrays(create.domain.slug, create.domain.workspaceID)
        case .updateDomain(let update): try load(update)
        case .deleteDomain(let delete): try loadDomains(delete.slug, delete.workspaceID)
        case .createCustomer(let create): try loadNames(of: create.customer)
        case .updateCustomer(let update): try load(update)
        case .deleteCustomer(let delete):
            try loadCustomer(delete.selector, delete.workspaceID)
        default: try load(operator: command)
        }
    }

    private mutating func load(operator command: Command) throws {
        switch command {
        case .createWorkspace(let create): try loadWorkspace(create.workspace.slug)
        case .updateWorkspace(let update): try loadWorkspace(update.slug)
        case .createToken(let create):
            let count = try transaction.rows(
                RegistryStatements.tokenCount, [.init(create.token.workspaceID)])
            registry.tokenCounts[create.token.workspaceID] = Int(try count[0].integer(0))
        case .revokeToken(let revoke):
            let row = try transaction.rows(RegistryStatements.tokenByID, [.init(revoke.id)]).first
            registry.tokens[revoke.id] = try row.map(Token.init)
        default: throw ForgottenCase.facts
        }
    }

    // Links.

    private mutating func load(_ create: CreateLink) throws {
        let link = create.link
        for key in create.spareKeys {
            try loadLink(.address(domain: link.domain, key: foldedKey(key)))
        }
        try loadSurroundings(of: link, create.tags)
        guard registry.plan?.linksPerMonth != nil else { return }
        let month = try transaction.rows(
            RegistryStatements.linksSince,
            [.init(link.workspaceID), .init(link.createdAt.startOfMonth)])
        registry.linksThisMonth = Int(try month[0].integer(0))
    }

    private mutating func load(_ update: UpdateLink) throws {
        try loadLink(update.selector)
        guard let link = registry.links[update.selector] else { return }
        try loadSurroundings(of: update.edit.applied(to: link), update.tags)
    }

    private mutating func load(_ upsert: UpsertLink) throws {
        try load(upsert.create)
        for url in upsert.urls {
            let row = try transaction.rows(
                RegistryStatements.linkByURL,
                [.init(upsert.create.link.workspaceID), .text(url)]
            ).first
            guard let link = try row.map({ try Link($0) }) else { continue }
            let tagged = try transaction.tagged([link])[0]
            registry.linksByURL[ExactText(url)] = tagged
            try loadSurroundings(of: upsert.edit.applied(to: tagged), upsert.create.tags)
            return
        }
    }

    /// Who has its names, and what it refers to.
    private mutating func loadSurroundings(of link: Link, _ tags: TagChoice?) throws {
        let workspaceID = link.workspaceID
        try loadLink(link.address)
        if let externalID = link.externalID { try loadLink(.externalID(workspaceID, externalID)) }
        try loadDomain(link.domain)
        for host in Set(link.targets.compactMap(urlHost)) {
            try loadDomain(normalizedHostname(host))
        }
        if let folderID = link.folderID { try loadFolder(folderID, workspaceID) }
        switch tags {
        case nil: break
        case .ids(let ids): for id in ids { try loadTag(id, workspaceID) }
        case .names(let names): for name in names { try loadTag(name: name, workspaceID) }
        }
        let plan = try transaction.rows(RegistryStatements.planOf, [.init(workspaceID)]).first
        registry.plan = try plan?.option(0)
    }

    private mutating func loadLink(_ selector: LinkSelector) throws {
        registry.links[selector] = try transaction.link(selector)
    }

    // Tags and folders.

    private mutating func load(_ update: UpdateTag) throws {
        try loadTag(update.id, update.workspaceID)
        guard let tag = registry.tags.first else { return }
        try loadTag(name: update.edit.applied(to: tag).name, update.workspaceID)
    }
    private mutating func loadTag(_ id: TagID, _ workspaceID: WorkspaceID) throws {
        registry.tags += try transaction.rows(
            RegistryStatements.tagByID, [.init(workspaceID), .init(id)]
        ).map { try Tag($0) }
    }
    private mutating func loadTag(name: String, _ workspaceID: WorkspaceID) throws {
        registry.tags += try transaction.rows(
            RegistryStatements.tagByName, [.init(workspaceID), .text(asciiLowercased(name))]
        ).map { try Tag($0) }
    }

    private mutating func load(_ update: UpdateFolder) throws {
        try loadFolder(update.id, update.workspaceID)
        guard let folder = registry.folders.first else { return }
        try loadFolder(name: update.edit.applied(to: folder).name, update.workspaceID)
    }
    private mutating func loadFolder(_ id: FolderID, _ workspaceID: WorkspaceID) throws {
        registry.folders += try transaction.rows(
            RegistryStatements.folderByID, [.init(workspaceID), .init(id)]
        ).map { try Folder($0) }
    }
    private mutating func loadFolder(name: String, _ workspaceID: WorkspaceID) throws {
        registry.folders += try transaction.rows(
            RegistryStatements.folderByName, [.init(workspaceID), .text(name)]
        ).map { try Folder($0) }
    }

    // Domains, customers, workspaces.

    private mutating func load(_ update: UpdateDomain) throws {
        try loadDomains(update.slug, update.workspaceID)
        guard let domain = registry.domains[update.slug] else { return }
        let slug = update.edit.applied(to: domain).slug
        if isSame(slug, domain.slug) { return }
        try loadDomain(slug)
        try loadStrays(slug, update.workspaceID)
    }
    /// Links on a domain that nobody has yet: it was the server's default domain before.
    private mutating func loadStrays(_ slug: String, _ workspaceID: WorkspaceID) throws {
        let arguments: [SQLValue] = [.text(slug), .init(workspaceID)]
        let own = try transaction.rows(RegistryStatements.ownLinkOnDomain, arguments)
        let foreign = try transaction.rows(RegistryStatements.foreignLinkOnDomain, arguments)
        (registry.hasOwnStrays, registry.hasForeignStrays) = (!own.isEmpty, !foreign.isEmpty)
    }
    private mutating func loadDomains(_ slug: String, _ workspaceID: WorkspaceID) throws {
        try loadDomain(slug)
        registry.otherDomains = try transaction.rows(
            RegistryStatements.domainsOf, [.init(workspaceID)]
        ).map { try Domain($0) }.filter { !isSame($0.slug, slug) }
            .sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
    }
    private mutating func loadDomain(_ slug: String) throws {
        registry.domains[slug] = try transaction.domain(slug: slug)
    }

    private mutating func load(_ update: UpdateCustomer) throws {
        try loadCustomer(update.selector, update.workspaceID)
        guard let customer = registry.customers.first else { return }
        try loadNames(of: update.edit.applied(to: customer))
    }
    /// Whoever has a customer's ids.
    private mutating func loadNames(of customer: Customer) throws {
        try loadCustomer(.externalID(customer.externalID), customer.workspaceID)
        guard let stripeID = customer.stripeCustomerID else { return }
        registry.customers += try transaction.rows(
            RegistryStatements.customerByStripeID,
            [.init(customer.workspaceID), .text(stripeID)]
        ).map { try Customer($0) }
    }
    private mutating func loadCustomer(
        _ selector: CustomerSelector, _ workspaceID: WorkspaceID
    ) throws {
        if let customer = try transaction.customer(selector, of: workspaceID) {
            registry.customers.append(customer)
        }
    }

    private mutating func loadWorkspace(_ slug: String) throws {
        registry.workspaces[slug] = try transaction.workspace(slug: slug)
    }
}
