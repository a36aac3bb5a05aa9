import Attribution

extension Model {
    mutating func createLink(_ command: CreateLink) -> Verdict {
        var link = command.link
        if let refused = destinationRefusal(link, command.defaultDomain) { return refused }
        guard isDomainUsable(link, command.defaultDomain) else { return .barred("domainForeign") }
        let keys = [link.key] + command.spareKeys
        guard let key = keys.first(where: { !isKeyTaken($0, link) }) else {
            return .barred("keyTaken")
        }
        link.key = key
        if isExternalIDTaken(link) { return .barred("externalIDTaken") }
        if let refused = planRefusal(link) { return refused }
        links[link.id] = LinkRow(link: link)
        return .did("link \(link.id) \(link.key)")
    }

    mutating func updateLink(_ command: UpdateLink) -> Verdict {
        guard let before = selected(command.selector) else { return .barred("linkNotFound") }
        guard before.link.workspaceID == command.workspaceID else { return .barred("linkForeign") }
        let link = command.edit.applied(to: before.link)
        let isMoved = !isSame(link.domain, before.link.domain)
        let isRenamed = !isSame(link.key, before.link.key)
        if !isSame(link.url, before.link.url),
            let refused = destinationRefusal(link, command.defaultDomain)
        {
            return refused
        }
        if before.isRoot, isMoved || isRenamed { return .barred("rootLinkStays") }
        if isMoved, !isDomainUsable(link, command.defaultDomain) {
            return .barred("domainForeign")
        }
        if isMoved || isRenamed, isKeyTaken(link.key, link) { return .barred("keyTaken") }
        if !isSame(link.externalID, before.link.externalID), isExternalIDTaken(link) {
            return .barred("externalIDTaken")
        }
        if link.trackConversion, !before.link.trackConversion, !includesConversions(link) {
            return .barred("missingFeature")
        }
        links[link.id] = LinkRow(link: link)
        return .did("link \(link.id) \(link.key)")
    }

    mutating func deleteLink(_ command: DeleteLink) -> Verdict {
        guard var row = selected(command.selector) else { return .barred("linkNotFound") }
        guard row.link.workspaceID == command.workspaceID else { return .barred("linkForeign") }
        if row.isRoot { return .barred("rootLinkKept") }
        row.isDeleted = true
        links[row.link.id] = row
        return .did("deleted \(row.link.id)")
    }

    private func selected(_ selector: LinkSelector) -> LinkRow? {
        switch selector {
        case .id(let id):
            return links[id].flatMap { $0.isDeleted ? nil : $0 }
        case .externalID(let workspace, let text):
            return links.rows.first {
                !$0.isDeleted && $0.link.workspaceID == workspace
                    && isSame($0.link.externalID, text)
            }
        case .address(let domain, let key):
            return links.rows.first { isAt(domain, key, $0) }
        }
    }

    /// Case does not matter in keys (links.md).
    private func isAt(_ domain: String, _ key: String, _ row: LinkRow) -> Bool {
        !row.isDeleted && isSame(row.link.domain, domain)
            && isSame(foldedKey(row.link.key), foldedKey(key))
    }

    private func isKeyTaken(_ key: String, _ link: Link) -> Bool {
        links.rows.contains { $0.link.id != link.id && isAt(link.domain, key, $0) }
    }

    private func isExternalIDTaken(_ link: Link) -> Bool {
        guard let externalID = link.externalID else { return false }
        return links.rows.contains {
            $0.link.id != link.id && !$0.isDeleted && $0.link.workspaceID == link.workspaceID
                && isSame($0.link.externalID, externalID)
        }
    }

    /// The workspace's own domains; the server's own if it is nobody's.
    private func isDomainUsable(_ link: Link, _ defaultDomain: String?) -> Bool {
        if let domain = domains.first(where: { isSame($0.slug, link.domain) }) {
            return domain.workspaceID == link.workspaceID
        }
        return isSame(link.domain, defaultDomain)
    }

    /// Only a root may lead nowhere, and no link to a link of this server (differences 16).
    private func destinationRefusal(_ link: Link, _ defaultDomain: String?) -> Verdict? {
        if link.url.isEmpty {
            return isSame(link.key, Link.rootKey) ? nil : .barred("destinationMissing")
        }
        guard let host = urlHost(link.url) else { return nil }
        let isOwn = isSame(host, defaultDomain) || domains.contains { isSame($0.slug, host) }
        return isOwn ? .barred("linkLoop") : nil
    }

    /// Conversion tracking from business on; so many links in a calendar month (links.md). Roots
    /// are made by the domain, not by the workspace.
    private func planRefusal(_ link: Link) -> Verdict? {
        guard let workspace = workspaces[link.workspaceID] else { return nil }
        if link.trackConversion, !includesConversions(link) { return .barred("missingFeature") }
        guard let limit = workspace.plan.linksPerMonth else { return nil }
        let month = link.createdAt.startOfMonth
        let made = links.rows.count {
            !$0.isRoot && $0.link.workspaceID == workspace.id && $0.link.createdAt >= month
        }
        return made >= limit ? .barred("linkLimitReached") : nil
    }

    private func includesConversions(_ link: Link) -> Bool {
        workspaces[link.workspaceID]?.plan.includesConversions ?? true
    }
}
