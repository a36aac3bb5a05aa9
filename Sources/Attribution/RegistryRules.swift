/// Workspaces and tokens: names are unique, and tokens are few enough to be looked over.

package let tokensPerWorkspaceMax = 100

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
