/// Domains, tags, folders and the records of customers: names are unique.

/// The first domain of a workspace becomes its primary one.
func decide(_ command: CreateDomain, _ registry: Registry) -> Decision {
    // Links of others would be followed, and deleted, with the domain.
    guard registry.domains[command.domain.slug] == nil, !registry.hasForeignStrays else {
        return .refused(.domainTaken)
    }
    var domain = command.domain
    domain.isPrimary = registry.otherDomains.isEmpty
    let root = command.rootLink
    return Decision(
        outcome: .domain(domain),
        changes: [.insertDomain(domain)]
            + (registry.links[root.address] == nil ? [.insertLink(root)] : []))
}

func decide(_ command: UpdateDomain, _ registry: Registry) -> Decision {
    guard let domain = registry.domains[command.slug], domain.workspaceID == command.workspaceID
    else { return .refused(.domainNotFound(command.slug)) }
    var edited = command.edit.applied(to: domain)
    // There is always one primary domain: another takes its place, it is not taken away.
    edited.isPrimary = edited.isPrimary || domain.isPrimary
    if isUnchanged(edited, from: domain) { return Decision(outcome: .domain(domain), changes: []) }
    if !isSame(edited.slug, domain.slug) {
        let isTaken = registry.domains[edited.slug] != nil
        if isTaken || registry.hasOwnStrays || registry.hasForeignStrays {
            return .refused(.domainTaken)
        }
    }
    edited.updatedAt = command.at
    var changes: [Change] = [.updateDomain(edited, slug: domain.slug)]
    if edited.isPrimary, !domain.isPrimary {
        changes =
            registry.otherDomains.filter(\.isPrimary).map { old in
                var old = old
                old.isPrimary = false
                return .updateDomain(old, slug: old.slug)
            } + changes
    }
    return Decision(outcome: .domain(edited), changes: changes)
}

/// The oldest of the others takes the place of a primary domain.
func decide(_ command: DeleteDomain, _ registry: Registry) -> Decision {
    guard let domain = registry.domains[command.slug], domain.workspaceID == command.workspaceID
    else { return .refused(.domainNotFound(command.slug)) }
    var changes: [Change] = [.deleteDomain(domain, at: command.at)]
    if domain.isPrimary, var heir = registry.otherDomains.first {
        heir.isPrimary = true
        changes.append(.updateDomain(heir, slug: heir.slug))
    }
    return Decision(outcome: .done, changes: changes)
}

func decide(_ command: CreateTag, _ registry: Registry) -> Decision {
    let tag = command.tag
    guard !registry.tags.contains(where: { $0.isNamed(tag.name) }) else {
        return .refused(.tagNameTaken)
    }
    return Decision(outcome: .tag(tag), changes: [.insertTag(tag)])
}

func decide(_ command: UpdateTag, _ registry: Registry) -> Decision {
    guard let tag = registry.tags.first(where: { $0.id == command.id }) else {
        return .refused(.tagNotFound)
    }
    let edited = command.edit.applied(to: tag)
    if registry.tags.contains(where: { $0.id != tag.id && $0.isNamed(edited.name) }) {
        return .refused(.tagNameTaken)
    }
    return Decision(
        outcome: .tag(edited), changes: isUnchanged(edited, from: tag) ? [] : [.updateTag(edited)])
}

func decide(_ command: DeleteTag, _ registry: Registry) -> Decision {
    guard registry.tags.contains(where: { $0.id == command.id }) else {
        return .refused(.tagNotFound)
    }
    return Decision(outcome: .done, changes: [.deleteTag(command.id)])
}

func decide(_ command: CreateFolder, _ registry: Registry) -> Decision {
    let folder = command.folder
    guard !registry.folders.contains(where: { isSame($0.name, folder.name) }) else {
        return .refused(.folderNameTaken(folder.name))
    }
    return Decision(outcome: .folder(folder), changes: [.insertFolder(folder)])
}

func decide(_ command: UpdateFolder, _ registry: Registry) -> Decision {
    guard let folder = registry.folders.first(where: { $0.id == command.id }) else {
        return .refused(.folderNotFound)
    }
    var edited = command.edit.applied(to: folder)
    if registry.folders.contains(where: { $0.id != folder.id && isSame($0.name, edited.name) }) {
        return .refused(.folderNameTaken(edited.name))
    }
    if isUnchanged(edited, from: folder) { return Decision(outcome: .folder(folder), changes: []) }
    edited.updatedAt = command.at
    return Decision(outcome: .folder(edited), changes: [.updateFolder(edited)])
}

func decide(_ command: DeleteFolder, _ registry: Registry) -> Decision {
    guard registry.folders.contains(where: { $0.id == command.id }) else {
        return .refused(.folderNotFound)
    }
    return Decision(outcome: .done, changes: [.deleteFolder(command.id)])
}

func decide(_ command: CreateCustomer, _ registry: Registry) -> Decision {
    let customer = command.customer
    if let refusal = registry.refusal(of: customer) { return .refused(refusal) }
    return Decision(
        outcome: .customer(customer, isCreated: true), changes: [.insertCustomer(customer)])
}

func decide(_ command: UpdateCustomer, _ registry: Registry) -> Decision {
    guard let customer = registry.customer(command.selector) else {
        return .refused(.customerNotFound)
    }
    let edited = command.edit.applied(to: customer)
    if let refusal = registry.refusal(of: edited) { return .refused(refusal) }
    var changes: [Change] = isUnchanged(edited, from: customer) ? [] : [.updateCustomer(edited)]
    if !isSame(edited.externalID, customer.externalID) {
        changes.append(.renameRejections(customer.key, edited.externalID))
    }
    return Decision(outcome: .customer(edited, isCreated: false), changes: changes)
}

/// The row stays for the events that refer to it; who it was is forgotten, and a later event of the
/// same external id is that of a new customer.
func decide(_ command: DeleteCustomer, _ registry: Registry) -> Decision {
    guard var customer = registry.customer(command.selector) else {
        return .refused(.customerNotFound)
    }
    let outcome = Outcome.customer(customer, isCreated: false)
    let key = customer.key
    customer.externalID = customer.forgottenExternalID
    (customer.name, customer.email, customer.avatar) = (nil, nil, nil)
    (customer.country, customer.stripeCustomerID) = (nil, nil)
    customer.deletedAt = command.at
    return Decision(
        outcome: outcome, changes: [.updateCustomer(customer), .forgetRejections(key)])
}

extension Registry {
    /// Whether another customer has one of this one's ids.
    fileprivate func refusal(of customer: Customer) -> Refusal? {
        let others = customers.filter { $0.id != customer.id }
        if others.contains(where: { isSame($0.externalID, customer.externalID) }) {
            return .customerExists
        }
        guard let stripeID = customer.stripeCustomerID,
            others.contains(where: { isSame($0.stripeCustomerID, stripeID) })
        else { return nil }
        return .stripeCustomerTaken
    }

    fileprivate func customer(_ selector: CustomerSelector) -> Customer? {
        customers.first { customer in
            switch selector {
            case .id(let id): customer.id == id
            case .externalID(let externalID): isSame(customer.externalID, externalID)
            }
        }
    }
}

/// Whether an edit has left a record as it was, to the byte: `==` of texts would not see another
/// spelling of the same letters, and the edit would be acknowledged and lost.
private func isUnchanged<Record: Equatable>(_ edited: Record, from record: Record) -> Bool {
    edited == record && isSame(String(describing: edited), String(describing: record))
}
