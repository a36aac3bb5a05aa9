import Attribution

extension Model {
    /// Rows in the order in which they came, found by their ids.
    struct Table<Key: Hashable & Sendable, Row: Sendable>: Sendable {
        private(set) var rows: [Row] = []
        private var places: [Key: Int] = [:]

        /// Setting a row that is there replaces it where it stands.
        subscript(id: Key) -> Row? {
            get { places[id].map { rows[$0] } }
            set {
                guard let newValue else { return }
                if let place = places[id] {
                    rows[place] = newValue
                } else {
                    places[id] = rows.count
                    rows.append(newValue)
                }
            }
        }
    }

    /// Links that were deleted keep their rows: events name them (differences 15).
    struct LinkRow: Sendable {
        var link: Link
        var isDeleted = false
        var isEnabled: Bool { link.disabledAt == nil }
        var isRoot: Bool { isSame(link.key, Link.rootKey) }
    }

    /// One lead per customer and name, for ever (differences 3).
    struct Claim: Hashable, Sendable {
        let customer: CustomerID
        let name: ExactText

        init(_ customer: CustomerID, _ eventName: String) {
            self.customer = customer
            let scalars = eventName.lowercased().unicodeScalars.map { $0 == " " ? "-" : $0 }
            name = ExactText(String(String.UnicodeScalarView(scalars)))
        }
    }

    /// One visitor of one link; programs are told apart from people.
    struct Visit: Hashable, Sendable {
        let link: LinkID
        let identity: ExactText
        let isBot: Bool
    }

    /// Sums of base amounts, for the one rule that asks for them.
    struct Totals: Sendable {
        var customers: [CustomerID: Int64] = [:]
        var links: [LinkID: Int64] = [:]
        var workspaces: [WorkspaceID: Int64] = [:]

        /// False, and nothing added, if one of the three does not fit any more.
        mutating func add(_ amount: Int64, _ sale: Sale) -> Bool {
            let customer = (customers[sale.customerID] ?? 0).addingReportingOverflow(amount)
            let link = (links[sale.linkID] ?? 0).addingReportingOverflow(amount)
            let workspace = (workspaces[sale.workspaceID] ?? 0).addingReportingOverflow(amount)
            if customer.overflow || link.overflow || workspace.overflow { return false }
            customers[sale.customerID] = customer.partialValue
            links[sale.linkID] = link.partialValue
            workspaces[sale.workspaceID] = workspace.partialValue
            return true
        }
    }
}

extension Model {
    /// A customer who is not deleted.
    func customer(_ key: CustomerKey) -> Customer? {
        customerByKey[key].flatMap { customers[$0] }
    }

    enum ClickCheck {
        case usable(Click)
        case unusable(RejectionReason)
    }

    /// Contract 2.2 step 4: what a lead, a direct sale or an imported customer asks of a click, in
    /// this order.
    func check(_ id: ClickID, in workspace: WorkspaceID) -> ClickCheck {
        guard let click = click(id) else { return .unusable(.clickNotFound) }
        guard let row = links[click.linkID], !row.isDeleted else {
            return .unusable(.linkNotFound)
        }
        guard row.link.workspaceID == workspace else { return .unusable(.linkForeign) }
        guard row.isEnabled else { return .unusable(.linkDisabled) }
        return .usable(click)
    }

    /// Whether the customer has no link, or one that is deleted (differences 24).
    func lacksLink(_ customer: Customer) -> Bool {
        guard let id = customer.linkID, let row = links[id] else { return true }
        return row.isDeleted
    }

    mutating func give(_ id: CustomerID, the click: Click) {
        guard var customer = customers[id] else { return }
        (customer.linkID, customer.clickID) = (click.linkID, click.id)
        customer.clickedAt = click.at
        customers[id] = customer
    }

    mutating func insert(_ customer: Customer) {
        customers[customer.id] = customer
        customerByKey[customer.key] = customer.id
    }

    mutating func insert(_ lead: Lead) {
        leads[lead.id] = lead
        leadsOfCustomer[lead.customerID, default: []].append(lead.id)
    }
}
