/// What a decision may look at. The facts of a whole batch are loaded at once; each command's
/// changes are absorbed, so that the next command of the batch sees them.
package struct Facts: Sendable {
    package var workspaces: [WorkspaceID: WorkspaceState] = [:]
    package var links: [LinkID: LinkState] = [:]
    /// Under each id that was told of them.
    package var clicks: [ClickID: Click] = [:]
    /// The last click of an identity on a link.
    package var lastClicks: [VisitKey: LastClick] = [:]
    package var customers: [CustomerKey: Customer] = [:]
    package private(set) var leads: [LeadKey: LeadState] = [:]
    /// The questions that were asked about each customer's leads, for new leads to answer.
    private var leadQuestions: [CustomerKey: [LeadKey]] = [:]
    /// Of all customers.
    private var questionCount = 0
    /// Those that hardly anybody asks twice: about the leads up to some moment, or about what is
    /// not there.
    private var passingQuestions: [LeadKey] = []
    package var leadClaims: Set<LeadClaim> = []
    package var invoices: [InvoiceKey: SaleReceipt] = [:]
    /// Whether a sale may come again under its own id.
    package var hasImports = false
    /// Sales already recorded under the id of an imported one.
    package var importedSales: [SaleID: SaleReceipt] = [:]
    /// The links that a customer has bought through.
    package var conversions: [CustomerKey: Set<LinkID>] = [:]
    /// Those of the calls to be tried again or given up that are kept.
    package var rejections: Set<RejectionKey> = []
    /// What a command that stands alone looks at.
    package var registry = Registry()

    package init() {}

    /// Notes a question about a customer's leads and what the database answers.
    package mutating func ask(_ question: LeadKey, answer: LeadState?) {
        leads[question] = answer
        let isAsked = leadQuestions[question.customer]?.contains(question) == true
        if isAsked { return }
        leadQuestions[question.customer, default: []].append(question)
        questionCount += 1
        if answer == nil || question.choice != .newest(until: .distantFuture) {
            passingQuestions.append(question)
        }
    }

    /// Whether all is here that deciding the sale looks at, but for what the call itself names: its
    /// click, its invoice.
    package func knowsBuyer(of sale: RecordSale) -> Bool {
        guard let customer = customers[sale.customer], let lead = leads[sale.lead] else {
            return false
        }
        return links[lead.linkID] != nil && customer.linkID.map { links[$0] != nil } ?? true
            && (customer.sales == 0 || conversions[sale.customer] != nil)
            && workspaces[sale.customer.workspaceID] != nil
    }

    package mutating func forget(_ invoices: [InvoiceKey]) {
        for key in invoices { self.invoices[key] = nil }
        rejections.removeAll(keepingCapacity: true)
    }

    /// What passes is looked through from end to end, and is to be forgotten beyond this.
    private static let passingMax = 4_096

    /// Whether it is time for `forgetPassing`.
    package func isLarger(than countMax: Int) -> Bool {
        hasTooMany(countMax) || max(passingQuestions.count, importedSales.count) > Self.passingMax
    }

    /// Questions are asked about customers who are not there, too.
    private func hasTooMany(_ countMax: Int) -> Bool {
        max(links.count, customers.count, workspaces.count, questionCount) > countMax
    }

    /// Leaves what the next batch may start from, if nobody else writes in between: who and what
    /// events refer to again and again. What they say themselves comes once.
    ///
    /// - Parameter countMax: of more customers, links, workspaces or questions than these, none
    ///   stays.
    package mutating func forgetPassing(countMax: Int) {
        clicks.removeAll(keepingCapacity: true)
        lastClicks.removeAll(keepingCapacity: true)
        leadClaims.removeAll(keepingCapacity: true)
        invoices.removeAll(keepingCapacity: true)
        importedSales.removeAll(keepingCapacity: true)
        rejections.removeAll(keepingCapacity: true)
        guard !hasTooMany(countMax) else {
            (links, workspaces, customers, conversions) = ([:], [:], [:], [:])
            (leads, leadQuestions, questionCount, passingQuestions) = ([:], [:], 0, [])
            return
        }
        for question in passingQuestions {
            leads[question] = nil
            leadQuestions[question.customer]?.removeAll { $0 == question }
            if leadQuestions[question.customer]?.isEmpty == true {
                leadQuestions[question.customer] = nil
            }
        }
        questionCount -= passingQuestions.count
        passingQuestions.removeAll(keepingCapacity: true)
    }
}

