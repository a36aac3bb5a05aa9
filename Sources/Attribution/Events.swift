/// Where a click came from, as far as it is known. Unknown parts are nil and answered as
/// `Unknown`.
package struct Visitor: Equatable, Sendable {
    package var ip: String?
    package var userAgent: String?
    package var continent: String?
    /// ISO 3166-1 alpha-2.
    package var country: String?
    package var region: String?
    package var city: String?
    /// `Desktop`, `Mobile`, `Tablet`, …
    package var device: String?
    package var browser: String?
    package var os: String?
    /// Known to be a program: its clicks are kept and not counted.
    package var isBot = false
    package var referer: String?
    package var refererURL: String?
    /// Digest of address and user agent; clicks of one identity on one link within an hour are one.
    package var identity: String?
    /// Digest of address and domain, for a visitor who was sent to an app store: the app, once
    /// installed, finds the click by it.
    package var storeVisit: String?

    package init() {}
}

package enum Trigger: String, Sendable, CaseIterable {
    case link, qr, pageview, deeplink
}

/// Somebody followed a link.
package struct Click: Equatable, Sendable {
    package var id: ClickID
    package var workspaceID: WorkspaceID
    package var linkID: LinkID
    package var at: Timestamp
    package var url: String
    package var trigger: Trigger
    package var visitor: Visitor

    package init(
        id: ClickID, workspaceID: WorkspaceID, linkID: LinkID, at: Timestamp, url: String,
        trigger: Trigger = .link, visitor: Visitor = Visitor()
    ) {
        (self.id, self.workspaceID, self.linkID, self.at) = (id, workspaceID, linkID, at)
        (self.url, self.trigger, self.visitor) = (url, trigger, visitor)
    }
}

/// A customer did something worth counting before paying: signed up, asked for a demo.
package struct Lead: Equatable, Sendable {
    package var id: LeadID
    package var workspaceID: WorkspaceID
    package var customerID: CustomerID
    package var linkID: LinkID
    package var clickID: ClickID?
    package var eventName: String
    package var at: Timestamp
    /// The JSON object as it was sent.
    package var metadata: String?

    package init(
        id: LeadID, workspaceID: WorkspaceID, customerID: CustomerID, linkID: LinkID,
        clickID: ClickID?, eventName: String, at: Timestamp, metadata: String? = nil
    ) {
        (self.id, self.workspaceID, self.customerID) = (id, workspaceID, customerID)
        (self.linkID, self.clickID, self.eventName) = (linkID, clickID, eventName)
        (self.at, self.metadata) = (at, metadata)
    }
}

package enum PaymentProcessor: String, Sendable, CaseIterable {
    case stripe, shopify, polar, paddle, apple, revenuecat, lemonsqueezy, dub, custom
}

/// A customer paid. `money` is what was sent, for ever; `baseAmount` is what the totals count:
/// nil for a currency that has not been converted to the base currency.
package struct Sale: Equatable, Sendable {
    package var id: SaleID
    package var workspaceID: WorkspaceID
    package var customerID: CustomerID
    package var linkID: LinkID
    package var clickID: ClickID?
    /// The lead that earned it; nil if a click did directly.
    package var leadID: LeadID?
    package var eventName: String
    package var at: Timestamp
    package var money: Money
    package var baseAmount: Int64?
    package var paymentProcessor: PaymentProcessor
    package var invoiceID: String?
    /// The JSON object as it was sent.
    package var metadata: String?
    /// The customer's sale that was recorded before this one.
    package var previousSaleID: SaleID?

    package init(
        id: SaleID, workspaceID: WorkspaceID, customerID: CustomerID, linkID: LinkID,
        clickID: ClickID?, leadID: LeadID?, eventName: String, at: Timestamp, money: Money,
        baseAmount: Int64?, paymentProcessor: PaymentProcessor, invoiceID: String?,
        metadata: String?
    ) {
        (self.id, self.workspaceID, self.customerID) = (id, workspaceID, customerID)
        (self.linkID, self.clickID, self.leadID) = (linkID, clickID, leadID)
        (self.eventName, self.at, self.money) = (eventName, at, money)
        (self.baseAmount, self.paymentProcessor) = (baseAmount, paymentProcessor)
        (self.invoiceID, self.metadata) = (invoiceID, metadata)
    }
}
