import Attribution
import Integrations

/// Seeded batches of everything that can be asked of two workspaces. Ids and times are stamped
/// here, so that the same batches can be submitted to two databases. Within a batch time advances
/// by milliseconds, as it does in a server; between batches by up to an hour and a half.
struct Workload {
    private var random: SplitMix
    private var now = Shop.noon
    private var count = 0
    private var links: [(id: LinkID, workspaceID: WorkspaceID)] = []
    private var newLinks: [(id: LinkID, workspaceID: WorkspaceID)] = []
    private var clicks: [ClickID] = []
    private var importedClicks: [ClickID] = []
    private var importedSales: [SaleID] = []
    private var tokens: [TokenID] = []

    private static let home: WorkspaceID = ID("ws_home")
    private static let strict: WorkspaceID = ID("ws_strict")
    private static let currencies = ["usd", "usd", "usd", "usd", "eur", "jpy"]

    init(seed: UInt64) { random = SplitMix(seed: seed) }

    /// Two workspaces with a domain and a few links each.
    mutating func opening() -> [Command] {
        var strict = Shop.workspace(Self.strict, "strict")
        strict.conflictPolicy = .refuse
        strict.allowedHostnames = ["shop.test"]
        return [
            .createWorkspace(.init(workspace: Shop.workspace(Self.home, "home"))),
            .createWorkspace(.init(workspace: strict)),
            Shop.createDomain("home.test", id("dom"), in: Self.home),
            Shop.createDomain("strict.test", id("dom"), in: Self.strict),
        ] + (0..<9).map { _ in createLink() }
    }

    mutating func batch(_ size: Int) -> [Command] {
        now = now.adding(Int64(random.int(0..<90 * 60_000)))
        links += newLinks
        newLinks = []
        return (0..<size).map { _ in
            now = now.adding(Int64(random.int(0..<40)))
            return command()
        }
    }

    private mutating func command() -> Command {
        switch random.int(0..<100) {
        case 0..<25: click()
        case 25..<50: lead()
        case 50..<84: sale()
        case 84..<87: addCustomer()
        case 87..<89: editCustomer()
        case 89..<93: updateLink()
        case 93..<94: deleteLink()
        case 94..<95: createLink()
        case 95..<97: token()
        case 97..<98: updateWorkspace()
        case 98..<99: random.chance(50) ? label() : record()
        default: domain()
        }
    }

    private mutating func id<Record>(_ prefix: String) -> ID<Record> {
        count += 1
        return ID("\(prefix)_\(count)")
    }

    private mutating func workspaceID() -> WorkspaceID {
        random.chance(75) ? Self.home : Self.strict
    }

    private mutating func customerKey() -> CustomerKey {
        CustomerKey(workspaceID: workspaceID(), externalID: "customer \(random.int(0..<25))")
    }

    private mutating func profile() -> CustomerProfile {
        CustomerProfile(
            id: id("cus"), name: random.chance(40) ? "Name" : nil,
            email: random.chance(30) ? "a@b.test" : nil)
    }

    /// A moment of the past for what is imported.
    private mutating func past() -> Timestamp {
        now.adding(-Int64(random.int(0..<4 * 3_600_000)))
    }

    private mutating func click() -> Command {
        var visitor = Visitor()
        visitor.identity = random.chance(70) ? "visitor \(random.int(0..<6))" : nil
        visitor.country = random.pick([nil, "DE", "US"])
        let linkID = random.chance(2) ? ID("link_none") : random.pick(links).id
        var click = RecordClick(id: id("click"), linkID: linkID, at: now, visitor: visitor)
        if random.chance(20) {
            click.reportingHostname = .some(random.pick(["shop.test", "x", nil]))
        }
        if random.chance(20) {
            (click.origin, click.at) = (.imported, past())
            if random.chance(30), !importedClicks.isEmpty { click.id = random.pick(importedClicks) }
            importedClicks.append(click.id)
        }
        clicks.append(click.id)
        return .recordClick(click)
    }

