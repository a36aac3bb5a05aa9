import Attribution
import Wire

/// A track call becomes a command: when it comes, and when one that is kept is tried again.
extension TrackEndpoint {
    /// nil for the endpoints of sites' scripts: what makes a click of them is not in the body.
    ///
    /// - Parameter hostname: of the site, for endpoints that need no secret.
    package func command(
        _ bytes: UnsafeBufferPointer<UInt8>, _ workspaceID: WorkspaceID, _ stamper: Stamper,
        hostname: String?
    ) throws(BodyError) -> Command? {
        switch self {
        case .sale: try sale(try Body(bytes), bytes, workspaceID, stamper, hostname)
        case .lead: try lead(try Body(bytes), bytes, workspaceID, stamper, hostname)
        case .clientSale:
            try sale(
                try Body(members: try ClientRules.narrowed(try readMembers(bytes), isLead: false)),
                bytes, workspaceID, stamper, hostname)
        case .clientLead:
            try lead(
                try Body(members: try ClientRules.narrowed(try readMembers(bytes), isLead: true)),
                bytes, workspaceID, stamper, hostname)
        case .click, .visit: nil
        }
    }

    /// Notes whom and what a body is about that could not become a command, as far as it can be
    /// read.
    package func name(_ rejection: inout Rejection, by bytes: UnsafeBufferPointer<UInt8>) {
        guard isReplayable, let members = try? readMembers(bytes) else { return }
        func text(_ name: String) -> String? {
            guard case .string(let text) = members.first(where: { $0.name == name })?.value else {
                return nil
            }
            let subject = self == .sale ? text : trim(text)
            return subject.isEmpty ? nil : subject
        }
        rejection.name(
            customer: text("customerExternalId") ?? text("externalId") ?? text("customerId"),
            invoice: text("invoiceId"))
    }

    private func sale(
        _ body: Body<SaleField>, _ bytes: UnsafeBufferPointer<UInt8>, _ workspaceID: WorkspaceID,
        _ stamper: Stamper, _ hostname: String?
    ) throws(BodyError) -> Command {
        var sale = try body.command(workspaceID, stamper)
        sale.call = TrackCall(
            for: sale.id, self, body: String(decoding: bytes, as: UTF8.self), hostname: hostname)
        return .recordSale(sale)
    }

    private func lead(
        _ body: Body<LeadField>, _ bytes: UnsafeBufferPointer<UInt8>, _ workspaceID: WorkspaceID,
        _ stamper: Stamper, _ hostname: String?
    ) throws(BodyError) -> Command {
        var lead = try body.command(workspaceID, stamper)
        lead.call = TrackCall(
            for: lead.ids.first, self, body: String(decoding: bytes, as: UTF8.self),
            hostname: hostname)
        return .recordLead(lead)
    }
}

extension Rejection {
    /// The command that tries the call again, as of the moment when it came; nil if it can't be.
    ///
    /// - Parameter allowedHostnames: of the workspace. A call of a site that may not track is not
    ///   let in by trying it again.
    package func retry(_ stamper: Stamper, allowedHostnames: [String]) -> Command? {
        guard isReplayable else { return nil }
        let now = stamper.now()
        var again = RecordRejection(rejection: self, retriedAt: now)
        if endpoint.isPublic, !isAllowed(hostname: hostname, by: allowedHostnames) {
            (again.rejection.reason, again.rejection.detail) = (.hostnameDenied, hostname)
            return .recordRejection(again)
        }
        let call = TrackCall(id: id, endpoint: endpoint, body: body.text, retriedAt: now)
        let command = try? Array(body.text.utf8).withUnsafeBufferPointer {
            try endpoint.command($0, workspaceID, stamper, hostname: hostname)
        }
        // The customer may be called otherwise than in the body by now.
        let customer = customerExternalID.map {
            CustomerKey(workspaceID: workspaceID, externalID: $0)
        }
        switch command {
        case .recordSale(var sale):
            (sale.at, sale.call, sale.customer) = (at, call, customer ?? sale.customer)
            return .recordSale(sale)
        case .recordLead(var lead):
            (lead.at, lead.call, lead.customer) = (at, call, customer ?? lead.customer)
            return .recordLead(lead)
        // A body that could not be read is no better this time.
        default: return .recordRejection(again)
        }
    }
}

/// What became of a call that was tried again.
package struct Retry: Sendable {
    package enum Result: String, Sendable, CaseIterable {
        case recorded
        /// It had been recorded before: by its invoice, or by the lead's name.
        case replayed
        case refused
        /// It is not kept any more: somebody else tried it or gave it up at this moment.
        case gone
    }
    package let id: RejectionID
    package let result: Result
    /// Why it was refused.
    package let reason: RejectionReason?
    package let detail: String?

    package init(_ rejection: Rejection, _ outcome: Outcome) {
        id = rejection.id
        if let (reason, detail) = outcome.rejection {
            (result, self.reason, self.detail) = (.refused, reason, detail)
            return
        }
        switch outcome {
        case .sale(.recorded), .lead(.tracked): result = .recorded
        case .sale(.replayed), .lead(.duplicate): result = .replayed
        case .refused(.rejectionNotFound): result = .gone
        default:
            (result, reason, detail) = (.refused, rejection.reason, rejection.detail)
            return
        }
        (reason, detail) = (nil, nil)
    }

    /// One that can't be tried again.
    package init(impossible rejection: Rejection) {
        (id, result, reason) = (rejection.id, .refused, rejection.reason)
        detail =
            rejection.endpoint.isReplayable
            ? "The body was not kept as it came. Send the call again yourself."
            : "A click can't be replayed: what makes it is not in the body."
    }
}

extension BodyError {
    /// Under which name a call with such a body is kept, and what was wrong.
    package var rejection: (reason: RejectionReason, detail: String) {
        switch self {
        case .malformed(let message): (.malformedBody, message)
        case .invalid(let issue): (.invalidBody, issue.text)
        }
    }
}
