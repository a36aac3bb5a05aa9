import Attribution
import Wire

/// A track call becomes a command: when it comes, and when one that is kept is tried again.
extension TrackEndpoint {
    /// nil for the endpoints of sites' scripts: what makes a click of them is not in the body.
    package func command(
        _ bytes: UnsafeBufferPointer<UInt8>, _ workspaceID: WorkspaceID, _ stamper: Stamper
    ) throws(BodyError) -> Command? {
        switch self {
        case .sale: try sale(try Body(bytes), bytes, workspaceID, stamper)
        case .lead: try lead(try Body(bytes), bytes, workspaceID, stamper)
        case .clientSale:
            try sale(
                try Body(members: try ClientRules.narrowed(try readMembers(bytes), isLead: false)),
                bytes, workspaceID, stamper)
        case .clientLead:
            try lead(
                try Body(members: try ClientRules.narrowed(try readMembers(bytes), isLead: true)),
                bytes, workspaceID, stamper)
        case .click, .visit: nil
        }
    }

    private func sale(
        _ body: Body<SaleField>, _ bytes: UnsafeBufferPointer<UInt8>, _ workspaceID: WorkspaceID,
        _ stamper: Stamper
    ) throws(BodyError) -> Command {
        var sale = try body.command(workspaceID, stamper)
        sale.call = TrackCall(for: sale.id, self, body: String(decoding: bytes, as: UTF8.self))
        return .recordSale(sale)
    }

    private func lead(
        _ body: Body<LeadField>, _ bytes: UnsafeBufferPointer<UInt8>, _ workspaceID: WorkspaceID,
        _ stamper: Stamper
    ) throws(BodyError) -> Command {
        var lead = try body.command(workspaceID, stamper)
        lead.call = TrackCall(
            for: lead.ids.first, self, body: String(decoding: bytes, as: UTF8.self))
        return .recordLead(lead)
    }
}

extension Rejection {
    /// The command that tries the call again, as of the moment when it came.
    package func retry(_ stamper: Stamper) throws(BodyError) -> Command? {
        let command = try Array(body.utf8).withUnsafeBufferPointer { bytes throws(BodyError) in
            try endpoint.command(bytes, workspaceID, stamper)
        }
        let call = TrackCall(
            id: id, endpoint: endpoint, body: body, retriedAt: stamper.now())
        switch command {
        case .recordSale(var sale):
            (sale.at, sale.call) = (at, call)
            return .recordSale(sale)
        case .recordLead(var lead):
            (lead.at, lead.call) = (at, call)
            return .recordLead(lead)
        default: return nil
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
    }
    package let id: RejectionID
    package let result: Result
    /// Why it was refused.
    package let reason: RejectionReason?
    package let detail: String?

    package init(_ id: RejectionID, _ outcome: Outcome) {
        self.id = id
        if let (reason, detail) = outcome.rejection {
            (result, self.reason, self.detail) = (.refused, reason, detail)
            return
        }
        (reason, detail) = (nil, nil)
        switch outcome {
        case .sale(.recorded), .lead(.tracked): result = .recorded
        case .sale(.replayed), .lead(.duplicate): result = .replayed
        // It went away meanwhile.
        default: result = .refused
        }
    }

    package init(refused rejection: Rejection) {
        (id, result) = (rejection.id, .refused)
        (reason, detail) = (rejection.reason, rejection.detail)
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
