import Attribution
import Integrations

/// Links, customers' records, tokens, workspaces, and what is rarely asked for.
extension Workload {
    mutating func addCustomer() -> Command {
        let key = customerKey()
        return .addCustomer(
            AddCustomer(
                key: key, profile: profile(), clickID: clickID(40, key.workspaceID),
                country: random.pick([nil, "FR"]), at: past()))
    }

    mutating func createLink(in workspaceID: WorkspaceID) -> Command {
        let isFirst = links.count + newLinks.count < Self.firstLinks
        let isForeign = random.chance(3)
        var link = Link(
            id: id("link"), workspaceID: workspaceID,
            domain: isForeign ? "strict.test" : Self.domains[workspaceID] ?? "",
            key: random.pick(["key", "KEY"]) + "\(random.int(0..<90))", url: "https://a.test",
            createdAt: now)
        link.externalID = random.chance(40) ? externalID() : nil
        let spares = (0..<2).map { _ in "spare\(random.int(0..<60))" }
        if isFirst {
            (link.key, link.domain) = ("\(link.id)", Self.domains[workspaceID] ?? "")
            link.externalID = nil
        }
        newLinks.append(Place(id: link.id, workspaceID: workspaceID))
        return .createLink(CreateLink(link: link, spareKeys: random.chance(50) ? spares : []))
    }

    private mutating func externalID() -> String {
        random.pick(["external \(random.int(0..<9))", "\u{C5}", "\u{212B}", ""])
    }

    private mutating func selector(_ link: Place) -> LinkSelector {
        switch random.int(0..<4) {
        case 0: .externalID(link.workspaceID, externalID())
        case 1: .address(domain: "home.test", key: "key\(random.int(0..<30))")
        default: .id(link.id)
        }
    }

    mutating func updateLink() -> Command {
        let link = somePlace()
        var edit = Edit<Link>()
        let (moment, external) = (now, externalID())
        switch random.int(0..<10) {
        case 0: edit.set(\.disabledAt, moment)
        case 1, 2, 3, 4: edit.set(\.disabledAt, nil)
        case 5: edit.set(\.key, "key\(random.int(0..<30))")
        case 6: edit.set(\.externalID, external)
        default: edit.set(\.url, "https://b.test/\(random.int(0..<5))")
        }
        return .updateLink(
            UpdateLink(
                selector: selector(link), workspaceID: link.workspaceID, edit: edit, at: now))
    }

    mutating func deleteLink() -> Command {
        guard links.count > Self.firstLinks else { return createLink(in: workspaceID()) }
        let link = random.pick(Array(links.dropFirst(Self.firstLinks)))
        return .deleteLink(
            DeleteLink(selector: selector(link), workspaceID: link.workspaceID, at: now))
    }

    mutating func token() -> Command {
        if random.chance(40), !tokens.isEmpty {
            return .revokeToken(
                RevokeToken(workspaceID: workspaceID(), id: random.pick(tokens), at: now))
        }
        let tokenID: TokenID = id("tok")
        tokens.append(tokenID)
        return .createToken(
            CreateToken(
                token: Token(
                    id: tokenID, workspaceID: workspaceID(), name: "t",
                    digest: Self.digest(tokenID), scopes: [.apisAll], createdAt: now)))
    }

    mutating func updateWorkspace() -> Command {
        var update = UpdateWorkspace(slug: random.pick(["home", "strict", "none"]))
        if random.chance(50) { update.conflictPolicy = random.pick([.replay, .refuse]) }
        if random.chance(50) { update.allowedHostnames = random.pick([[], ["shop.test", "x"]]) }
        return .updateWorkspace(update)
    }

