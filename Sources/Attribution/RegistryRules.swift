/// Links, domains, workspaces and tokens: names and keys are unique, and what belongs to another
/// workspace is out of reach.

package let tokensPerWorkspaceMax = 100

func decide(_ command: CreateLink, _ registry: Registry) -> Decision {
    var link = command.link
    if let refusal = domainRefusal(link.domain, link.workspaceID, registry) {
        return .refused(refusal)
    }
    if isTaken(link, registry) {
        guard
            let spare = command.spareKeys.first(where: { key in
                var candidate = link
                candidate.key = key
                return !isTaken(candidate, registry)
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

private func isTaken(_ link: Link, _ registry: Registry) -> Bool {
    registry.links[.address(domain: link.domain, key: link.key)] != nil
}

/// A domain that some workspace has is for its links only; any other host is the server's own.
private func domainRefusal(
    _ slug: String, _ workspaceID: WorkspaceID, _ registry: Registry
) -> Refusal? {
    guard let domain = registry.domains[slug] else { return nil }
    return domain.workspaceID == workspaceID ? nil : .domainForeign
}

func decide(_ command: UpdateLink, _ registry: Registry) -> Decision {
    guard let link = registry.links[command.selector] else { return .refused(.linkNotFound) }
    guard link.workspaceID == command.workspaceID else {
        return .refused(.linkForeign(command.workspaceID))
    }
    var edited = command.edit.applied(to: link)
    if edited.hasSameSettings(as: link) { return Decision(outcome: .link(link), changes: []) }
    let isMoved = !isSame(edited.domain, link.domain)
    if isMoved, let refusal = domainRefusal(edited.domain, link.workspaceID, registry) {
        return .refused(refusal)
    }
    if isMoved || !isSame(edited.key, link.key), isTaken(edited, registry) {
        return .refused(.keyTaken)
    }
    if let externalID = edited.externalID,
        let owner = registry.links[.externalID(link.workspaceID, externalID)], owner.id != link.id
    {
        return .refused(.externalIDTaken)
    }
    edited.updatedAt = command.at
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

/// The first domain of a workspace becomes its primary one.
func decide(_ command: CreateDomain, _ registry: Registry) -> Decision {
    guard registry.domains[command.domain.slug] == nil else { return .refused(.domainTaken) }
    var domain = command.domain
    domain.isPrimary = !registry.workspacesWithDomain.contains(domain.workspaceID)
    return Decision(
        outcome: .domain(domain), changes: [.insertDomain(domain), .insertLink(command.rootLink)])
}

func decide(_ command: CreateWorkspace, _ registry: Registry) -> Decision {
    let workspace = command.workspace
    guard registry.workspaces[workspace.slug] == nil else {
        return .refused(.slugTaken(workspace.slug))
    }
    return Decision(outcome: .workspace(workspace), changes: [.insertWorkspace(workspace)])
}

func decide(_ command: UpdateWorkspace, _ registry: Registry) -> Decision {
    guard var workspace = registry.workspaces[command.slug] else {
        return .refused(.workspaceNotFound(command.slug))
    }
    workspace.name = command.name ?? workspace.name
    workspace.plan = command.plan ?? workspace.plan
    workspace.allowedHostnames = command.allowedHostnames ?? workspace.allowedHostnames
    workspace.conflictPolicy = command.conflictPolicy ?? workspace.conflictPolicy
    workspace.publishableKey = command.publishableKey ?? workspace.publishableKey
    return Decision(outcome: .workspace(workspace), changes: [.updateWorkspace(workspace)])
}

func decide(_ command: CreateToken, _ registry: Registry) -> Decision {
    let token = command.token
    guard (registry.tokenCounts[token.workspaceID] ?? 0) < tokensPerWorkspaceMax else {
        return .refused(.tokenLimitReached(tokensPerWorkspaceMax))
    }
    return Decision(outcome: .token(token), changes: [.insertToken(token)])
}

func decide(_ command: RevokeToken, _ registry: Registry) -> Decision {
    guard var token = registry.tokens[command.id], token.workspaceID == command.workspaceID else {
        return .refused(.tokenNotFound(command.id.text))
    }
    if token.revokedAt != nil { return Decision(outcome: .token(token), changes: []) }
    token.revokedAt = command.at
    return Decision(outcome: .token(token), changes: [.revokeToken(token)])
}

extension Registry {
    mutating func absorb(_ change: Change) {
        switch change {
        case .insertLink(let link): put(link)
        case .updateLink(let link):
            remove(link.id)
            put(link)
        case .deleteLink(let link, _): remove(link.id)
        case .insertDomain(let domain):
            domains[domain.slug] = domain
            workspacesWithDomain.insert(domain.workspaceID)
        case .insertWorkspace(let workspace), .updateWorkspace(let workspace):
            workspaces[workspace.slug] = workspace
        case .insertToken(let token):
            tokens[token.id] = token
            tokenCounts[token.workspaceID, default: 0] += 1
        case .revokeToken(let token):
            tokens[token.id] = token
            tokenCounts[token.workspaceID, default: 1] -= 1
        default: break
        }
    }

    private mutating func put(_ link: Link) {
        links[.id(link.id)] = link
        links[.address(domain: link.domain, key: link.key)] = link
        if let externalID = link.externalID {
            links[.externalID(link.workspaceID, externalID)] = link
        }
    }

    private mutating func remove(_ id: LinkID) {
        links = links.filter { $0.value.id != id }
    }
}
