import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import NIOCore
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
    let clicks: ClickIntake
    let metrics: ServerMetrics
    let readFailures: FailureLog
    /// Sales of one batch. A longer one than the queue would never be taken.
    let salesMax: Int
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

/// A track call that was read: the command that it becomes, or the record that it became none.
struct TakenCall: Sendable {
    let command: Command
    /// What the caller is told if it became none.
    var refusal: APIError?
    var isJSON = true
}

/// The track endpoints: decode, command, submit, reply. Whatever records nothing is kept.
extension API {
    func trackSale(_ request: Request, _ caller: Caller) async throws -> Response {
        try await track(request, .sale, caller)
    }

    func trackLead(_ request: Request, _ caller: Caller) async throws -> Response {
        try await track(request, .lead, caller)
    }

    func trackClientSale(_ request: Request, _ caller: Caller) async throws -> Response {
        try await track(request, .clientSale, caller)
    }

    func trackClientLead(_ request: Request, _ caller: Caller) async throws -> Response {
        try await track(request, .clientLead, caller)
    }

    private func track(
        _ request: Request, _ endpoint: TrackEndpoint, _ caller: Caller
    ) async throws -> Response {
        let hostname = endpoint.isPublic ? request.siteHostname : nil
        let body = try await trackBody(request, endpoint, caller)
        if endpoint.isPublic {
            try await checkHostname(hostname, body, endpoint, caller)
        }
        let call = try body.withUnsafeReadableBytes {
            try take($0.bindMemory(to: UInt8.self), endpoint, hostname, caller)
        }
        if let refusal = call.refusal {
            await keep(call.command)
            throw refusal
        }
        return try reply(to: try await submit(call.command), caller).response
    }

    private func reply(to outcome: Outcome, _ caller: Caller) throws(APIError) -> Reply {
        switch outcome {
        case .sale(let outcome): outcome.reply(caller.rateHeaders)
        case .lead(let outcome): outcome.reply(caller.rateHeaders, shortLinks)
        case .refused(let refusal): throw APIError(refusal)
        default: throw APIError.internalError
        }
    }

    /// What a track call is answered, whatever became of it.
    func reply(to result: Result<Outcome, LedgerError>, _ caller: Caller) -> Reply {
        do throws(APIError) {
            switch result {
            case .success(let outcome): return try reply(to: outcome, caller)
            case .failure(let error):
                throw APIError(error, retryAfter: settings.limits.retryAfterSeconds)
            }
        } catch {
            var error = error
            error.headers.append(contentsOf: caller.rateHeaders)
            return error.reply
        }
    }

    /// What the bytes of one call become.
    func take(
        _ bytes: UnsafeBufferPointer<UInt8>, _ endpoint: TrackEndpoint, _ hostname: String?,
        _ caller: Caller
    ) throws(APIError) -> TakenCall {
        let command: Command?
        do throws(BodyError) {
            command = try endpoint.command(
                bytes, caller.workspace.id, stamper, hostname: hostname)
        } catch {
            let (reason, detail) = error.rejection
            return TakenCall(
                command: rejection(bytes, hostname, endpoint, reason, detail, caller),
                refusal: APIError(error), isJSON: error != .notJSON)
        }
        guard let command else { throw APIError.internalError }
        return TakenCall(command: command)
    }

    private func trackBody(
        _ request: Request, _ endpoint: TrackEndpoint, _ caller: Caller
    ) async throws -> ByteBuffer {
        do { return try await request.collect(settings.limits) } catch let error as APIError {
            if error.status == .contentTooLarge {
                await keep(rejection(nil, nil, endpoint, .bodyTooLarge, nil, caller))
            }
            throw error
        }
    }

    private func checkHostname(
        _ hostname: String?, _ body: ByteBuffer, _ endpoint: TrackEndpoint, _ caller: Caller
    ) async throws {
        if isAllowed(hostname: hostname, by: caller.workspace.allowedHostnames) { return }
        // What is no JSON is told so first, by whoever decodes it.
        if (try? body.tried(readMembers)) == nil { return }
        await keep(
            body.withUnsafeReadableBytes {
                rejection(
                    $0.bindMemory(to: UInt8.self), hostname, endpoint, .hostnameDenied, hostname,
                    caller)
            })
        throw APIError(.forbidden, APIError.hostnameText(hostname))
    }

    /// The record of a call that never became a command.
    ///
    /// - Parameter bytes: nil: there were too many to be read.
    func rejection(
        _ bytes: UnsafeBufferPointer<UInt8>?, _ hostname: String?, _ endpoint: TrackEndpoint,
        _ reason: RejectionReason, _ detail: String?, _ caller: Caller
    ) -> Command {
        var rejection = Rejection(
            id: stamper.id("rej_"), workspaceID: caller.workspace.id, endpoint: endpoint,
            reason: reason, detail: detail, at: stamper.now(),
            body: KeptBody(text: "", isWhole: false))
        rejection.hostname = hostname
        if let bytes {
            rejection.body = KeptBody(bytes: bytes)
            endpoint.name(&rejection, by: bytes)
        }
        return .recordRejection(RecordRejection(rejection: rejection))
    }

    /// Keeps a call that is refused. The caller is told what was wrong with it even if it can't be
    /// kept now.
    private func keep(_ rejection: Command) async {
        do throws(LedgerError) { _ = try await ledger.submit(rejection) } catch {
            metrics.noteLostRejection()
        }
    }

    /// The sale handler up to the point where something would be stored.
    func benchSale(_ request: Request, _ caller: Caller) async throws -> Response {
        let body = try await request.collect(settings.limits)
        let command: Command? = try body.decoded { bytes throws(BodyError) in
            try TrackEndpoint.sale.command(bytes, caller.workspace.id, stamper, hostname: nil)
        }
        guard let command, let reply = benchReply(command, caller) else {
            throw APIError.internalError
        }
        return reply.response
    }

    func benchReply(_ command: Command, _ caller: Caller) -> Reply? {
        guard case .recordSale(let command) = command else { return nil }
        let customer = command.profile.customer(command.customer, from: nil, at: command.at)
        let sale = Sale(
            id: command.id, workspaceID: customer.workspaceID, customerID: customer.id,
            linkID: LinkID(""), clickID: nil, leadID: nil, eventName: command.eventName,
            at: command.at, money: command.money, baseAmount: nil,
            paymentProcessor: command.paymentProcessor, invoiceID: command.invoiceID,
            metadata: command.metadata)
        let receipt = SaleReceipt(sale: sale, customer: customer)
        return SaleOutcome.recorded(receipt).reply(caller.rateHeaders)
    }
}
