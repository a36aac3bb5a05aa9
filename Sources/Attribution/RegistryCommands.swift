/// What can be asked of domains, tags, folders, customers' records, workspaces and tokens.

package struct CreateDomain: Sendable {
    package var domain: Domain
    /// The link of the domain's own root, without a destination at first.
    package var rootLink: Link
    package init(domain: Domain, rootLink: Link) {
        (self.domain, self.rootLink) = (domain, rootLink)
    }
}

package struct UpdateDomain: Sendable {
    package var slug: String
    package var workspaceID: WorkspaceID
    package var edit: Edit<Domain>
    package var at: Timestamp
    package init(slug: String, workspaceID: WorkspaceID, edit: Edit<Domain>, at: Timestamp) {
        (self.slug, self.workspaceID, self.edit, self.at) = (slug, workspaceID, edit, at)
    }
}

/// The domain's links go with it.
package struct DeleteDomain: Sendable {
    package var slug: String
    package var workspaceID: WorkspaceID
    package var at: Timestamp
    package init(slug: String, workspaceID: WorkspaceID, at: Timestamp) {
        (self.slug, self.workspaceID, self.at) = (slug, workspaceID, at)
    }
}

package struct CreateTag: Sendable {
    package var tag: Tag
    package init(tag: Tag) { self.tag = tag }
}

package struct UpdateTag: Sendable {
    package var id: TagID
    package var workspaceID: WorkspaceID
    package var edit: Edit<Tag>
    package init(id: TagID, workspaceID: WorkspaceID, edit: Edit<Tag>) {
        (self.id, self.workspaceID, self.edit) = (id, workspaceID, edit)
    }
}

package struct DeleteTag: Sendable {
    package var id: TagID
    package var workspaceID: WorkspaceID
    package init(id: TagID, workspaceID: WorkspaceID) {
        (self.id, self.workspaceID) = (id, workspaceID)
    }
}

package struct CreateFolder: Sendable {
    package var folder: Folder
    package init(folder: Folder) { self.folder = folder }
}

package struct UpdateFolder: Sendable {
    package var id: FolderID
    package var workspaceID: WorkspaceID
    package var edit: Edit<Folder>
    package var at: Timestamp
    package init(id: FolderID, workspaceID: WorkspaceID, edit: Edit<Folder>, at: Timestamp) {
        (self.id, self.workspaceID, self.edit, self.at) = (id, workspaceID, edit, at)
    }
}

/// Its links stay, in no folder.
package struct DeleteFolder: Sendable {
    package var id: FolderID
    package var workspaceID: WorkspaceID
    package init(id: FolderID, workspaceID: WorkspaceID) {
        (self.id, self.workspaceID) = (id, workspaceID)
    }
}

package enum CustomerSelector: Sendable {
    case id(CustomerID)
    case externalID(String)
}

/// A customer who is told of before anything happened.
package struct CreateCustomer: Sendable {
    package var customer: Customer
    package init(customer: Customer) { self.customer = customer }
}

package struct UpdateCustomer: Sendable {
    package var selector: CustomerSelector
    package var workspaceID: WorkspaceID
    package var edit: Edit<Customer>
    package init(
        selector: CustomerSelector, workspaceID: WorkspaceID, edit: Edit<Customer>
    ) {
        (self.selector, self.workspaceID, self.edit) = (selector, workspaceID, edit)
    }
}

/// What is known about the person goes; the events and totals stay.
package struct DeleteCustomer: Sendable {
    package var selector: CustomerSelector
    package var workspaceID: WorkspaceID
    package var at: Timestamp
    package init(selector: CustomerSelector, workspaceID: WorkspaceID, at: Timestamp) {
        (self.selector, self.workspaceID, self.at) = (selector, workspaceID, at)
    }
}

package struct CreateWorkspace: Sendable {
    package var workspace: Workspace
    package init(workspace: Workspace) { self.workspace = workspace }
}

/// New values for some of a workspace's settings, found by its slug.
package struct UpdateWorkspace: Sendable {
    package var slug: String
    package var name: String?
    package var plan: Plan?
    package var allowedHostnames: [String]?
    package var conflictPolicy: ConflictPolicy?
    package var publishableKey: String?
    package init(slug: String) { self.slug = slug }
}

package struct CreateToken: Sendable {
    package var token: Token
    package init(token: Token) { self.token = token }
}

package struct RevokeToken: Sendable {
    package var workspaceID: WorkspaceID
    package var id: TokenID
    package var at: Timestamp
    package init(workspaceID: WorkspaceID, id: TokenID, at: Timestamp) {
        (self.workspaceID, self.id, self.at) = (workspaceID, id, at)
    }
}
