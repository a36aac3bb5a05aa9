/// A track call that recorded nothing, kept for a while: its owner can see why, mend the cause and
/// send it again.
package struct Rejection: Equatable, Sendable {
    package var id: RejectionID
    package var workspaceID: WorkspaceID
    package var endpoint: TrackEndpoint
    package var reason: RejectionReason
    /// What the reason alone does not say: the field that was wrong, the fields that differ.
    package var detail: String?
    /// When the call came.
    package var at: Timestamp
    package var body: KeptBody
    package var customerExternalID: String?
    package var invoiceID: String?
    /// The site that made a call that needs no secret; nil if it named none.
    package var hostname: String?
    /// How often it was tried, the call itself included.
    package var attempts: Int64 = 1
    package var lastTriedAt: Timestamp

    /// How long one is kept.
    package static let ageMax = 30 * Timestamp.day

    /// How many are kept for a workspace; the oldest go first. Whoever visits a site can make calls
    /// that need no secret: those have a bound of their own, and push nobody else's out.
    package static func countMax(isPublic: Bool) -> Int64 { isPublic ? 1_000 : 10_000 }

    package init(
        id: RejectionID, workspaceID: WorkspaceID, endpoint: TrackEndpoint,
        reason: RejectionReason, detail: String? = nil, at: Timestamp, body: KeptBody,
        customerExternalID: String? = nil, invoiceID: String? = nil
    ) {
        (self.id, self.workspaceID, self.endpoint) = (id, workspaceID, endpoint)
        (self.reason, self.at, self.body) = (reason, at, body)
        self.detail = detail.map(withoutKeys)
        lastTriedAt = at
        name(customer: customerExternalID, invoice: invoiceID)
    }

    /// Notes what the call is about.
    package mutating func name(customer: String?, invoice: String?) {
        customerExternalID = customer.flatMap { hasKey($0) ? nil : $0 }
        invoiceID = invoice.flatMap { hasKey($0) ? nil : $0 }
    }

    /// Whether it can be tried again: what makes a click is not in the body, and nothing but the
    /// very body that came is sent again.
    package var isReplayable: Bool { endpoint.isReplayable && body.isWhole }
}

/// A kept call, and whose it is.
package struct RejectionKey: Hashable, Sendable {
    package let workspaceID: WorkspaceID
    package let id: RejectionID
    package init(_ workspaceID: WorkspaceID, _ id: RejectionID) {
        (self.workspaceID, self.id) = (workspaceID, id)
    }
}

/// Where a track call came in.
package enum TrackEndpoint: String, Sendable, CaseIterable {
    case lead = "/track/lead"
    case sale = "/track/sale"
    case clientLead = "/track/lead/client"
    case clientSale = "/track/sale/client"
    case click = "/track/click"
    case visit = "/track/visit"

    /// Whether it can be called without a secret: by whoever visits a site.
    package var isPublic: Bool { self != .lead && self != .sale }
    /// Whether all that makes the event is in the body.
    package var isReplayable: Bool { self != .click && self != .visit }
}

/// Why a track call recorded nothing. Programs match these: a name is never changed.
package enum RejectionReason: String, Sendable, CaseIterable {
    case malformedBody = "malformed_body"
    case invalidBody = "invalid_body"
    case bodyTooLarge = "body_too_large"
    case hostnameDenied = "hostname_denied"
    case clickRequired = "click_required"
    case clickNotFound = "click_not_found"
    case linkNotFound = "link_not_found"
    case linkForeign = "link_of_other_workspace"
    case linkDisabled = "link_disabled"
    case leadNotFound = "lead_not_found"
    case customerUnknown = "customer_unknown"
    case amountZero = "amount_zero"
    case invoiceConflict = "invoice_conflict"
    case totalTooLarge = "total_too_large"
}

/// The call that a command was made of, so that it can be kept if it records nothing.
package struct TrackCall: Sendable {
    /// Under which it is kept.
    package var id: RejectionID
    package var endpoint: TrackEndpoint
    package var body: String
    /// The site that made it, if it needs no secret.
    package var hostname: String?
    /// When a call that is kept already is tried again; nil: it comes for the first time.
    package var retriedAt: Timestamp?

    package init(
        id: RejectionID, endpoint: TrackEndpoint, body: String, retriedAt: Timestamp? = nil
    ) {
        (self.id, self.endpoint, self.body) = (id, endpoint, body)
        self.retriedAt = retriedAt
    }

    /// A call that comes for the first time, kept under the id of the event that it would record.
    package init<Event>(
        for event: ID<Event>?, _ endpoint: TrackEndpoint, body: String, hostname: String?
    ) {
        self.init(
            id: RejectionID("rej_" + (event?.text ?? "")), endpoint: endpoint, body: body)
        self.hostname = hostname
    }
}

/// A call whose body could not become a command.
package struct RecordRejection: Sendable {
    package var rejection: Rejection
    /// When a call that is kept already is tried again; nil: it comes for the first time.
    package var retriedAt: Timestamp?
    package init(rejection: Rejection, retriedAt: Timestamp? = nil) {
        (self.rejection, self.retriedAt) = (rejection, retriedAt)
    }
}

/// Gives kept calls up.
package struct DiscardRejections: Sendable {
    package var workspaceID: WorkspaceID
    package var ids: [RejectionID]
    package init(workspaceID: WorkspaceID, ids: [RejectionID]) {
        (self.workspaceID, self.ids) = (workspaceID, ids)
    }
}

extension Outcome {
    var isRefused: Bool { if case .refused = self { true } else { false } }

    /// Why a call with this outcome recorded nothing; nil if it did its work (or
    /// never kept calls, as for a click on a link that is not there). A replay of an
    /// invoice with other values is answered and kept too: somebody should look at it.
    package var rejection: (reason: RejectionReason, detail: String?)? {
        switch self {
        case .refused(.invoiceConflict(let differing)): (.invoiceConflict, named(differing))
        case .refused(.hostnameDenied(let host)): (.hostnameDenied, host)
        case .refused(let refusal): refusal.rejectionReason.map { ($0, nil) }
        case .sale(.ignored(_, let reason)): (reason, nil)
        case .sale(.replayed(_, let differing)) where !differing.isEmpty:
            (.invoiceConflict, named(differing))
        default: nil
        }
    }

    private func named(_ fields: [String]) -> String { fields.joined(separator: ",") }
}

extension Refusal {
    /// nil for what only commands about records are refused for.
    package var rejectionReason: RejectionReason? {
        switch self {
        case .clickRequired: .clickRequired
        case .clickNotFound: .clickNotFound
        case .linkOfClickNotFound, .linkOfCustomerNotFound: .linkNotFound
        case .linkOfClickForeign: .linkForeign
        case .linkOfClickDisabled, .linkOfCustomerDisabled: .linkDisabled
        case .leadNotFound: .leadNotFound
        case .hostnameDenied: .hostnameDenied
        case .invoiceConflict: .invoiceConflict
        case .totalTooLarge: .totalTooLarge
        default: nil
        }
    }
}