    /// Names change hands and are forgotten.
    mutating func editCustomer() -> Command {
        let key = customerKey()
        switch random.int(0..<10) {
        case 0..<3:
            return .deleteCustomer(
                DeleteCustomer(
                    selector: .externalID(key.externalID), workspaceID: key.workspaceID, at: now))
        case 3..<5:
            let customer = profile().customer(key, from: nil, at: now)
            return .createCustomer(CreateCustomer(customer: customer))
        default: break
        }
        var edit = Edit<Customer>()
        let (name, stripeID) = (customerKey().externalID, "cus_\(random.int(0..<9))")
        switch random.int(0..<4) {
        case 0: edit.set(\.stripeCustomerID, stripeID)
        case 1: edit.set(\.email, "new@b.test")
        default: edit.set(\.externalID, name)
        }
        return .updateCustomer(
            UpdateCustomer(
                selector: .externalID(key.externalID), workspaceID: key.workspaceID, edit: edit))
    }

    // MARK: What the model does not know

    mutating func rare() -> Command {
        guard scope == .everything else { return sale() }
        return switch random.int(0..<4) {
        case 0: label()
        case 1: record()
        default: domain()
        }
    }

    private mutating func domain() -> Command {
        let (slug, workspaceID) = ("d\(random.int(0..<9)).test", workspaceID())
        switch random.int(0..<4) {
        case 0:
            return .deleteDomain(DeleteDomain(slug: slug, workspaceID: workspaceID, at: now))
        case 1:
            var edit = Edit<Domain>()
            edit.set(\.slug, "d\(random.int(0..<9)).test")
            edit.set(\.isPrimary, random.chance(50))
            return .updateDomain(
                UpdateDomain(slug: slug, workspaceID: workspaceID, edit: edit, at: now))
        default: return createDomain(slug, in: workspaceID)
        }
    }

    private mutating func record() -> Command {
        let workspaceID = workspaceID()
        let name = "name \(random.int(0..<4))"
        switch random.int(0..<4) {
        case 0:
            var edit = Edit<Tag>()
            edit.set(\.name, name)
            return .updateTag(
                UpdateTag(id: known("tag"), workspaceID: workspaceID, edit: edit))
        case 1:
            var edit = Edit<Folder>()
            edit.set(\.name, name)
            return .updateFolder(
                UpdateFolder(id: known("fold"), workspaceID: workspaceID, edit: edit, at: now))
        case 2: return .deleteFolder(DeleteFolder(id: known("fold"), workspaceID: workspaceID))
        default: return upsertLink(workspaceID)
        }
    }

    private mutating func upsertLink(_ workspaceID: WorkspaceID) -> Command {
        let url = "https://b.test/\(random.int(0..<5))"
        var link = Link(
            id: id("link"), workspaceID: workspaceID, domain: Self.domains[workspaceID] ?? "",
            key: "up\(random.int(0..<9))", url: url, createdAt: now)
        link.title = "New"
        var edit = Edit<Link>()
        edit.set(\.title, "Known")
        let create = CreateLink(link: link, tags: random.chance(50) ? .ids([]) : nil)
        newLinks.append(Place(id: link.id, workspaceID: workspaceID))
        return .upsertLink(UpsertLink(urls: [url], create: create, edit: edit))
    }

    private mutating func label() -> Command {
        let (name, workspaceID) = ("name \(random.int(0..<4))", workspaceID())
        switch random.int(0..<5) {
        case 0: return .deleteTag(DeleteTag(id: known("tag"), workspaceID: workspaceID))
        case 1, 2:
            let tag = Tag(
                id: id("tag"), workspaceID: workspaceID, name: name, color: .blue, createdAt: now)
            return .createTag(CreateTag(tag: tag))
        case 3:
            let folder = Folder(
                id: id("fold"), workspaceID: workspaceID, name: name, createdAt: now)
            return .createFolder(CreateFolder(folder: folder))
        default:
            let link = random.pick(links)
            return .updateLink(
                UpdateLink(
                    selector: .id(link.id), workspaceID: link.workspaceID, edit: Edit(),
                    tags: .names([name]), at: now))
        }
    }
}
