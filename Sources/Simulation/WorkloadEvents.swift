import Attribution
import Integrations

/// Clicks, leads, sales, and the calls that they came as.
extension Workload {
    private static let currencies = ["usd", "usd", "usd", "usd", "eur", "jpy"]
    /// Names that differ in case, in dashes, or only to the byte.
    private static let leadNames = [
        "Sign up", "Sign up", "sign-up", "SIGN UP", "Demo", "demo", "Trial", "D\u{E9}mo",
        "De\u{301}mo", "d\u{C9}mo",
    ]
    private static let alike = [
        "caf\u{E9}", "cafe\u{301}", "CAF\u{C9}", "\u{212B}", "\u{C5}", "s\u{307}\u{323}",
        "\u{1E69}", "", "Customer 1", "customer 1",
    ]

    mutating func customerKey() -> CustomerKey {
        let name =
            random.chance(10) ? random.pick(Self.alike) : "customer \(random.int(0..<60))"
        return CustomerKey(workspaceID: workspaceID(), externalID: name)
    }

    mutating func profile() -> CustomerProfile {
        CustomerProfile(
            id: id("cus"), name: random.pick([nil, nil, nil, "Name", "", "N\u{E4}me"]),
            email: random.pick([nil, nil, nil, "a@b.test", ""]))
    }