    private mutating func clickID(_ percent: Int) -> ClickID? {
        guard random.chance(percent), !clicks.isEmpty else { return nil }
        return random.chance(3) ? ID("click_none") : random.pick(clicks.suffix(60))
    }

    private mutating func lead() -> Command {
        let mode = random.pick([LeadMode.async, .async, .wait, .deferred])
        var lead = RecordLead(
            ids: [], customer: customerKey(), clickID: clickID(85),
            eventName: random.pick(["Sign up", "sign-up", "Demo", "Trial", "demo"]), mode: mode,
            profile: profile(), metadata: random.chance(30) ? #"{"n": 1.0}"# : nil, at: now)
        lead.ids = (0..<random.pick([1, 1, 1, 3])).map { _ in id("lead") }
        if random.chance(20) { (lead.origin, lead.at) = (.imported, past()) }
        return .recordLead(lead)
    }

    private mutating func sale() -> Command {
        let currency = Currency(random.pick(Self.currencies)) ?? .usd
        let amount = random.chance(5) ? 0 : Int64(random.int(1..<1_000_000))
        var sale = RecordSale(
            id: id("sale"), customer: customerKey(), money: Money(amount, currency),
            eventName: random.pick(["Purchase", "Purchase", "Upgrade"]),
            invoiceID: random.pick([nil, "", "invoice \(random.int(0..<40))"]),
            leadEventName: random.pick([nil, nil, nil, "Sign up", "Demo", "demo"]),
            metadata: random.chance(30) ? #"{"b": 1, "a": "é"}"# : nil, clickID: clickID(35),
            profile: profile(), directLeadID: id("lead"), at: now)
        if random.chance(25) {
            (sale.origin, sale.at) = (.imported, past())
            if random.chance(30), !importedSales.isEmpty { sale.id = random.pick(importedSales) }
            importedSales.append(sale.id)
        }
        return .recordSale(sale)
    }

    private mutating func addCustomer() -> Command {
        .addCustomer(
            AddCustomer(
                key: customerKey(), profile: profile(), clickID: clickID(40),
                country: random.pick([nil, "FR"]), at: past()))
    }

    private mutating func createLink() -> Command {
        let workspaceID = workspaceID()
        var link = Link(
            id: id("link"), workspaceID: workspaceID,
            domain: workspaceID == Self.home ? "home.test" : "strict.test",
            key: "key\(random.int(0..<30))", url: "https://a.test", createdAt: now)
        link.externalID = random.chance(40) ? "external \(random.int(0..<9))" : nil
        let spares = (0..<2).map { _ in "spare\(random.int(0..<60))" }
        if links.count + newLinks.count < 9 { link.key = "\(link.id)" }
        newLinks.append((link.id, workspaceID))
        return .createLink(CreateLink(link: link, spareKeys: random.chance(50) ? spares : []))
    }

    private mutating func selector(_ link: (id: LinkID, workspaceID: WorkspaceID)) -> LinkSelector {
        switch random.int(0..<4) {
        case 0: .externalID(link.workspaceID, "external \(random.int(0..<9))")
        case 1: .address(domain: "home.test", key: "key\(random.int(0..<30))")
        default: .id(link.id)
        }
    }

    private mutating func updateLink() -> Command {
        let link = random.pick(links)
        var edit = Edit<Link>()
        let (moment, external) = (now, "external \(random.int(0..<9))")
        switch random.int(0..<6) {
        case 0: edit.set(\.disabledAt, moment)
        case 1, 2: edit.set(\.disabledAt, nil)
        case 3: edit.set(\.key, "key\(random.int(0..<30))")
        case 4: edit.set(\.externalID, external)
        default: edit.set(\.url, "https://b.test/\(random.int(0..<5))")
        }
        return .updateLink(
            UpdateLink(
                selector: selector(link), workspaceID: link.workspaceID, edit: edit, at: now))
    }

    private mutating func deleteLink() -> Command {
        let link = random.pick(links)
        return .deleteLink(
            DeleteLink(selector: selector(link), workspaceID: link.workspaceID, at: now))
    }

    private mutating func token() -> Command {
        if random.chance(40), !tokens.isEmpty {
            return .revokeToken(
                RevokeToken(workspaceID: workspaceID(), id: random.pick(tokens), at: now))
        }
        let tokenID: TokenID = id("tok")
        tokens.append(tokenID)
        let digest = String(String(repeating: "0", count: 64) + tokenID.text).suffix(64)
        return .createToken(
            CreateToken(
                token: Token(
                    id: tokenID, workspaceID: workspaceID(), name: "t", digest: String(digest),
                    scopes: [.apisAll], createdAt: now)))
    }

    private mutating func updateWorkspace() -> Command {
        var update = UpdateWorkspace(slug: random.pick(["home", "strict", "none"]))
        if random.chance(50) { update.conflictPolicy = random.pick([.replay, .refuse]) }
        if random.chance(50) { update.allowedHostnames = random.pick([[], ["shop.test", "x"]]) }
        return .updateWorkspace(update)
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
        default: return Shop.createDomain(slug, id("dom"), in: workspaceID)
        }
    }

