import Attribution
import HTTPTypes
import Hummingbird
import Ledger
import Logging

/// The outermost layer: link domains are split off before routing, and whatever is thrown becomes
/// an answer in the envelope. Errors that are no answer of ours are logged in full and told as a
/// plain 500.
struct Edge: RouterMiddleware {
    let api: API
    let redirects: RouteMetrics

    func handle(
        _ request: Request, context: TributeContext,
        next: (Request, TributeContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await answer(request, context, next)
        } catch {
            let error = Self.apiError(error, request)
            note(error, request, context)
            response = error.response
        }
        // Bytes after a head would be taken for the next answer of the connection.
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(
        _ request: Request, _ context: TributeContext,
        _ next: (Request, TributeContext) async throws -> Response
    ) async throws -> Response {
        let host = request.hostname
        if !host.isEmpty, let domain = try await api.directory.domain(host: host) {
            return try await onLinkDomain(request, context, domain)
        }
        return try await next(request, context)
    }

    private func onLinkDomain(
        _ request: Request, _ context: TributeContext, _ domain: Domain
    ) async throws -> Response {
        guard request.method == .get || request.method == .head else {
            var error = APIError(.methodNotAllowed, "Links are followed with GET.")
            error.headers[.allow] = "GET, HEAD"
            throw error
        }
        return try await redirects.counting(request, context) {
            try await api.redirect(request, context, domain: domain)
        }
    }

    private func note(_ error: APIError, _ request: Request, _ context: TributeContext) {
        switch error.cause {
        case nil: break
        case let cause as SQLError where cause.isPassing: api.readFailures.note(cause)
        case .some(let cause):
            context.logger.error(
                "unexpected error", metadata: ["path": "\(request.uri.path)", "error": "\(cause)"])
        }
    }

    static func apiError(_ error: any Error, _ request: Request) -> APIError {
        switch error {
        case let error as APIError: return error
        case let error as HTTPError where error.status == .notFound:
            return APIError(.notFound, "There is no endpoint at \(request.uri.path).")
        case let error as HTTPError:
            return APIError(.badRequest, "The request can't be read.", status: error.status)
        default:
            let isPassing = (error as? SQLError)?.isPassing == true
            var answer =
                isPassing
                ? APIError.unavailable(
                    retryAfter: 1, "The database can't be read now. Try again.")
                : .internalError
            answer.cause = error
            return answer
        }
    }
}