    /// Most events come as calls, some as rows of an import or from the program itself.
    private mutating func call(_ endpoint: TrackEndpoint, _ id: String) -> TrackCall? {
        guard random.chance(60) else { return nil }
        return TrackCall(
            id: ID("rej_\(id)"), endpoint: endpoint, body: #"{"call":"\#(id)"}"#)
    }

    /// Notes what can be sent again, and what can be tried again.
    private mutating func noted(
        _ command: Command, _ call: TrackCall? = nil, in workspaceID: WorkspaceID = home
    ) -> Command {
        newPast.append(command)
        if let call {
            newCalls.append(Call(id: call.id, workspaceID: workspaceID, command: command))
        }
        return command
    }

    mutating func click() -> Command {
        var visitor = Visitor()
        visitor.identity = random.chance(60) ? "visitor \(random.int(0..<12))" : nil
        visitor.country = random.pick([nil, "DE", "US"])
        visitor.isBot = random.chance(8)
        let place = somePlace()
        let linkID = random.chance(2) ? ID("link_none") : place.id
        var click = RecordClick(id: id("click"), linkID: linkID, at: now, visitor: visitor)
        if random.chance(20) {
            click.reportingHostname = .some(random.pick(["shop.test", "x", nil]))
            click.call = call(random.pick([.click, .visit]), click.id.text)
        }
        if random.chance(10) { click.known = clickID(100, place.workspaceID) }
        click.isTold = random.chance(50)
        if random.chance(10) { click.url = "https://elsewhere.test/\u{E9}" }
        if random.chance(20) {
            (click.origin, click.at, click.call) = (.imported, past(), nil)
            click.reportingHostname = nil
            if random.chance(30), !importedClicks.isEmpty { click.id = random.pick(importedClicks) }
            importedClicks.append(click.id)
        }
        if click.origin == .live, let visit = lastVisit, random.chance(20) {
            click.linkID = visit.linkID
            click.visitor = visit.visitor
            click.known = nil
            click.at = visit.at.adding(Timestamp.hour + Int64(random.int(-1..<2)))
        }
        if click.origin == .live, click.visitor.identity != nil { lastVisit = click }
        clicks[place.workspaceID, default: []].append(click.id)
        return noted(.recordClick(click))
    }

    /// One of the workspace's last clicks; now and then another's, or one that nobody knows.
    mutating func clickID(_ percent: Int, _ workspaceID: WorkspaceID) -> ClickID? {
        let owner = random.chance(6) ? Self.home : workspaceID
        guard random.chance(percent), let clicks = clicks[owner] else { return nil }
        return random.chance(3) ? ID("click_none") : random.pick(clicks.suffix(60))
    }

    mutating func lead() -> Command {
        let mode = random.pick([LeadMode.async, .async, .wait, .deferred])
        let key = customerKey()
        var lead = RecordLead(
            ids: [], customer: key, clickID: clickID(85, key.workspaceID),
            eventName: random.pick(Self.leadNames), mode: mode, profile: profile(),
            metadata: random.chance(30) ? #"{"n": 1.0}"# : nil, at: now)
        lead.ids = (0..<random.pick([1, 1, 1, 3])).map { _ in id("lead") }
        if random.chance(20) {
            (lead.origin, lead.at) = (.imported, past())
        } else {
            lead.call = call(random.pick([.lead, .clientLead]), "\(lead.ids[0])")
        }
        leadMoments = leadMoments.suffix(30) + [(key, lead.at)]
        return noted(.recordLead(lead), lead.call, in: key.workspaceID)
    }

    mutating func sale() -> Command {
        let currency = Currency(random.pick(Self.currencies)) ?? .usd
        var amount = random.chance(5) ? 0 : Int64(random.int(1..<1_000_000))
        if currency != .usd, random.chance(10) { amount = Int64.max - Int64(random.int(0..<3)) }
        let key = customerKey()
        var sale = RecordSale(
            id: id("sale"), customer: key, money: Money(amount, currency),
            eventName: random.pick(["Purchase", "Purchase", "Upgrade", "Achet\u{E9}"]),
            paymentProcessor: random.pick([.custom, .stripe, .paddle]), invoiceID: invoice(),
            leadEventName: random.pick([nil, nil, nil, "", "Sign up", "Demo", "De\u{301}mo"]),
            metadata: random.chance(30) ? #"{"b": 1, "a": "é"}"# : nil,
            clickID: clickID(35, key.workspaceID), profile: profile(), directLeadID: id("lead"),
            at: now)
        if random.chance(25) {
            (sale.origin, sale.at) = (.imported, past())
            if random.chance(40), !leadMoments.isEmpty {
                (sale.customer, sale.at) = random.pick(leadMoments)
                if random.chance(50) { sale.clickID = nil }
            }
            if random.chance(30), !importedSales.isEmpty { sale.id = random.pick(importedSales) }
            importedSales.append(sale.id)
        } else {
            sale.call = call(random.pick([.sale, .clientSale]), sale.id.text)
        }
        return noted(.recordSale(sale), sale.call, in: sale.customer.workspaceID)
    }

    private mutating func invoice() -> String? {
        switch random.int(0..<8) {
        case 0, 1: nil
        case 2: ""
        case 3: random.pick(Self.alike)
        case 4: "invoice \(random.int(0..<40))"
        default: "invoice \(id("inv") as ID<Sale>)"
        }
    }

    /// Amounts for which the totals have room for a while.
    mutating func richSale() -> Command {
        let amounts = [
            Money.largestAmount, Money.largestAmount - 1, Int64.max / 2, Int64.max / 3, Int64.max,
            Int64.max - Money.largestAmount, 1,
        ]
        let link = links.first { $0.workspaceID == Self.rich }
        if random.chance(30), let link {
            let click = RecordClick(
                id: id("click"), linkID: link.id, at: now, visitor: Visitor())
            clicks[Self.rich, default: []].append(click.id)
            return .recordClick(click)
        }
        let sale = RecordSale(
            id: id("sale"),
            customer: CustomerKey(workspaceID: Self.rich, externalID: "\(random.int(0..<4))"),
            money: Money(random.pick(amounts), random.chance(80) ? .usd : Currency("eur") ?? .usd),
            eventName: "Purchase", invoiceID: invoice(),
            clickID: clickID(90, Self.rich), profile: profile(),
            directLeadID: id("lead"), at: now)
        return noted(.recordSale(sale))
    }

    /// An event that was sent before: to the letter, or not quite.
    mutating func sentAgain() -> Command {
        guard !past.isEmpty else { return sale() }
        guard case .recordSale(var sale) = random.pick(past) else {
            return stampedNow(random.pick(past))
        }
        switch random.int(0..<8) {
        case 0: sale.money.minorUnits = max(1, sale.money.minorUnits / 2)
        case 1: sale.money.currency = Currency("chf") ?? .usd
        case 2: sale.eventName += " "
        case 3: sale.customer = customerKey()
        default: break
        }
        return stampedNow(.recordSale(sale))
    }

    /// As the server would stamp it if it came now; an import's rows keep their ids.
    private mutating func stampedNow(_ command: Command) -> Command {
        switch command {
        case .recordClick(var click):
            if click.origin == .live { (click.id, click.at, click.call) = (id("click"), now, nil) }
            return .recordClick(click)
        case .recordLead(var lead):
            lead.ids = lead.ids.map { _ in id("lead") }
            if lead.origin == .live {
                (lead.at, lead.call) = (now, call(.lead, lead.ids.first?.text ?? ""))
            }
            lead.profile.id = id("cus")
            return .recordLead(lead)
        case .recordSale(var sale):
            if sale.origin == .live {
                (sale.id, sale.at) = (id("sale"), now)
                sale.call = call(.sale, sale.id.text)
            }
            (sale.profile.id, sale.directLeadID) = (id("cus"), id("lead"))
            return .recordSale(sale)
        default: return command
        }
    }

    /// What becomes of calls that recorded nothing: tried again, given up; or a new one whose body
    /// could not be read.
    mutating func keptCall() -> Command {
        switch random.int(0..<10) {
        case 0, 1: return unreadable()
        case 2: return discard()
        default: return retry()
        }
    }

    private mutating func unreadable() -> Command {
        let (rejectionID, workspaceID): (RejectionID, _) = (id("rej"), workspaceID())
        let rejection = Rejection(
            id: rejectionID, workspaceID: workspaceID, endpoint: .sale,
            reason: random.pick([.malformedBody, .invalidBody]),
            detail: random.pick([nil, "amount: \u{E9}"]), at: now, body: KeptBody("{"),
            customerExternalID: random.chance(50) ? customerKey().externalID : nil)
        let command = Command.recordRejection(RecordRejection(rejection: rejection))
        newCalls.append(Call(id: rejectionID, workspaceID: workspaceID, command: command))
        return command
    }

    private var keptCalls: [Call] { calls + newCalls }

    private mutating func discard() -> Command {
        let calls = keptCalls
        guard !calls.isEmpty else { return .proveWritable }
        let first = random.pick(calls)
        let others = (0..<random.int(0..<4)).map { _ in random.pick(calls) }
        var ids = [first.id] + others.map(\.id)
        if random.chance(30) { ids.append(ID("rej_none")) }
        if random.chance(30) { ids.append(first.id) }
        return .discardRejections(
            DiscardRejections(workspaceID: first.workspaceID, ids: ids))
    }

    /// As of the moment when the call came, as the server does it.
    private mutating func retry() -> Command {
        let calls = keptCalls
        guard !calls.isEmpty else { return sale() }
        let kept = random.pick(calls)
        switch kept.command {
        case .recordLead(var lead):
            lead.call?.retriedAt = now
            lead.ids = lead.ids.map { _ in id("lead") }
            lead.profile.id = id("cus")
            return .recordLead(lead)
        case .recordSale(var sale):
            sale.call?.retriedAt = now
            sale.id = id("sale")
            (sale.profile.id, sale.directLeadID) = (id("cus"), id("lead"))
            return .recordSale(sale)
        case .recordRejection(var record):
            record.retriedAt = now
            return .recordRejection(record)
        default:
            return .discardRejections(
                DiscardRejections(workspaceID: kept.workspaceID, ids: [kept.id]))
        }
    }
}
