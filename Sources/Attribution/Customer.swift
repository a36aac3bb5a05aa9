/// UTF-16 units of the id that a user's own system has for a customer.
package let customerExternalIDMax = 100

/// Somebody who came through a link, known by the id the user's own system has for them.
package struct Customer: Equatable, Sendable {
    package var id: CustomerID
    package var workspaceID: WorkspaceID
    package var externalID: String
    package var name: String?
    package var email: String?
    package var avatar: String?
    package var country: String?
    /// The link and click that brought the customer; nil for one that was imported without.
    package var linkID: LinkID?
    package var clickID: ClickID?
    package var clickedAt: Timestamp?
    package var createdAt: Timestamp
    /// The customer's id at Stripe, unique within the workspace.
    package var stripeCustomerID: String?
    package var subscriptionCanceledAt: Timestamp?
    /// Events keep the customer's id; nothing else is kept of one who was deleted.
    package var deletedAt: Timestamp?

    package var sales: Int64 = 0
    /// Minor units of the base currency.
    package var saleAmount: Int64 = 0
    package var firstSaleAt: Timestamp?
    /// The sale recorded last, where the chain of the customer's sales begins.
    package var lastSaleID: SaleID?

    package init(
        id: CustomerID, workspaceID: WorkspaceID, externalID: String, createdAt: Timestamp
    ) {
        (self.id, self.workspaceID) = (id, workspaceID)
        (self.externalID, self.createdAt) = (externalID, createdAt)
    }

    /// What the customer is called: the name, else the e-mail address, else three words that are
    /// always the same.
    package var shownName: String { name.nonEmpty ?? email.nonEmpty ?? spareName(of: id) }

    /// What stands in the place of a deleted customer's external id: longer than any that a request
    /// may name.
    var forgottenExternalID: String {
        "deleted:\(id):" + String(repeating: "-", count: customerExternalIDMax)
    }

    /// As answers show who was deleted: events and answers of before stay without the person.
    package var asShown: Customer {
        if deletedAt == nil { return self }
        var customer = self
        (customer.name, customer.email) = ("Deleted Customer", "deleted@customer.com")
        (customer.externalID, customer.createdAt) = (id.text, Timestamp(milliseconds: 0))
        customer.firstSaleAt = nil
        customer.subscriptionCanceledAt = nil
        return customer
    }

    package var key: CustomerKey { CustomerKey(workspaceID: workspaceID, externalID: externalID) }

    mutating func note(_ sale: Sale) {
        sales += 1
        saleAmount += sale.baseAmount ?? 0
        firstSaleAt = min(firstSaleAt ?? sale.at, sale.at)
        lastSaleID = sale.id
    }
}

/// How requests name a customer.
package struct CustomerKey: Hashable, Sendable {
    package let workspaceID: WorkspaceID
    package let externalID: String
    package init(workspaceID: WorkspaceID, externalID: String) {
        (self.workspaceID, self.externalID) = (workspaceID, externalID)
    }

    package static func == (a: Self, b: Self) -> Bool {
        isSame(a.externalID, b.externalID) && a.workspaceID == b.workspaceID
    }

    /// The customer alone: few workspaces have one of the same id.
    package func hash(into hasher: inout Hasher) { hasher.combine(externalID) }
}

/// What a request says about a customer who may have to be created.
package struct CustomerProfile: Equatable, Sendable {
    /// The id a new customer gets, stamped with the request.
    package var id: CustomerID
    package var name: String?
    package var email: String?
    package var avatar: String?

    package init(
        id: CustomerID, name: String? = nil, email: String? = nil, avatar: String? = nil
    ) {
        (self.id, self.name, self.email, self.avatar) = (id, name, email, avatar)
    }

    /// A new customer that `click` brought.
    package func customer(_ key: CustomerKey, from click: Click?, at: Timestamp) -> Customer {
        var customer = Customer(
            id: id, workspaceID: key.workspaceID, externalID: key.externalID, createdAt: at)
        customer.name = name.nonEmpty ?? email.nonEmpty ?? spareName(of: id)
        customer.email = email.nonEmpty
        customer.avatar = avatar.nonEmpty
        customer.country = click?.visitor.country
        customer.linkID = click?.linkID
        customer.clickID = click?.id
        customer.clickedAt = click?.at
        return customer
    }
}

/// Three words for a customer of whom neither name nor e-mail is given, taken from the random part
/// of the id.
func spareName(of id: CustomerID) -> String {
    var digits = id.text.utf8.suffix(12).reduce(UInt64(0)) { $0 &* 33 &+ UInt64($1) }
    func word(_ words: [String]) -> String {
        defer { digits /= UInt64(words.count) }
        return words[Int(digits % UInt64(words.count))]
    }
    return [word(spareSizes), word(spareColors), word(spareAnimals)].joined(separator: " ")
}

private let spareSizes = ["Big", "Small", "Swift", "Calm", "Bright", "Brave", "Kind", "Quiet"]
private let spareColors = ["Red", "Blue", "Green", "Amber", "White", "Violet", "Golden", "Grey"]
private let spareAnimals = [
    "Caribou", "Heron", "Otter", "Lynx", "Falcon", "Badger", "Dolphin", "Ibex", "Marten",
    "Plover", "Seal", "Wren",
]

extension String? {
    /// The text unless it is empty.
    package var nonEmpty: String? {
        guard let self, !self.isEmpty else { return nil }
        return self
    }
}
