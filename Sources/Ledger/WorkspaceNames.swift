import Attribution

extension WorkspaceNames {
    /// Whatever the commands may change.
    package init(_ commands: some Sequence<Command>) {
        self.init()
        for command in commands {
            if command.needsRegistry { registry = true }
            switch command.owner {
            case .workspace(let id): ids.insert(id.text)
            case .slug(let slug): slugs.insert(slug)
            case .link(let id): linkIDs.insert(id.text)
            case nil: break
            }
        }
    }

    /// Whether whatever the command may change is among them.
    package func cover(_ command: Command) -> Bool {
        guard registry || !command.needsRegistry else { return false }
        return switch command.owner {
        case .workspace(let id): ids.contains(id.text)
        case .slug(let slug): slugs.contains(slug)
        case .link(let id): linkIDs.contains(id.text)
        case nil: true
        }
    }
}

extension Command {
    /// How a command says which workspace it is about.
    fileprivate enum Owner {
        case workspace(WorkspaceID)
        case slug(String)
        case link(LinkID)
    }

    /// Those that stand alone are rare, and about names that all workspaces share.
    fileprivate var needsRegistry: Bool {
        if case .proveWritable = self { true } else { standsAlone }
    }

    /// nil: it is about none that somebody else knows yet.
    fileprivate var owner: Owner? {
        switch self {
        case .recordClick(let click): .link(click.linkID)
        case .updateWorkspace(let update): .slug(update.slug)
        default: workspaceID.map(Owner.workspace)
        }
    }

    /// nil if it says so by another name.
    fileprivate var workspaceID: WorkspaceID? {
        switch self {
        case .recordLead(let lead): lead.customer.workspaceID
        case .recordSale(let sale): sale.customer.workspaceID
        case .addCustomer(let customer): customer.key.workspaceID
        case .recordRejection(let record): record.rejection.workspaceID
        case .discardRejections(let discard): discard.workspaceID
        case .createCustomer(let create): create.customer.workspaceID
        case .updateCustomer(let update): update.workspaceID
        case .deleteCustomer(let delete): delete.workspaceID
        case .createLink(let create): create.link.workspaceID
        case .updateLink(let update): update.workspaceID
        case .upsertLink(let upsert): upsert.create.link.workspaceID
        case .deleteLink(let delete): delete.workspaceID
        case .createTag(let create): create.tag.workspaceID
        case .updateTag(let update): update.workspaceID
        case .deleteTag(let delete): delete.workspaceID
        case .createFolder(let create): create.folder.workspaceID
        case .updateFolder(let update): update.workspaceID
        case .deleteFolder(let delete): delete.workspaceID
        case .createDomain(let create): create.domain.workspaceID
        case .updateDomain(let update): update.workspaceID
        case .deleteDomain(let delete): delete.workspaceID
        case .createToken(let create): create.token.workspaceID
        case .revokeToken(let revoke): revoke.workspaceID
        case .recordClick, .proveWritable, .updateWorkspace, .createWorkspace: nil
        }
    }
}
