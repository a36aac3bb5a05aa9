/// Links: keys are unique, what belongs to another workspace is out of reach, the plan offers what
/// is used, and no destination leads back to the server.

func decide(_ command: CreateLink, _ registry: Registry) -> Decision {
    var link = command.link
    if let refusal = refusal(of: link, before: nil, command.defaultDomain, registry) {
        return .refused(refusal)
    }
    if let max = registry.plan?.linksPerMonth, registry.linksThisMonth >= max {
        return .refused(.linkLimitReached(max, registry.plan ?? .free))
    }
    switch tags(command.tags, registry) {
    case .failure(let error): return .refused(error.refusal)
    case .success(let tags): link.tags = tags ?? []
    }
    if registry.links[link.address] != nil {
        guard
            let spare = command.spareKeys.first(where: { key in
                registry.links[.address(domain: link.domain, key: foldedKey(key))] == nil
            })
        else { return .refused(.keyTaken) }
        link.key = spare
    }
    if let externalID = link.externalID,
        registry.links[.externalID(link.workspaceID, externalID)] != nil
    {
        return .refused(.externalIDTaken)
    }
    return Decision(outcome: .link(link), changes: [.insertLink(link)])
}

func decide(_ command: UpdateLink, _ registry: Registry) -> Decision {
    guard let link = registry.links[command.selector] else { return .refused(.linkNotFound) }
    guard link.workspaceID == command.workspaceID else {
        return .refused(.linkForeign(command.workspaceID))
    }
    return update(
        link, command.edit, command.tags, at: command.at, command.defaultDomain, registry)
}

func decide(_ command: UpsertLink, _ registry: Registry) -> Decision {
    let create = command.create
    guard let link = command.urls.lazy.compactMap({ registry.linksByURL[ExactText($0)] }).first
    else { return decide(create, registry) }
    return update(
        link, command.edit, create.tags, at: create.link.createdAt, create.defaultDomain, registry)
}

private func update(
    _ link: Link, _ edit: Edit<Link>, _ choice: TagChoice?, at: Timestamp,
    _ defaultDomain: String?, _ registry: Registry
) -> Decision {
    var edited = edit.applied(to: link)
    switch tags(choice, registry) {
    case .failure(let error): return .refused(error.refusal)
    case .success(let tags): edited.tags = tags ?? link.tags
    }
    if edited.hasSameSettings(as: link) { return Decision(outcome: .link(link), changes: []) }
    let isMoved = !isSame(edited.domain, link.domain) || !isSame(edited.key, link.key)
    if isMoved, [link.key, edited.key].contains(where: { isSame($0, Link.rootKey) }) {
        return .refused(.rootLinkStays)
    }
    if let refusal = refusal(of: edited, before: link, defaultDomain, registry) {
        return .refused(refusal)
    }
    if isMoved, let owner = registry.links[edited.address], owner.id != link.id {
        return .refused(.keyTaken)
    }
    if let externalID = edited.externalID,
        let owner = registry.links[.externalID(link.workspaceID, externalID)], owner.id != link.id
    {
        return .refused(.externalIDTaken)
    }
    edited.updatedAt = at
    return Decision(outcome: .link(edited), changes: [.updateLink(edited)])
}

func decide(_ command: DeleteLink, _ registry: Registry) -> Decision {
    guard let link = registry.links[command.selector] else { return .refused(.linkNotFound) }
    guard link.workspaceID == command.workspaceID else {
        return .refused(.linkForeign(command.workspaceID))
    }
    guard link.key != Link.rootKey else { return .refused(.rootLinkKept) }
    return Decision(outcome: .deleted(link.id), changes: [.deleteLink(link, at: command.at)])
}

/// Why a link can't be as it is asked for. What an edit leaves as it was is not held against it.
private func refusal(
    of link: Link, before old: Link?, _ defaultDomain: String?, _ registry: Registry
) -> Refusal? {
    if link.url.isEmpty, !isSame(link.key, Link.rootKey) { return .destinationMissing }
    if old.map({ isSame($0.domain, link.domain) }) != true {
        let owner = registry.domains[link.domain]?.workspaceID
        let isEverybodys = owner == nil && isSame(link.domain, defaultDomain)
        if owner != link.workspaceID, !isEverybodys { return .domainForeign }
        // There the server itself answers.
        if isEverybodys, isSame(link.key, Link.rootKey) { return .keyTaken }
    }
    if let plan = registry.plan, let feature = link.missingFeature(on: plan, comparedTo: old) {
        return .missingFeature(feature)
    }
    let isTestNew = link.testVariants != old?.testVariants || old?.trackConversion == true
    if link.testVariants != nil, !link.trackConversion, isTestNew { return .testNeedsConversions }
    if let end = link.testCompletedAt, let start = link.testStartedAt, end <= start {
        return .testEndsBeforeStart
    }
    let hasFolder = registry.folders.contains { $0.id == link.folderID }
    if link.folderID != nil, link.folderID != old?.folderID, !hasFolder {
        return .folderNotFound
    }
    let known = old?.targets ?? []
    let loop = link.targets.first { url in
        !known.contains { isSame($0, url) }
            && urlHost(url).map { registry.domains[normalizedHostname($0)] != nil } == true
    }
    return loop.map { .linkLoop($0) }
}

/// The tags that were chosen, each once; nil if there was no choice.
private func tags(
    _ choice: TagChoice?, _ registry: Registry
) -> Result<[Tag]?, RefusalError> {
    switch choice {
    case nil: return .success(nil)
    case .ids(let ids):
        let missing = ids.filter { id in !registry.tags.contains { $0.id == id } }
        guard missing.isEmpty else {
            return .failure(.init(.tagIDsNotFound(missing.map(\.text))))
        }
        return .success(distinct(ids.compactMap { id in registry.tags.first { $0.id == id } }))
    case .names(let names):
        let missing = names.filter { name in !registry.tags.contains { $0.isNamed(name) } }
        guard missing.isEmpty else { return .failure(.init(.tagNamesNotFound(missing))) }
        return .success(
            distinct(names.compactMap { name in registry.tags.first { $0.isNamed(name) } }))
    }
}

private func distinct(_ tags: [Tag]) -> [Tag] {
    var seen: Set<TagID> = []
    return tags.filter { seen.insert($0.id).inserted }
}