package struct WorkspaceState: Equatable, Sendable {
    package var allowedHostnames: [String]
    package var conflictPolicy: ConflictPolicy
    package var saleAmount: Int64
    package init(allowedHostnames: [String], conflictPolicy: ConflictPolicy, saleAmount: Int64) {
        self.allowedHostnames = allowedHostnames
        (self.conflictPolicy, self.saleAmount) = (conflictPolicy, saleAmount)
    }
}

/// The part of a link that decisions and tracking answers need.
package struct LinkState: Equatable, Sendable {
    package var id: LinkID
    package var workspaceID: WorkspaceID
    package var domain: String
    package var key: String
    package var url: String
    package var externalID: String?
    package var tenantID: String?
    package var isDisabled: Bool
    package var isDeleted: Bool
    package var saleAmount: Int64

    package init(
        id: LinkID, workspaceID: WorkspaceID, domain: String, key: String, url: String,
        externalID: String?, tenantID: String?, isDisabled: Bool, isDeleted: Bool,
        saleAmount: Int64
    ) {
        (self.id, self.workspaceID) = (id, workspaceID)
        (self.domain, self.key, self.url) = (domain, key, url)
        (self.externalID, self.tenantID) = (externalID, tenantID)
        (self.isDisabled, self.isDeleted, self.saleAmount) = (isDisabled, isDeleted, saleAmount)
    }
}

extension LinkState {
    package init(_ link: Link) {
        self.init(
            id: link.id, workspaceID: link.workspaceID, domain: link.domain, key: link.key,
            url: link.url, externalID: link.externalID, tenantID: link.tenantID,
            isDisabled: link.disabledAt != nil, isDeleted: false, saleAmount: link.saleAmount)
    }
}

/// Who visits what. A program that gives itself a browser's name does not use up the click of a
/// person behind the same address.
package struct VisitKey: Hashable, Sendable {
    package let linkID: LinkID
    package let identity: String
    package let isBot: Bool

    /// nil: nothing is known of the visitor.
    package init?(linkID: LinkID, _ visitor: Visitor) {
        guard let identity = visitor.identity else { return nil }
        (self.linkID, self.identity, isBot) = (linkID, identity, visitor.isBot)
    }
}

package struct LastClick: Equatable, Sendable {
    package var id: ClickID
    package var at: Timestamp
    package init(id: ClickID, at: Timestamp) { (self.id, self.at) = (id, at) }
}

/// A question about a customer's leads (of that name).
package struct LeadKey: Hashable, Sendable {
    package enum Choice: Hashable, Sendable {
        /// Up to a moment.
        case newest(until: Timestamp)
        case oldest
    }
    package let customer: CustomerKey
    package let eventName: String?
    package let choice: Choice
    package init(customer: CustomerKey, eventName: String?, _ choice: Choice) {
        (self.customer, self.eventName, self.choice) = (customer, eventName, choice)
    }

    /// Whether a lead answers the question better than the one that does so far.
    func prefers(_ lead: Lead, to known: LeadState?) -> Bool {
        guard eventName == nil || isSame(eventName, lead.eventName) else { return false }
        let state = LeadState(lead)
        switch choice {
        case .newest(let until):
            return lead.at <= until && known.map { state.isNewer(than: $0) } ?? true
        case .oldest: return known.map { $0.isNewer(than: state) } ?? true
        }
    }

    package static func == (a: Self, b: Self) -> Bool {
        a.customer == b.customer && isSame(a.eventName, b.eventName) && a.choice == b.choice
    }

    /// The customer alone: about most there is one question.
    package func hash(into hasher: inout Hasher) { hasher.combine(customer) }
}

