/// Everything that can be asked to change. Whoever asks (API, import, command line) translates to
/// one of these; ids and time are stamped before, so that a command is plain data and deciding it
/// twice gives the same answer.
// Indirect: handed on many times, one pointer is cheaper to copy than a dozen texts.
package indirect enum Command: Sendable {
    case recordClick(RecordClick)
    case recordLead(RecordLead)
    case recordSale(RecordSale)
    case addCustomer(AddCustomer)
    case recordRejection(RecordRejection)
    case discardRejections(DiscardRejections)
    /// Writes a number that nobody reads, to show that writing works.
    case proveWritable

    // Each of these is decided alone, on facts of its own: see `standsAlone`.
    case createCustomer(CreateCustomer)
    case updateCustomer(UpdateCustomer)
    case deleteCustomer(DeleteCustomer)
    case createLink(CreateLink)
    case updateLink(UpdateLink)
    case upsertLink(UpsertLink)
    case deleteLink(DeleteLink)
    case createTag(CreateTag)
    case updateTag(UpdateTag)
    case deleteTag(DeleteTag)
    case createFolder(CreateFolder)
    case updateFolder(UpdateFolder)
    case deleteFolder(DeleteFolder)
    case createDomain(CreateDomain)
    case updateDomain(UpdateDomain)
    case deleteDomain(DeleteDomain)
    case createWorkspace(CreateWorkspace)
    case updateWorkspace(UpdateWorkspace)
    case createToken(CreateToken)
    case revokeToken(RevokeToken)

    /// Whether the command is about records that others of its batch may know by another name
    /// (a key, a slug, an external id). They are rare: facts are loaded anew for each, and its
    /// changes are written before the next command's facts are loaded, in the same transaction.
    package var standsAlone: Bool {
        switch self {
        case .recordClick, .recordLead, .recordSale, .addCustomer, .recordRejection,
            .discardRejections, .proveWritable:
            false
        default: true
        }
    }
}

/// How a command came in, where that changes a rule.
package enum Origin: Sendable {
    /// Happening now: the newest lead counts, ids are fresh.
    case live
    /// Happened before: only leads up to the event's own time count, and an id may be one that an
    /// earlier run of the same import has already recorded.
    case imported
}

package struct RecordClick: Sendable {
    package var id: ClickID
    package var linkID: LinkID
    package var at: Timestamp
    /// Where the visitor went; nil: the link's destination.
    package var url: String?
    package var trigger: Trigger = .link
    package var visitor: Visitor
    /// The site whose script reports the click, to be checked against the workspace's allowed
    /// hostnames; `.some(nil)`: no site was named. nil: no check, the visitor followed the link.
    package var reportingHostname: String??
    package var origin: Origin = .live
    /// The click that the visitor's cookie names.
    package var known: ClickID?
    /// The visitor has been told the id, whatever will be decided: if another click stands for this
    /// one, the id stands for that click.
    package var isTold = false
    /// The call of a site's script; nil: the visitor followed the link.
    package var call: TrackCall?

    package init(id: ClickID, linkID: LinkID, at: Timestamp, visitor: Visitor) {
        (self.id, self.linkID, self.at, self.visitor) = (id, linkID, at, visitor)
    }
}

package enum LeadMode: String, Sendable, CaseIterable {
    /// Both record the lead before the answer; the names are Dub's.
    case async, wait
    /// Only the customer is created; a later request records the lead.
    case deferred
}

package struct RecordLead: Sendable {
    /// One id for each event to record (`eventQuantity`).
    package var ids: [LeadID]
    package var customer: CustomerKey
    package var clickID: ClickID?
    package var eventName: String
    package var mode: LeadMode
    package var profile: CustomerProfile
    package var metadata: String?
    package var at: Timestamp
    package var origin: Origin = .live
    /// nil if it did not come as a call: nothing is kept if it records nothing.
    package var call: TrackCall?

    package init(
        ids: [LeadID], customer: CustomerKey, clickID: ClickID?, eventName: String,
        mode: LeadMode = .async, profile: CustomerProfile, metadata: String? = nil, at: Timestamp
    ) {
        (self.ids, self.customer, self.clickID) = (ids, customer, clickID)
        (self.eventName, self.mode, self.profile) = (eventName, mode, profile)
        (self.metadata, self.at) = (metadata, at)
    }

    package var claim: LeadClaim { LeadClaim(customer: customer, eventName: eventName) }
}

