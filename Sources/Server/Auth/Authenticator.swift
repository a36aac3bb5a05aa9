import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Ledger

/// Who calls: a workspace, by one of its tokens.
struct Caller: Sendable {
    let workspace: Workspace
    let token: Token?
    /// What the rate limiter says of this request, for the reply.
    var rateHeaders: HTTPFields = [:]
}

/// What an endpoint asks of its caller.
struct Requirement: Sendable {
    var scope: Scope?
    /// Business plan or higher.
    var conversions = false
    /// Or another lowest plan.
    var plan: Plan = .free
}

/// Decides who may call, in the order that Dub's clients know: form of the header, the key, its
/// expiry, the rate, the scope, the plan.
struct Authenticator: Sendable {
    private let credentials: RegistryCache<String, Credential?>
    private let publishable: RegistryCache<String, Workspace?>
    private let limiter: RateLimiter
    private let stamper: Stamper

    private struct Credential: Sendable {
        let token: Token
        let workspace: Workspace
    }

    init(database: any SQLDatabase, limiter: RateLimiter, stamper: Stamper) {
        (self.limiter, self.stamper) = (limiter, stamper)
        credentials = RegistryCache(database: database) { transaction, digest in
            try transaction.credential(digest: digest).map {
                Credential(token: $0.0, workspace: $0.1)
            }
        }
        publishable = RegistryCache(database: database) { transaction, key in
            try transaction.workspace(publishableKey: key)
        }
    }

    func authenticate(_ request: Request, _ requirement: Requirement) async throws -> Caller {
        let key = try bearer(request)
        let digest = sha256Hex(key)
        guard let credential = try await credentials.value(for: digest),
            credential.token.revokedAt == nil
        else { throw APIError(.unauthorized, "Unauthorized: Invalid API key.") }
        let now = stamper.now()
        if let expiresAt = credential.token.expiresAt, expiresAt <= now {
            throw APIError(.unauthorized, "Unauthorized: Access token expired.")
        }
        let workspace = credential.workspace
        var caller = Caller(workspace: workspace, token: credential.token)
        caller.rateHeaders = try limiter.admit(
            digest, plan: workspace.plan, path: request.uri.path, now: now)
        do {
            try authorize(caller, requirement)
        } catch var error as APIError {
            error.headers.append(contentsOf: caller.rateHeaders)
            throw error
        }
        return caller
    }

    /// A caller whom the cache knows and who may do this now; nil leaves it to `authenticate`.
    func knownCaller(_ authorization: String, _ requirement: Requirement) -> KnownCaller? {
        guard let key = authorization.bearerKey,
            let known = credentials.remembered(sha256Hex(key)),
            let credential = known.value, credential.token.revokedAt == nil
        else { return nil }
        let caller = Caller(workspace: credential.workspace, token: credential.token)
        guard (try? authorize(caller, requirement)) != nil else { return nil }
        return KnownCaller(caller: caller, revision: known.revision)
    }

    /// Whose key the request has, if it is one; nothing else is checked.
    func workspace(of request: Request) async throws -> Workspace? {
        guard let key = request.headers[.authorization]?.bearerKey else { return nil }
        if key.hasPrefix("dub_pk_"), let found = try await publishable.value(for: key) {
            return found
        }
        return try await credentials.value(for: sha256Hex(key))?.workspace
    }

    private func bearer(_ request: Request) throws -> String {
        guard let header = request.headers[.authorization] else {
            throw APIError(.unauthorized, "Missing Authorization header.")
        }
        guard let key = header.bearerKey else {
            throw APIError(
                .badRequest,
                "Misconfigured authorization header. Did you forget to add 'Bearer '? Learn more: https://d.to/auth"
            )
        }
        guard key.hasPrefix("dub_") else {
            throw APIError(
                .notFound,
                "Workspace id not found. Use the API key of a workspace; it starts with `dub_`.")
        }
        return key
    }

    private func authorize(_ caller: Caller, _ requirement: Requirement) throws {
        if let needed = requirement.scope,
            caller.token?.scopes.contains(where: { $0.covers(needed) }) != true
        {
            throw APIError(
                .forbidden,
                """
                The provided key does not have the required permissions for this endpoint on the \
                workspace '\(caller.workspace.id)'. Having the '\(needed.rawValue)' permission \
                would allow this request to continue.
                """)
        }
        let plan = caller.workspace.plan
        if requirement.conversions && !plan.includesConversions || !plan.includes(requirement.plan)
        {
            throw APIError(.forbidden, "Unauthorized: Need higher plan.")
        }
    }

    /// For the two endpoints that browsers call.
    func authenticatePublishable(_ request: Request) async throws -> Caller {
        guard let header = request.headers[.authorization] else {
            throw APIError(.unauthorized, "Missing publishable key.")
        }
        guard let key = header.bearerKey, key.hasPrefix("dub_pk_") else {
            throw APIError(.badRequest, "Invalid or missing publishable key.")
        }
        let rateHeaders = try limiter.admit(key, perMinute: 600, now: stamper.now())
        guard let workspace = try await publishable.value(for: key) else {
            throw APIError(.unauthorized, "Invalid publishable key.")
        }
        guard workspace.plan.includesConversions else {
            throw APIError(.forbidden, "Unauthorized: Need higher plan.")
        }
        return Caller(workspace: workspace, token: nil, rateHeaders: rateHeaders)
    }
}

extension String {
    /// The key in an `Authorization` header; nil if it has another form.
    fileprivate var bearerKey: String? {
        hasPrefix("Bearer ") ? String(dropFirst("Bearer ".count)) : nil
    }
}