    /// Names change hands and are forgotten.
    private mutating func editCustomer() -> Command {
        let key = customerKey()
        if random.chance(30) {
            return .deleteCustomer(
                DeleteCustomer(
                    selector: .externalID(key.externalID), workspaceID: key.workspaceID, at: now))
        }
        var edit = Edit<Customer>()
        let (name, stripeID) = ("customer \(random.int(0..<25))", "cus_\(random.int(0..<9))")
        if random.chance(50) {
            edit.set(\.externalID, name)
        } else {
            edit.set(\.stripeCustomerID, stripeID)
        }
        return .updateCustomer(
            UpdateCustomer(
                selector: .externalID(key.externalID), workspaceID: key.workspaceID, edit: edit))
    }

    /// What is rarely asked for.
    private mutating func record() -> Command {
        let workspaceID = workspaceID()
        let name = "name \(random.int(0..<4))"
        switch random.int(0..<5) {
        case 0:
            var edit = Edit<Attribution.Tag>()
            edit.set(\.name, name)
            return .updateTag(
                UpdateTag(id: known("tag"), workspaceID: workspaceID, edit: edit))
        case 1:
            var edit = Edit<Folder>()
            edit.set(\.name, name)
            return .updateFolder(
                UpdateFolder(id: known("fold"), workspaceID: workspaceID, edit: edit, at: now))
        case 2: return .deleteFolder(DeleteFolder(id: known("fold"), workspaceID: workspaceID))
        case 3:
            let key = customerKey()
            let customer = profile().customer(key, from: nil, at: now)
            return .createCustomer(CreateCustomer(customer: customer))
        default: return upsertLink(workspaceID)
        }
    }

    private mutating func known<Record>(_ prefix: String) -> ID<Record> {
        ID("\(prefix)_\(random.int(0..<max(1, count)))")
    }

    private mutating func upsertLink(_ workspaceID: WorkspaceID) -> Command {
        let url = "https://b.test/\(random.int(0..<5))"
        var link = Link(
            id: id("link"), workspaceID: workspaceID,
            domain: workspaceID == Self.home ? "home.test" : "strict.test",
            key: "up\(random.int(0..<9))", url: url, createdAt: now)
        link.title = "New"
        var edit = Edit<Link>()
        edit.set(\.title, "Known")
        let create = CreateLink(link: link, tags: random.chance(50) ? .ids([]) : nil)
        newLinks.append((link.id, workspaceID))
        return .upsertLink(UpsertLink(urls: [url], create: create, edit: edit))
    }

    private mutating func label() -> Command {
        let (name, workspaceID) = ("name \(random.int(0..<4))", workspaceID())
        let known: TagID = ID("tag_\(random.int(0..<max(1, count)))")
        switch random.int(0..<5) {
        case 0: return .deleteTag(DeleteTag(id: known, workspaceID: workspaceID))
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

extension Command {
    /// The name of the case.
    var name: String { Mirror(reflecting: self).children.first?.label ?? "\(self)" }
}