/// One lead per customer and event name, for ever. Names are compared in lower case with dashes
/// for spaces, as Dub does.
package struct LeadClaim: Hashable, Sendable {
    package let customer: CustomerKey
    package let normalizedName: String
    package init(customer: CustomerKey, eventName: String) {
        self.customer = customer
        normalizedName = Self.normalized(eventName)
    }

    package static func normalized(_ name: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in name.lowercased().unicodeScalars {
            result.append(scalar == " " ? "-" : scalar)
        }
        return String(result)
    }

    package static func == (a: Self, b: Self) -> Bool {
        isSame(a.normalizedName, b.normalizedName) && a.customer == b.customer
    }
}

package struct RecordSale: Sendable {
    package var id: SaleID
    package var customer: CustomerKey
    package var money: Money
    package var eventName: String
    package var paymentProcessor: PaymentProcessor
    package var invoiceID: String?
    /// Credit this lead (case-sensitive) instead of the newest.
    package var leadEventName: String?
    package var metadata: String?
    package var clickID: ClickID?
    package var profile: CustomerProfile
    /// The id of the lead that a direct sale of a new customer makes.
    package var directLeadID: LeadID
    package var at: Timestamp
    package var origin: Origin = .live
    /// As in `RecordLead`.
    package var call: TrackCall?

    package init(
        id: SaleID, customer: CustomerKey, money: Money, eventName: String,
        paymentProcessor: PaymentProcessor = .custom, invoiceID: String? = nil,
        leadEventName: String? = nil, metadata: String? = nil, clickID: ClickID? = nil,
        profile: CustomerProfile, directLeadID: LeadID, at: Timestamp
    ) {
        (self.id, self.customer, self.money, self.eventName) = (id, customer, money, eventName)
        (self.paymentProcessor, self.invoiceID) = (paymentProcessor, invoiceID)
        (self.leadEventName, self.metadata, self.clickID) = (leadEventName, metadata, clickID)
        (self.profile, self.directLeadID, self.at) = (profile, directLeadID, at)
    }

    package var invoice: InvoiceKey? {
        invoiceID.nonEmpty.map { InvoiceKey(workspaceID: customer.workspaceID, invoiceID: $0) }
    }
    /// The lead that it is credited to. What happens now sees them all; what happened before, those
    /// of up to its own time.
    package var lead: LeadKey {
        let isNow = origin == .live && call?.retriedAt == nil
        return LeadKey(
            customer: customer, eventName: leadEventName.nonEmpty,
            .newest(until: isNow ? .distantFuture : at))
    }
    /// Of a call that is tried again: if there was no lead yet when it came, the first one since.
    package var laterLead: LeadKey? {
        guard call?.retriedAt != nil else { return nil }
        return LeadKey(customer: customer, eventName: leadEventName.nonEmpty, .oldest)
    }
}

/// One sale per workspace and invoice, for ever.
package struct InvoiceKey: Hashable, Sendable {
    package let workspaceID: WorkspaceID
    package let invoiceID: String
    package init(workspaceID: WorkspaceID, invoiceID: String) {
        (self.workspaceID, self.invoiceID) = (workspaceID, invoiceID)
    }

    package static func == (a: Self, b: Self) -> Bool {
        isSame(a.invoiceID, b.invoiceID) && a.workspaceID == b.workspaceID
    }

    /// The invoice alone: few workspaces have the same.
    package func hash(into hasher: inout Hasher) { hasher.combine(invoiceID) }
}

/// A customer known before anything else happened, as imports bring them.
package struct AddCustomer: Sendable {
    package var key: CustomerKey
    package var profile: CustomerProfile
    package var clickID: ClickID?
    package var country: String?
    package var at: Timestamp

    package init(
        key: CustomerKey, profile: CustomerProfile, clickID: ClickID?, country: String?,
        at: Timestamp
    ) {
        (self.key, self.profile, self.clickID) = (key, profile, clickID)
        (self.country, self.at) = (country, at)
    }
}
