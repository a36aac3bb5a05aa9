/// What a subscription to the hosted product would allow; an operator sets it per workspace.
package enum Plan: String, Sendable, CaseIterable {
    case free, pro, business
    case businessPlus = "business plus"
    case businessMax = "business max"
    case businessExtra = "business extra"
    case advanced, enterprise

    /// As people write it.
    package var title: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }

    /// Conversion endpoints, customers and events need business or higher.
    package var includesConversions: Bool { self != .free && self != .pro }

    /// Links that a workspace may make in a calendar month (UTC); nil: any number.
    package var linksPerMonth: Int? {
        switch self {
        case .free: 25
        case .pro: 1_000
        case .business, .businessPlus, .businessMax, .businessExtra: 10_000
        case .advanced: 50_000
        case .enterprise: nil
        }
    }

    /// Whether what `other` offers is offered by this plan too.
    package func includes(_ other: Plan) -> Bool {
        switch other {
        case .free: true
        case .pro: self != .free
        default: includesConversions
        }
    }

    /// Requests a token may make in a minute.
    package var requestsPerMinute: Int {
        switch self {
        case .free: 60
        case .pro: 600
        case .business, .businessPlus, .businessMax, .businessExtra: 1_200
        case .advanced, .enterprise: 3_000
        }
    }

    /// Requests a token may make in a second on paths of `/events` and `/analytics`.
    package var queriesPerSecond: Int {
        switch self {
        case .free: 0
        case .pro: 2
        case .business, .businessPlus, .businessMax, .businessExtra: 4
        case .advanced: 8
        case .enterprise: 16
        }
    }
}

/// What happens when an invoice comes again with another customer, amount, currency or event name.
package enum ConflictPolicy: String, Sendable, CaseIterable {
    /// The first answer stands and a header names the fields that differ.
    case replay
    /// 409 `conflict`.
    case refuse
}

/// A tenant: its links, customers and events are seen by its own tokens only.
package struct Workspace: Equatable, Sendable {
    package var id: WorkspaceID
    package var slug: String
    package var name: String
    package var plan: Plan
    package var createdAt: Timestamp
    /// Hostnames from which a browser may track; empty allows all. `*.example.com` stands for
    /// every sub-domain.
    package var allowedHostnames: [String] = []
    /// `dub_pk_…`, for the two client endpoints only. Not a secret: browsers carry it.
    package var publishableKey: String?
    package var conflictPolicy: ConflictPolicy = .replay

    package init(id: WorkspaceID, slug: String, name: String, plan: Plan, createdAt: Timestamp) {
        (self.id, self.slug, self.name) = (id, slug, name)
        (self.plan, self.createdAt) = (plan, createdAt)
    }
}

/// An API key. Only the SHA-256 digest of its text is kept.
package struct Token: Equatable, Sendable {
    package var id: TokenID
    package var workspaceID: WorkspaceID
    package var name: String
    /// SHA-256 of the key, lower-case hex.
    package var digest: String
    package var scopes: [Scope]
    package var createdAt: Timestamp
    package var expiresAt: Timestamp?
    package var revokedAt: Timestamp?

    package init(
        id: TokenID, workspaceID: WorkspaceID, name: String, digest: String, scopes: [Scope],
        createdAt: Timestamp, expiresAt: Timestamp? = nil, revokedAt: Timestamp? = nil
    ) {
        (self.id, self.workspaceID, self.name, self.digest) = (id, workspaceID, name, digest)
        (self.scopes, self.createdAt) = (scopes, createdAt)
        (self.expiresAt, self.revokedAt) = (expiresAt, revokedAt)
    }
}

/// What a token may do. `apis.all` covers every resource but webhooks; `.write` implies `.read`.
package enum Scope: String, Sendable, CaseIterable {
    case apisAll = "apis.all"
    case apisRead = "apis.read"
    case linksRead = "links.read"
    case linksWrite = "links.write"
    case tagsRead = "tags.read"
    case tagsWrite = "tags.write"
    case foldersRead = "folders.read"
    case foldersWrite = "folders.write"
    case domainsRead = "domains.read"
    case domainsWrite = "domains.write"
    case workspacesRead = "workspaces.read"
    case workspacesWrite = "workspaces.write"
    case groupsRead = "groups.read"
    case groupsWrite = "groups.write"
    case webhooksRead = "webhooks.read"
    case webhooksWrite = "webhooks.write"
    case analyticsRead = "analytics.read"

    /// Whether a token that has this scope may do what `needed` stands for.
    package func covers(_ needed: Scope) -> Bool {
        if self == needed { return true }
        let webhook = needed == .webhooksRead || needed == .webhooksWrite
        switch self {
        case .apisAll: return !webhook
        case .apisRead: return !webhook && needed.rawValue.hasSuffix(".read")
        default:
            guard rawValue.hasSuffix(".write"), needed.rawValue.hasSuffix(".read") else {
                return false
            }
            return rawValue.dropLast(".write".count) == needed.rawValue.dropLast(".read".count)
        }
    }
}

/// A host whose paths are the keys of a workspace's links.
package struct Domain: Equatable, Sendable {
    package var id: DomainID
    package var workspaceID: WorkspaceID
    package var slug: String
    package var isPrimary: Bool = false
    package var isArchived: Bool = false
    package var placeholder: String?
    package var expiredURL: String?
    package var notFoundURL: String?
    package var logo: String?
    /// JSON texts, served under `/.well-known/` for apps that open the domain's links.
    package var assetLinks: String?
    package var appleAppSiteAssociation: String?
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    package init(id: DomainID, workspaceID: WorkspaceID, slug: String, createdAt: Timestamp) {
        (self.id, self.workspaceID, self.slug) = (id, workspaceID, slug)
        (self.createdAt, self.updatedAt) = (createdAt, createdAt)
    }
}

/// A word that links are grouped by; a link may have several.
package struct Tag: Equatable, Sendable {
    package var id: TagID
    package var workspaceID: WorkspaceID
    package var name: String
    package var color: TagColor
    package var createdAt: Timestamp

    package init(
        id: TagID, workspaceID: WorkspaceID, name: String, color: TagColor, createdAt: Timestamp
    ) {
        (self.id, self.workspaceID, self.name) = (id, workspaceID, name)
        (self.color, self.createdAt) = (color, createdAt)
    }
}

extension Tag {
    /// Case does not matter where tags are named.
    func isNamed(_ text: String) -> Bool { isSame(name.lowercased(), text.lowercased()) }
}

package enum TagColor: String, Sendable, CaseIterable {
    case red, yellow, green, blue, purple, brown, gray, pink
}

/// A place for links; a link is in one at most.
package struct Folder: Equatable, Sendable {
    package var id: FolderID
    package var workspaceID: WorkspaceID
    package var name: String
    package var description: String?
    package var accessLevel: AccessLevel? = .write
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    /// What members who are not the folder's own may do with its links.
    package enum AccessLevel: String, Sendable, CaseIterable { case write, read }

    package init(id: FolderID, workspaceID: WorkspaceID, name: String, createdAt: Timestamp) {
        (self.id, self.workspaceID, self.name) = (id, workspaceID, name)
        (self.createdAt, self.updatedAt) = (createdAt, createdAt)
    }
}
