/// What became of a command, once it is durable.
// Indirect: handed on many times, one pointer is cheaper to copy than a dozen texts.
package indirect enum Outcome: Sendable {
    case click(Recorded)
    case lead(LeadOutcome)
    case sale(SaleOutcome)
    case customer(Customer, isCreated: Bool)
    case link(Link)
    case deleted(LinkID)
    case tag(Tag)
    case folder(Folder)
    case domain(Domain)
    /// Of a tag, folder, domain or customer, or of a call that is kept.
    case done
    /// So many kept calls are given up.
    case discarded(Int)
    case workspace(Workspace)
    case token(Token)
    case writable
    /// Nothing changed.
    case refused(Refusal)

    package struct Recorded: Equatable, Sendable {
        /// The click that stands: the one of the command, or an earlier one of the same visitor.
        package var id: ClickID
        package var at: Timestamp
        package var isRepeat: Bool
        package init(id: ClickID, at: Timestamp, isRepeat: Bool) {
            (self.id, self.at, self.isRepeat) = (id, at, isRepeat)
        }

        static func again(_ id: ClickID, at: Timestamp) -> Self {
            Self(id: id, at: at, isRepeat: true)
        }
    }
}

package enum LeadOutcome: Equatable, Sendable {
    /// `isRecorded` is false for a deferred lead, where only the customer is kept.
    case tracked(LeadReceipt, isRecorded: Bool)
    /// This customer already has a lead of that name; nothing changed.
    case duplicate(clickID: ClickID, customer: Customer)
}

package struct LeadReceipt: Equatable, Sendable {
    package var clickID: ClickID
    package var link: LinkState
    package var customer: Customer
}

package enum SaleOutcome: Equatable, Sendable {
    case recorded(SaleReceipt)
    /// The invoice is known: the first answer, and the fields in which the request differs from it.
    case replayed(SaleReceipt, differing: [String])
    /// The customer is unknown, or the amount is 0: nothing changed.
    case ignored(eventName: String, RejectionReason)
}

/// A sale and its customer as it was before. An object, for the reason that `Outcome` is indirect.
package final class SaleReceipt: Equatable, Sendable {
    package let sale: Sale
    package let customer: Customer
    package init(sale: Sale, customer: Customer) { (self.sale, self.customer) = (sale, customer) }

    package static func == (a: SaleReceipt, b: SaleReceipt) -> Bool {
        a.sale == b.sale && a.customer == b.customer
    }
}

/// Why a command changed nothing. How each is answered stands in one place of the server.
package enum Refusal: Equatable, Sendable {
    // Clicks named by a request.
    case clickRequired
    case clickNotFound(ClickID)
    /// An imported click's id is that of a click on another link.
    case clickIDTaken(ClickID)
    case linkOfClickNotFound(ClickID)
    case linkOfClickForeign(LinkID, ClickID)
    case linkOfClickDisabled(LinkID, ClickID, EventKind)
    case hostnameDenied(String?)
    // The customer's own link and leads.
    case linkOfCustomerNotFound(CustomerID)
    case linkOfCustomerDisabled(LinkID, CustomerID)
    case leadNotFound(externalID: String, leadEventName: String?)
    // Sales.
    case invoiceConflict(differing: [String])
    case totalTooLarge
    /// A call that was kept is not there any more to be tried again.
    case rejectionNotFound(RejectionID)
    // Customers.
    case customerNotFound
    case customerExists
    case stripeCustomerTaken
    // Links, domains, workspaces, tokens.
    case linkNotFound
    /// Only a domain's root may be without one.
    case destinationMissing
    case missingFeature(LinkField.Feature)
    case linkLimitReached(Int, Plan)
    /// A destination is on one of the server's own link domains.
    case linkLoop(String)
    case testNeedsConversions
    case testEndsBeforeStart
    case tagIDsNotFound([String])
    case tagNamesNotFound([String])
    case tagNotFound
    case tagNameTaken
    case folderNotFound
    case folderNameTaken(String)
    case domainNotFound(String)
    case linkForeign(WorkspaceID)
    case keyTaken
    case externalIDTaken
    case rootLinkKept
    case rootLinkStays
    case domainTaken
    case domainForeign
    case slugTaken(String)
    case workspaceNotFound(String)
    case tokenNotFound(String)
    case tokenLimitReached(Int)

    package enum EventKind: String, Sendable { case lead, sale }
}
