import Attribution
import Integrations

/// Seeded batches of what can be asked of three workspaces. Ids and times are stamped here, so that
/// the same batches can be submitted to two databases. Within a batch time advances by
/// milliseconds, as it does in a server; between batches by up to an hour and a half. What was
/// answered is never looked at: the same seed is the same workload whatever became of it.
package struct Workload {
    package enum Scope: Sendable {
        /// Every command there is.
        case everything
        /// What the model knows: no tags, folders or moving domains.
        case modelled
    }

    package struct Place {
        let id: LinkID
        let workspaceID: WorkspaceID
    }

    /// A call that may have been kept, to be tried again or given up.
    struct Call {
        let id: RejectionID
        let workspaceID: WorkspaceID
        let command: Command
    }

    static let noon = Timestamp(milliseconds: 1_790_000_000_000)
    static let home: WorkspaceID = ID("ws_home")
    static let strict: WorkspaceID = ID("ws_strict")
    /// Whose totals have no room for more: kept apart, for nothing else would be recorded.
    static let rich: WorkspaceID = ID("ws_rich")
    static let domains = [home: "home.test", strict: "strict.test", rich: "rich.test"]

    let scope: Scope
    var random: SplitMix
    var now = Workload.noon
    private var count = 0
    private var repeats = 0
    var links: [Place] = []
    var newLinks: [Place] = []
    var clicks: [WorkspaceID: [ClickID]] = [:]
    var importedClicks: [ClickID] = []
    var importedSales: [SaleID] = []
    var tokens: [TokenID] = []
    /// For events that come just in time or just too late.
    var lastVisit: RecordClick?
    var leadMoments: [(CustomerKey, Timestamp)] = []
    /// Events of earlier batches, to be sent once more.
    var past: [Command] = []
    var newPast: [Command] = []
    var calls: [Call] = []
    var newCalls: [Call] = []

    package init(seed: UInt64, scope: Scope = .everything) {
        random = SplitMix(seed: seed)
        self.scope = scope
    }

    /// The workspaces with a domain and a few links each.
    package mutating func opening() -> [Command] {
        var strict = Self.workspace(Self.strict, "strict")
        strict.conflictPolicy = .refuse
        strict.allowedHostnames = ["shop.test"]
        return [
            .createWorkspace(.init(workspace: Self.workspace(Self.home, "home"))),
            .createWorkspace(.init(workspace: strict)),
            .createWorkspace(.init(workspace: Self.workspace(Self.rich, "rich"))),
            createDomain("home.test", in: Self.home),
            createDomain("strict.test", in: Self.strict),
            createDomain("rich.test", in: Self.rich),
            createLink(in: Self.rich),
        ] + (0..<9).map { _ in createLink(in: workspaceID()) }
    }

    package mutating func batch(_ size: Int) -> [Command] {
        begin()
        return (0..<size).map { _ in
            now = now.adding(Int64(random.int(0..<40)))
            return command()
        }
    }

    /// Events that have the same answers in whatever order they are recorded.
    package mutating func commuting(_ size: Int) -> [Command] {
        begin()
        return (0..<size).map { index in
            let key = CustomerKey(
                workspaceID: workspaceID(), externalID: "apart \(index) of \(count)")
            switch random.int(0..<3) {
            case 0:
                return .recordClick(
                    RecordClick(
                        id: id("click"), linkID: somePlace().id, at: now,
                        visitor: Visitor()))
            case 1:
                return .recordLead(
                    RecordLead(
                        ids: [id("lead")], customer: key, clickID: clickID(95, key.workspaceID),
                        eventName: "Sign up", profile: profile(), at: now))
            default:
                return .recordSale(
                    RecordSale(
                        id: id("sale"), customer: key, money: Money(100, .usd),
                        eventName: "Purchase", invoiceID: "apart \(index) of \(count)",
                        clickID: clickID(95, key.workspaceID), profile: profile(),
                        directLeadID: id("lead"), at: now
                    ))
            }
        }
    }

    /// An event that always leaves a row of its own: whether it is there tells whether the batch
    /// that it came with is.
    package mutating func marker() -> RecordClick {
        let place = links.first { $0.workspaceID == Self.rich }
        return RecordClick(
            id: id("marker"), linkID: place?.id ?? ID("link_none"), at: now, visitor: Visitor())
    }

    private mutating func begin() {
        now = now.adding(Int64(random.int(0..<90 * 60_000)))
        links += newLinks
        newLinks = []
        past = (past + newPast).suffix(400)
        newPast = []
        calls = (calls + newCalls).suffix(120)
        newCalls = []
    }

    private mutating func command() -> Command {
        switch random.int(0..<1_000) {
        case 0..<230: click()
        case 230..<440: lead()
        case 440..<720: sale()
        case 720..<780: sentAgain()
        case 780..<820: keptCall()
        case 820..<840: richSale()
        case 840..<870: addCustomer()
        case 870..<892: editCustomer()
        case 892..<930: updateLink()
        case 930..<938: deleteLink()
        case 938..<950: createLink(in: workspaceID())
        case 950..<968: token()
        case 968..<978: updateWorkspace()
        case 978..<980: .proveWritable
        default: rare()
        }
    }

    mutating func id<Record>(_ prefix: String) -> ID<Record> {
        count += 1
        return ID("\(prefix)_\(count)")
    }

    mutating func known<Record>(_ prefix: String) -> ID<Record> {
        ID("\(prefix)_\(random.int(0..<max(1, count)))")
    }

    mutating func workspaceID() -> WorkspaceID { random.chance(75) ? Self.home : Self.strict }

    /// Most often one of the first links, which are never deleted.
    mutating func somePlace() -> Place {
        random.chance(75) ? random.pick(Array(links.prefix(Self.firstLinks))) : random.pick(links)
    }

    static let firstLinks = 10

    /// A moment of the past for what is imported.
    mutating func past(_ hours: Int = 4) -> Timestamp {
        now.adding(-Int64(random.int(0..<hours * 3_600_000)))
    }

    static func workspace(_ id: WorkspaceID, _ slug: String) -> Workspace {
        Workspace(id: id, slug: slug, name: slug, plan: .business, createdAt: noon)
    }

    mutating func createDomain(_ slug: String, in workspaceID: WorkspaceID) -> Command {
        let domainID: DomainID = id("dom")
        let link = Link(
            id: ID("root-\(domainID)"), workspaceID: workspaceID, domain: slug, key: Link.rootKey,
            url: "", createdAt: Self.noon)
        let domain = Domain(
            id: domainID, workspaceID: workspaceID, slug: slug, createdAt: Self.noon)
        return .createDomain(CreateDomain(domain: domain, rootLink: link))
    }

    // MARK: The same once more

    /// The command as a client that got no answer would send it again: whatever the server stamps
    /// is stamped anew; an import's rows keep their ids. These ids have a count of their own, for
    /// the workload must not depend on what had to be repeated.
    package mutating func repeated(_ command: Command) -> Command {
        switch command {
        case .recordClick(var click):
            if click.origin == .live { click.id = freshID("click") }
            click.call = fresh(click.call)
            return .recordClick(click)
        case .recordLead(var lead):
            lead.ids = lead.ids.map { _ in freshID("lead") }
            lead.profile.id = freshID("cus")
            lead.call = fresh(lead.call)
            return .recordLead(lead)
        case .recordSale(var sale):
            if sale.origin == .live { sale.id = freshID("sale") }
            (sale.profile.id, sale.directLeadID) = (freshID("cus"), freshID("lead"))
            sale.call = fresh(sale.call)
            return .recordSale(sale)
        case .addCustomer(var add):
            add.profile.id = freshID("cus")
            return .addCustomer(add)
        case .createCustomer(var create):
            create.customer.id = freshID("cus")
            return .createCustomer(create)
        case .recordRejection(var record):
            record.rejection.id = freshID("rej")
            return .recordRejection(record)
        case .createLink(var create):
            create.link.id = freshID("link")
            return .createLink(create)
        case .createToken(var create):
            create.token.id = freshID("tok")
            create.token.digest = Self.digest(create.token.id)
            return .createToken(create)
        default: return command
        }
    }

    private mutating func freshID<Record>(_ prefix: String) -> ID<Record> {
        repeats += 1
        return ID("\(prefix)_again\(repeats)")
    }

    /// A call that is tried again names what is kept; any other is a new one.
    private mutating func fresh(_ call: TrackCall?) -> TrackCall? {
        guard var call, call.retriedAt == nil else { return call }
        call.id = freshID("rej")
        return call
    }

    static func digest(_ id: TokenID) -> String {
        String((String(repeating: "0", count: 64) + id.text).suffix(64))
    }
}
