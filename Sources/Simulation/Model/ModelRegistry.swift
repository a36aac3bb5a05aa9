import Attribution

extension Model {
    mutating func createWorkspace(_ command: CreateWorkspace) -> Verdict {
        let made = command.workspace
        if workspaces.rows.contains(where: { isSame($0.slug, made.slug) }) {
            return .barred("slugTaken")
        }
        workspaces[made.id] = made
        return .did("workspace \(made.id)")
    }

    mutating func updateWorkspace(_ command: UpdateWorkspace) -> Verdict {
        let found = workspaces.rows.first { isSame($0.slug, command.slug) }
        guard var workspace = found else { return .barred("workspaceNotFound") }
        workspace.name = command.name ?? workspace.name
        workspace.plan = command.plan ?? workspace.plan
        workspace.allowedHostnames = command.allowedHostnames ?? workspace.allowedHostnames
        workspace.conflictPolicy = command.conflictPolicy ?? workspace.conflictPolicy
        workspace.publishableKey = command.publishableKey ?? workspace.publishableKey
        workspaces[workspace.id] = workspace
        return .did("workspace \(workspace.id)")
    }

    /// A domain belongs to one workspace and has a root link from the start (contract 4.5).
    mutating func createDomain(_ command: CreateDomain) -> Verdict {
        var made = command.domain
        if domains.contains(where: { isSame($0.slug, made.slug) }) {
            return .barred("domainTaken")
        }
        made.isPrimary = !domains.contains { $0.workspaceID == made.workspaceID }
        domains.append(made)
        links[command.rootLink.id] = LinkRow(link: command.rootLink)
        return .did("domain \(made.slug)")
    }

    /// A hundred that still open the door; revoked and expired ones do not.
    mutating func createToken(_ command: CreateToken) -> Verdict {
        let made = command.token
        let live = tokens.rows.count { token in
            let isExpired = token.expiresAt.map { $0 <= made.createdAt } ?? false
            return token.workspaceID == made.workspaceID && token.revokedAt == nil && !isExpired
        }
        if live >= 100 { return .barred("tokenLimitReached") }
        tokens[made.id] = made
        return .did("token \(made.id)")
    }

    /// Whoever revokes a token twice has what was asked for, at the time of the first.
    mutating func revokeToken(_ command: RevokeToken) -> Verdict {
        guard var token = tokens[command.id], token.workspaceID == command.workspaceID else {
            return .barred("tokenNotFound")
        }
        token.revokedAt = token.revokedAt ?? command.at
        tokens[token.id] = token
        return .did("token \(token.id)")
    }
}
