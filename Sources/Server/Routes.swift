import Attribution
import CoreMetrics
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import Logging
import Wire

/// Every endpoint on one screen, grouped by who may call it.
struct Routes: Sendable {
    struct Route: Sendable {
        let method: HTTPRequest.Method
        let path: RouterPath
        let handler: Handler
    }

    let api: API
    let metrics: PrometheusMetrics
    let serverMetrics: ServerMetrics

    /// First words of paths that are the API's own: a link on the API's host can't have them.
    static let reservedFirstWords: Set<String> = [
        "track", "links", "domains", "customers", "events", "api", "healthz", "readyz", "metrics",
        "bench",
    ]

    private var all: [Route] {
        // Conversions: a workspace's token, whatever its scopes, on business or higher.
        let track = Requirement(conversions: true)
        var routes = [
            token(.post, "/track/sale", track, api.trackSale),
            token(.post, "/track/lead", track, api.trackLead),
            token(.get, "/customers", track, api.listCustomers),
            token(.get, "/customers/{id}", track, api.getCustomer),
            token(
                .get, "/events", Requirement(scope: .analyticsRead, conversions: true),
                api.listEvents),
            // Resources: a token with the scope.
            token(.post, "/links", Requirement(scope: .linksWrite), api.createLink),
            token(.get, "/links/info", Requirement(scope: .linksRead), api.getLinkInfo),
            token(.get, "/links/{linkId}", Requirement(scope: .linksRead), api.getLink),
            token(.patch, "/links/{linkId}", Requirement(scope: .linksWrite), api.updateLink),
            token(.put, "/links/{linkId}", Requirement(scope: .linksWrite), api.updateLink),
            token(.delete, "/links/{linkId}", Requirement(scope: .linksWrite), api.deleteLink),
            token(.post, "/domains", Requirement(scope: .domainsWrite), api.createDomain),
            token(.get, "/domains", Requirement(scope: .domainsRead), api.listDomains),
            // Browsers.
            browser("/track/click", api.trackClick),
            browser("/track/sale/client", publishable(api.trackClientSale)),
            browser("/track/lead/client", publishable(api.trackClientLead)),
        ].flatMap { $0 }
        if api.settings.offersBenchRoute {
            routes += token(.post, "/bench/sale", track, api.benchSale)
        }
        return routes
    }

    /// Endpoints that are not under `/api` too. Probes may ask for the head alone.
    private var operational: [Route] {
        let handlers: KeyValuePairs<RouterPath, Handler> = [
            "/": welcome, "/healthz": health, "/readyz": readiness, "/metrics": metricsText,
        ]
        return handlers.flatMap { path, handler in
            [.get, .head].map { Route(method: $0, path: path, handler: handler) }
        }
    }

    func router() -> Router<TributeContext> {
        let router = Router(context: TributeContext.self)
        router.add(middleware: Edge(api: api))
        for prefix in ["", "/api"] { add(all, to: router, prefix: prefix) }
        add(operational, to: router, prefix: "")
        // Keys may have slashes: every path that is no endpoint can be one.
        let redirect = counted(.get, "/{key}", api.redirectWithoutDomain)
        router.on("/**", method: .get, use: redirect)
        router.on("/**", method: .head, use: redirect)
        return router
    }

    private func add(_ routes: [Route], to router: Router<TributeContext>, prefix: String) {
        for (path, group) in Dictionary(grouping: routes, by: \.path.description) {
            let methods = group.map(\.method)
            for route in group {
                router.on(
                    RouterPath(prefix + path), method: route.method,
                    use: counted(route.method, path, route.handler))
            }
            let allowed = methods.map(\.rawValue).sorted().joined(separator: ", ")
            for method in Self.methods where !methods.contains(method) {
                router.on(RouterPath(prefix + path), method: method) { _, _ -> Response in
                    var error = APIError(
                        .methodNotAllowed, "This endpoint takes \(allowed), not \(method.rawValue)."
                    )
                    error.headers[.allow] = allowed
                    throw error
                }
            }
        }
    }

