import Attribution

extension WorkspaceNames {
    /// Whatever the commands may change.
    init(_ commands: [Command]) {
        self.init()
        for command in commands {
            // They are rare, and about names that all workspaces share.
            if command.standsAlone { registry = true }
            note(command)
        }
    }

    /// Whether whatever the command may change is among them.
    func cover(_ command: Command) -> Bool {
        let needed = WorkspaceNames([command])
        return (registry || !needed.registry) && ids.isSuperset(of: needed.ids)
            && slugs.isSuperset(of: needed.slugs) && linkIDs.isSuperset(of: needed.linkIDs)
    }

    private mutating func note(_ command: Command) {
        switch command {
        case .recordClick(let click): linkIDs.insert(click.linkID.text)
        case .proveWritable: registry = true
        case .updateWorkspace(let update): slugs.insert(update.slug)
        // Nobody else knows it yet.
        case .createWorkspace: break
        default:
            if let id = command.workspaceID { ids.insert(id.text) }
        }
    }
}

extension Command {
    /// The workspace whose records it is about; nil if it says so by another name.
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
