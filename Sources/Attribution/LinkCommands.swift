/// What can be asked of links.

package struct CreateLink: Sendable {
    package var link: Link
    /// Whether a key that is taken may be replaced by one of `spareKeys`: true for random keys.
    package var spareKeys: [String]
    package var tags: TagChoice?
    /// The server's own domain, on which every workspace may have links.
    package var defaultDomain: String?
    package init(
        link: Link, spareKeys: [String] = [], tags: TagChoice? = nil, defaultDomain: String? = nil
    ) {
        (self.link, self.spareKeys, self.tags) = (link, spareKeys, tags)
        self.defaultDomain = defaultDomain
    }
}

/// The tags that a request gives a link; those it had before go.
package enum TagChoice: Sendable {
    case ids([TagID])
    case names([String])
}

/// New values for some of a record's fields; everything else stays.
package struct Edit<Record>: Sendable {
    private var steps: [@Sendable (inout Record) -> Void] = []
    package init() {}

    package mutating func set<Value: Sendable>(
        _ path: any WritableKeyPath<Record, Value> & Sendable, _ value: Value
    ) {
        steps.append { $0[keyPath: path] = value }
    }
    package mutating func add(_ step: @escaping @Sendable (inout Record) -> Void) {
        steps.append(step)
    }

    package func applied(to record: Record) -> Record {
        var record = record
        for step in steps { step(&record) }
        return record
    }
}

package struct UpdateLink: Sendable {
    package var selector: LinkSelector
    package var workspaceID: WorkspaceID
    package var edit: Edit<Link>
    package var tags: TagChoice?
    package var at: Timestamp
    /// As in `CreateLink`.
    package var defaultDomain: String?
    package init(
        selector: LinkSelector, workspaceID: WorkspaceID, edit: Edit<Link>,
        tags: TagChoice? = nil, at: Timestamp, defaultDomain: String? = nil
    ) {
        (self.selector, self.workspaceID, self.edit) = (selector, workspaceID, edit)
        (self.tags, self.at, self.defaultDomain) = (tags, at, defaultDomain)
    }
}

/// Changes the workspace's oldest link with one of these destinations, or makes a new one.
package struct UpsertLink: Sendable {
    /// Looked for in this order.
    package var urls: [String]
    package var create: CreateLink
    package var edit: Edit<Link>
    package init(urls: [String], create: CreateLink, edit: Edit<Link>) {
        (self.urls, self.create, self.edit) = (urls, create, edit)
    }
}

package enum LinkSelector: Hashable, Sendable {
    case id(LinkID)
    case externalID(WorkspaceID, String)
    case address(domain: String, key: String)

    package static func == (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.id(let a), .id(let b)): a == b
        case (.externalID(let a, let aText), .externalID(let b, let bText)):
            a == b && isSame(aText, bText)
        case (.address(let aDomain, let aKey), .address(let bDomain, let bKey)):
            isSame(aDomain, bDomain) && isSame(aKey, bKey)
        default: false
        }
    }
}

package struct DeleteLink: Sendable {
    package var selector: LinkSelector
    package var workspaceID: WorkspaceID
    package var at: Timestamp
    package init(selector: LinkSelector, workspaceID: WorkspaceID, at: Timestamp) {
        (self.selector, self.workspaceID, self.at) = (selector, workspaceID, at)
    }
}
