import Attribution
import Testing

/// One small world that every rule's table stands on.
///
/// Workspaces: `home` replays a changed invoice, `strict` refuses it and lets one site track,
/// `other` is somebody else's. Links: `a` and `b`, `off` (disabled), `gone` (deleted), `x` (of
/// `other`), `s` (of `strict`). Each has a click named after it: `ca`, `cb`, …; `clost` leads to a
/// link that is not there.
struct World: Sendable {
    var facts = Facts()
    private var leads: [(customer: CustomerKey, name: String, state: LeadState)] = []

    static let home: WorkspaceID = ID("home")
    static let strict: WorkspaceID = ID("strict")
    static let other: WorkspaceID = ID("other")
    static let noon = Timestamp(milliseconds: 1_790_000_000_000)

    init() {
        for (id, hostnames, policy): (WorkspaceID, [String], ConflictPolicy) in [
            (Self.home, [], .replay), (Self.strict, ["shop.test"], .refuse),
            (Self.other, [], .replay),
        ] {
            facts.workspaces[id] = WorkspaceState(
                allowedHostnames: hostnames, conflictPolicy: policy, saleAmount: 0)
        }
        link("a")
        link("b")
        link("off", isDisabled: true)
        link("gone", isDeleted: true)
        link("x", in: Self.other)
        link("s", in: Self.strict)
        for link in ["a", "b", "off", "gone", "x", "s", "lost"] { click("c\(link)", on: link) }

        customer("ann", on: "a", leads: [("Sign up", "a"), ("Demo", "b")])
        customer("bob", on: nil)
        customer("cat", on: "a")
        customer("dan", on: "off", leads: [("Sign up", "a")])
        customer("eve", on: "gone", leads: [("Sign up", "a")])
        customer("fay", on: "a", leads: [("Sign up", "off")])
        customer("gus", on: "a", leads: [("Sign up", "gone")])
        customer("hal", on: "x", leads: [("Sign up", "a")])
        customer("sue", in: Self.strict, on: "s", leads: [("Sign up", "s")])
        invoice("inv1", of: "ann")
        invoice("inv1", of: "sue", in: Self.strict)
    }

    mutating func link(
        _ name: String, in workspaceID: WorkspaceID = home, isDisabled: Bool = false,
        isDeleted: Bool = false
    ) {
        facts.links[ID(name)] = LinkState(
            id: ID(name), workspaceID: workspaceID, domain: "go.test", key: name,
            url: "https://\(name).test", externalID: nil, tenantID: nil, isDisabled: isDisabled,
            isDeleted: isDeleted, saleAmount: 0)
    }

    mutating func click(_ name: String, on link: String) {
        let workspaceID = facts.links[ID(link)]?.workspaceID ?? Self.home
        facts.clicks[ID(name)] = Click(
            id: ID(name), workspaceID: workspaceID, linkID: ID(link), at: Self.noon,
            url: "https://\(link).test")
    }

    /// The customer's leads are one second apart; each claims its name.
    mutating func customer(
        _ name: String, in workspaceID: WorkspaceID = home, on link: String?,
        leads: [(name: String, link: String)] = []
    ) {
        let key = CustomerKey(workspaceID: workspaceID, externalID: name)
        var customer = Customer(
            id: ID(name), workspaceID: workspaceID, externalID: name, createdAt: Self.noon)
        if let link { (customer.linkID, customer.clickID) = (ID(link), ID("c\(link)")) }
        facts.customers[key] = customer
        for (index, lead) in leads.enumerated() {
            let state = LeadState(
                id: ID("l\(index + 1)"), linkID: ID(lead.link), clickID: ID("c\(lead.link)"),
                at: Self.noon.adding(Int64(index + 1) * Timestamp.second))
            self.leads.append((key, lead.name, state))
            facts.leadClaims.insert(LeadClaim(customer: key, eventName: lead.name))
        }
    }

    /// A sale of 49.00 USD, `Purchase`, through the customer's own link.
    mutating func invoice(
        _ name: String, of customer: String, in workspaceID: WorkspaceID = home
    ) {
        let key = CustomerKey(workspaceID: workspaceID, externalID: customer)
        guard let customer = facts.customers[key], let linkID = customer.linkID else { return }
        let sale = Sale(
            id: ID(workspaceID == Self.home ? "first" : "firsts"), workspaceID: workspaceID,
            customerID: customer.id, linkID: linkID, clickID: customer.clickID, leadID: ID("l1"),
            eventName: "Purchase", at: Self.noon,
            money: Money(4_900, .usd), baseAmount: 4_900, paymentProcessor: .custom,
            invoiceID: name, metadata: nil)
        let receipt = SaleReceipt(sale: sale, customer: customer)
        facts.invoices[InvoiceKey(workspaceID: workspaceID, invoiceID: name)] = receipt
        facts.importedSales[sale.id] = receipt
        facts.conversions[key, default: []].insert(linkID)
    }

    /// The facts that a command needs: the question about leads is answered from this world's list.
    func facts(for command: Command) -> Facts {
        var facts = self.facts
        guard case .recordSale(let sale) = command else { return facts }
        for question in [sale.lead, sale.laterLead].compactMap(\.self) {
            facts.ask(question, answer: answer(to: question))
        }
        return facts
    }

    private func answer(to question: LeadKey) -> LeadState? {
        let answers = leads.filter { lead in
            lead.customer == question.customer
                && (question.eventName == nil || question.eventName == lead.name)
        }.map(\.state).sorted { $0.at < $1.at }
        switch question.choice {
        case .newest(let until): return answers.last { $0.at <= until }
        case .oldest: return answers.first
        }
    }
}

/// One row of a rule's table: what is asked, and the answer and changes in short words.
struct Row: Sendable, CustomTestStringConvertible {
    let name: String
    let command: Command
    let expected: String
    var world = World()

    init(
        _ name: String, _ command: Command, _ expected: String,
        in change: (inout World) -> Void = { _ in }
    ) {
        (self.name, self.command, self.expected) = (name, command, expected)
        change(&world)
    }

    var testDescription: String { name }
    var decision: Decision { decide(command, world.facts(for: command)) }
    var actual: String { decision.words }
}