    private static let methods: [HTTPRequest.Method] = [
        .get, .head, .post, .put, .patch, .delete, .options, .connect, .trace,
    ]
}

/// How a handler is wrapped for its kind of caller.
extension Routes {
    private func token(
        _ method: HTTPRequest.Method, _ path: RouterPath, _ requirement: Requirement,
        _ handler: @escaping @Sendable (Request, Caller) async throws -> Response
    ) -> [Route] {
        token(method, path, requirement) { request, _, caller in
            try await handler(request, caller)
        }
    }

    private func token(
        _ method: HTTPRequest.Method, _ path: RouterPath, _ requirement: Requirement,
        _ handler: @escaping @Sendable (Request, TributeContext, Caller) async throws -> Response
    ) -> [Route] {
        let authenticator = api.authenticator
        return [
            Route(method: method, path: path) { request, context in
                let caller = try await authenticator.authenticate(request, requirement)
                do { return try await handler(request, context, caller) } catch var error
                    as APIError
                {
                    error.headers.append(contentsOf: caller.rateHeaders)
                    throw error
                }
            }
        ]
    }

    private func publishable(
        _ handler: @escaping @Sendable (Request, Caller) async throws -> Response
    ) -> Handler {
        let authenticator = api.authenticator
        return { request, _ in
            try await handler(request, try await authenticator.authenticatePublishable(request))
        }
    }

    /// An endpoint that pages of any site may call: every answer carries the CORS headers.
    private func browser(_ path: RouterPath, _ handler: @escaping Handler) -> [Route] {
        let headers: HTTPFields = [
            .allowOrigin: "*", .allowMethods: "POST, OPTIONS",
            .allowHeaders: "Content-Type, Authorization",
        ]
        return [
            Route(method: .options, path: path) { _, _ in
                Response(status: .noContent, headers: headers)
            },
            Route(method: .post, path: path) { request, context in
                do {
                    var response = try await handler(request, context)
                    response.headers.append(contentsOf: headers)
                    return response
                } catch {
                    var error = Edge.apiError(error, context, request)
                    error.headers.append(contentsOf: headers)
                    throw error
                }
            },
        ]
    }

    private func counted(
        _ method: HTTPRequest.Method, _ path: String, _ handler: @escaping Handler
    ) -> Handler {
        let metrics = RouteMetrics(method.rawValue, path, factory: metrics)
        return { request, context in
            let start = ContinuousClock.now
            do {
                let response = try await handler(request, context)
                metrics.note(status: response.status.code, since: start)
                return response
            } catch {
                let error = Edge.apiError(error, context, request)
                metrics.note(status: error.status.code, since: start)
                throw error
            }
        }
    }
}

/// What operators ask.
extension Routes {
    @Sendable private func welcome(_: Request, _: TributeContext) async throws -> Response {
        .json {
            $0.member("name", "tribute")
            $0.member("version", Tribute.version)
            $0.member("try", "POST /links, GET /{key}, POST /track/lead, POST /track/sale")
        }
    }

    /// The process runs.
    @Sendable private func health(_: Request, _: TributeContext) async throws -> Response {
        .json { $0.member("status", "ok") }
    }

    /// A write would succeed: one has just done so.
    @Sendable private func readiness(_: Request, _ context: TributeContext) async throws -> Response
    {
        do {
            _ = try await api.ledger.submit(.proveWritable)
        } catch {
            context.logger.error("not ready", metadata: ["error": "\(error)"])
            throw APIError.unavailable(
                retryAfter: api.settings.limits.retryAfterSeconds,
                "The database can't be written now.")
        }
        return .json { $0.member("status", "ready") }
    }

    @Sendable private func metricsText(_: Request, _: TributeContext) async throws -> Response {
        serverMetrics.note(queueDepth: api.ledger.queueDepth)
        return Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: .init(byteBuffer: .init(string: metrics.text())))
    }
}