package struct LeadState: Equatable, Sendable {
    package var id: LeadID
    package var linkID: LinkID
    package var clickID: ClickID?
    package var at: Timestamp
    package init(id: LeadID, linkID: LinkID, clickID: ClickID?, at: Timestamp) {
        (self.id, self.linkID, self.clickID, self.at) = (id, linkID, clickID, at)
    }

    init(_ lead: Lead) {
        self.init(id: lead.id, linkID: lead.linkID, clickID: lead.clickID, at: lead.at)
    }

    /// Newest by time; of the same millisecond, by id.
    func isNewer(than other: LeadState) -> Bool {
        at == other.at ? id > other.id : at > other.at
    }
}

/// What a command about a record sees: existing records that names and keys must not collide with,
/// and those that it names.
package struct Registry: Sendable {
    package var links: [LinkSelector: Link] = [:]
    /// The workspace's oldest link with each destination.
    package var linksByURL: [ExactText: Link] = [:]
    /// Of the workspace in this calendar month, if its plan limits them.
    package var linksThisMonth = 0
    /// The command's workspace's.
    package var plan: Plan?
    package var tags: [Tag] = []
    package var folders: [Folder] = []
    package var domains: [String: Domain] = [:]
    /// The workspace's domains but for the one that the command names, oldest first.
    package var otherDomains: [Domain] = []
    /// Whether links stand already on the domain that the command brings.
    package var hasOwnStrays = false
    package var hasForeignStrays = false
    package var customers: [Customer] = []
    package var workspaces: [String: Workspace] = [:]
    package var tokens: [TokenID: Token] = [:]
    package var tokenCounts: [WorkspaceID: Int] = [:]
    package init() {}
}

extension Facts {
    /// The same change that the database will see, on the facts in memory. Held to it by a test:
    /// facts after absorbing equal facts loaded after the commit.
    package mutating func absorb(_ change: Change) {
        switch change {
        case .insertClick(let click): absorb(click)
        case .repeatClick(let id, let first): clicks[id] = clicks[first]
        case .insertCustomer(let customer): customers[customer.key] = customer
        case .attachCustomer(let key, let click):
            customers[key]?.linkID = click.linkID
            customers[key]?.clickID = click.id
            customers[key]?.clickedAt = click.at
        case .claimLead(let claim, _, _): leadClaims.insert(claim)
        case .insertLead(let lead, let key): absorb(lead, of: key)
        case .insertSale(let receipt): absorb(receipt)
        case .convert(let receipt):
            conversions[receipt.customer.key, default: []].insert(receipt.sale.linkID)
        case .insertRejection(let rejection):
            rejections.insert(RejectionKey(rejection.workspaceID, rejection.id))
        case .discardRejection(let id, let workspaceID):
            rejections.remove(RejectionKey(workspaceID, id))
        // Whatever changes the registry stands alone: the next command's facts are loaded anew.
        default: break
        }
    }

    private mutating func absorb(_ click: Click) {
        clicks[click.id] = click
        if let key = VisitKey(linkID: click.linkID, click.visitor) {
            if let last = lastClicks[key], last.at > click.at { return }
            lastClicks[key] = LastClick(id: click.id, at: click.at)
        }
    }

    private mutating func absorb(_ lead: Lead, of key: CustomerKey) {
        for question in leadQuestions[key] ?? []
        where question.prefers(lead, to: leads[question]) {
            leads[question] = LeadState(lead)
        }
    }

    private mutating func absorb(_ receipt: SaleReceipt) {
        let sale = receipt.sale
        if hasImports { importedSales[sale.id] = receipt }
        if let invoice = sale.invoiceID.nonEmpty {
            invoices[InvoiceKey(workspaceID: sale.workspaceID, invoiceID: invoice)] = receipt
        }
        customers[receipt.customer.key]?.note(sale)
        guard let amount = sale.baseAmount else { return }
        links[sale.linkID]?.saleAmount += amount
        workspaces[sale.workspaceID]?.saleAmount += amount
    }
}
