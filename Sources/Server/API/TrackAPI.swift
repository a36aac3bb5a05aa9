import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import Wire

/// Everything a handler needs.
struct API: Sendable {
    let ledger: Ledger
    let settings: Settings
    let stamper: Stamper
    let authenticator: Authenticator
    let directory: LinkDirectory
    let shortLinks: ShortLinks

    /// The answer of the ledger once it is durable, refusals and failures as answers of the API.
    func submit(_ command: Command) async throws -> Outcome {
        let outcome: Outcome
        do throws(LedgerError) { outcome = try await ledger.submit(command) } catch {
            throw APIError(error, retryAfter: settings.limits.retryAfterSeconds)
        }
        if case .refused(let refusal) = outcome { throw APIError(refusal) }
        return outcome
    }
}

/// The track endpoints: decode, command, submit, reply.
extension API {
    func trackSale(_ request: Request, _ caller: Caller) async throws -> Response {
        let body = try await request.decode(SaleField.self, limits: settings.limits)
        return try await record(body, caller)
    }

    func trackLead(_ request: Request, _ caller: Caller) async throws -> Response {
        let body = try await request.decode(LeadField.self, limits: settings.limits)
        return try await record(body, caller)
    }

    func trackClientSale(_ request: Request, _ caller: Caller) async throws -> Response {
        let members = try await clientMembers(request, caller, isLead: false)
        return try await record(
            try apiBody { () throws(BodyError) in try Body<SaleField>(members: members) }, caller)
    }

    func trackClientLead(_ request: Request, _ caller: Caller) async throws -> Response {
        let members = try await clientMembers(request, caller, isLead: true)
        return try await record(
            try apiBody { () throws(BodyError) in try Body<LeadField>(members: members) }, caller)
    }

    /// The sale handler up to the point where something would be stored.
    func benchSale(_ request: Request, _ caller: Caller) async throws -> Response {
        let body = try await request.decode(SaleField.self, limits: settings.limits)
        let command = try apiBody { () throws(BodyError) in
            try body.command(caller.workspace.id, stamper)
        }
        let customer = command.profile.customer(command.customer, from: nil, at: command.at)
        let sale = Sale(
            id: command.id, workspaceID: customer.workspaceID, customerID: customer.id,
            linkID: LinkID(""), clickID: nil, leadID: nil, eventName: command.eventName,
            at: command.at, money: command.money, baseAmount: nil,
            paymentProcessor: command.paymentProcessor, invoiceID: command.invoiceID,
            metadata: command.metadata)
        return SaleReceipt(sale: sale, customer: customer).response(caller.rateHeaders)
    }

    private func record(_ body: Body<SaleField>, _ caller: Caller) async throws -> Response {
        let command = try apiBody { () throws(BodyError) in
            try body.command(caller.workspace.id, stamper)
        }
        guard case .sale(let outcome) = try await submit(.recordSale(command)) else {
            throw APIError.internalError
        }
        return outcome.response(caller.rateHeaders)
    }

    private func record(_ body: Body<LeadField>, _ caller: Caller) async throws -> Response {
        let command = try apiBody { () throws(BodyError) in
            try body.command(caller.workspace.id, stamper)
        }
        guard case .lead(let outcome) = try await submit(.recordLead(command)) else {
            throw APIError.internalError
        }
        return outcome.response(caller.rateHeaders, shortLinks)
    }

    private func clientMembers(
        _ request: Request, _ caller: Caller, isLead: Bool
    ) async throws -> [JSONMember] {
        let members = try await request.members(limits: settings.limits)
        let hostname = request.siteHostname
        guard isAllowed(hostname: hostname, by: caller.workspace.allowedHostnames) else {
            throw APIError(.forbidden, APIError.hostnameText(hostname))
        }
        return try apiBody { () throws(BodyError) in
            try ClientRules.narrowed(members, isLead: isLead)
        }
    }

    private func apiBody<Value>(_ body: () throws(BodyError) -> Value) throws -> Value {
        do throws(BodyError) { return try body() } catch { throw APIError(error) }
    }
}

extension API {
    /// A click that a site's script reports. No key: the link's own workspace decides which sites
    /// may report.
    func trackClick(_ request: Request, _ context: TributeContext) async throws -> Response {
        let body = try await request.decode(ClickField.self, limits: settings.limits)
        let domain = normalizedHostname(hostPart(body.text(.domain) ?? ""))
        let key = body.text(.key) ?? ""
        guard let link = try await directory.link(domain: domain, key: key) else {
            throw APIError(.notFound, "Link not found for domain: \(domain) and key: \(key).")
        }
        var visitor = request.visitor(context)
        if let referrer = body.text(.referrer).nonEmpty {
            visitor.refererURL = referrer
            visitor.referer = urlHost(referrer)
        }
        var click = RecordClick(
            id: stamper.eventID(), linkID: link.id, at: stamper.now(), visitor: visitor)
        click.url = body.text(.url).flatMap { isURL($0) ? $0 : nil }
        click.reportingHostname = .some(request.siteHostname)
        guard case .click(let recorded) = try await submit(.recordClick(click)) else {
            throw APIError.internalError
        }
        return .json { $0.member("clickId", recorded.id.text) }
    }

    /// `domain` may come with a scheme and a path.
    private func hostPart(_ text: String) -> Substring {
        let rest = text.range(of: "://").map { text[$0.upperBound...] } ?? text[...]
        return rest.prefix { $0 != "/" }
    }
}

extension String {
    fileprivate func range(of part: String) -> Range<Index>? { ranges(of: part).first }
}

extension Request {
    /// Who follows a link, as far as the request tells.
    func visitor(_ context: TributeContext) -> Visitor {
        var visitor = Visitor()
        visitor.ip = context.address
        visitor.userAgent = headers[.userAgent].map { String($0.prefix(1_024)) }
        visitor.refererURL = headers[.referer].map { String($0.prefix(2_048)) }
        visitor.referer = visitor.refererURL.flatMap(urlHost)
        visitor.identity = sha256Hex("\(context.address ?? "")-\(visitor.userAgent ?? "")")
        return visitor
    }
}
