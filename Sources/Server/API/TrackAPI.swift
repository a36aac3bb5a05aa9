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
    let visits: VisitReader
    /// Wrong passwords of links, by link and address.
    let wrongGuesses = RateLimiter(policy: .plan)

    /// The answer of the ledger once it is durable, refusals and failures as answers of the API.
    func submit(_ command: Command) async throws -> Outcome {
        let outcome: Outcome
        do throws(LedgerError) { outcome = try await ledger.submit(command) } catch {
            throw APIError(error, retryAfter: settings.limits.retryAfterSeconds)
        }
        if case .refused(let refusal) = outcome { throw APIError(refusal) }
        return outcome
    }

    /// The same for many that commit together, one result each.
    func submit(_ commands: [Command]) async throws -> [Result<Outcome, APIError>] {
        let retryAfter = settings.limits.retryAfterSeconds
        let results: [Result<Outcome, LedgerError>]
        do throws(LedgerError) { results = try await ledger.submit(commands) } catch {
            throw APIError(error, retryAfter: retryAfter)
        }
        return results.map { result in
            switch result {
            case .success(.refused(let refusal)): .failure(APIError(refusal))
            case .success(let outcome): .success(outcome)
            case .failure(let error): .failure(APIError(error, retryAfter: retryAfter))
            }
        }
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
