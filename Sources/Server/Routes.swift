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
    /// Of all shards.
    let ledgers: [Ledger]
    let metrics: PrometheusMetrics
    let serverMetrics: ServerMetrics

    /// First words of paths that are the API's own: a link on the API's host can't have them.
    static let reservedFirstWords: Set<String> = [
        "track", "links", "domains", "tags", "folders", "customers", "events", "rejections", "qr",
        "api", "healthz", "readyz", "metrics", "bench",
    ]

    /// Whether a path is asked by operators, of the whole server.
    static func isOperational(_ path: String) -> Bool {
        ["/", "/healthz", "/readyz", "/metrics"].contains(path)
    }

    private var all: [Route] {
        var routes = tracking + customersAndEvents + rejections + links + linkGroups + browsers
        if api.settings.offersBenchRoute {
            routes += token(.post, "/bench/sale", Self.track, api.benchSale)
            routes.append(
                Route(method: .get, path: "/bench/redirect/{key}", handler: api.benchRedirect))
        }
        return routes
    }

    /// Conversions: a workspace's token, whatever its scopes, on business or higher.
    private static let track = Requirement(conversions: true)

    private var tracking: [Route] {
        [
            token(.post, "/track/sale", Self.track, api.trackSale),
            token(.post, "/track/sales/batch", Self.track, api.trackSales),
            token(.post, "/track/lead", Self.track, api.trackLead),
        ].flatMap { $0 }
    }

    private var customersAndEvents: [Route] {
        [
            token(.get, "/customers", Self.track, api.listCustomers),
            token(.post, "/customers", Self.track, api.createCustomer),
            token(.get, "/customers/count", Self.track, api.countCustomers),
            token(.get, "/customers/{id}", Self.track, api.getCustomer),
            token(.patch, "/customers/{id}", Self.track, api.updateCustomer),
            token(.delete, "/customers/{id}", Self.track, api.deleteCustomer),
            token(
                .get, "/events", Requirement(scope: .analyticsRead, conversions: true),
                api.listEvents),
        ].flatMap { $0 }
    }

    private var rejections: [Route] {
        [
            token(.get, "/rejections", Self.track, api.listRejections),
            token(.get, "/rejections/count", Self.track, api.countRejections),
            token(.post, "/rejections/replay", Self.track, api.replayRejections),
            token(.post, "/rejections/discard", Self.track, api.discardRejections),
        ].flatMap { $0 }
    }

    private var links: [Route] {
        let read = Requirement(scope: .linksRead)
        let write = Requirement(scope: .linksWrite)
        return [
            token(.get, "/links", read, api.listLinks),
            token(.post, "/links", write, api.createLink),
            token(.get, "/links/count", read, api.countLinks),
            token(.get, "/links/info", read, api.getLinkInfo),
            token(.put, "/links/upsert", write, api.upsertLink),
            token(.post, "/links/bulk", write, api.createLinks),
            token(.patch, "/links/bulk", write, api.updateLinks),
            token(.delete, "/links/bulk", write, api.deleteLinks),
            token(.get, "/links/{linkId}", read, api.getLink),
            token(.patch, "/links/{linkId}", write, api.updateLink),
            token(.put, "/links/{linkId}", write, api.updateLink),
            token(.delete, "/links/{linkId}", write, api.deleteLink),
        ].flatMap { $0 }
    }

    private var linkGroups: [Route] {
        let domains = Requirement(scope: .domainsWrite)
        let tags = Requirement(scope: .tagsWrite)
        let folders = Requirement(scope: .foldersWrite, plan: .pro)
        return [
            token(.get, "/domains", Requirement(scope: .domainsRead), api.listDomains),
            token(.post, "/domains", domains, api.createDomain),
            token(.patch, "/domains/{slug}", domains, api.updateDomain),
            token(.delete, "/domains/{slug}", domains, api.deleteDomain),
            token(.post, "/domains/{slug}/primary", domains, api.makePrimary),
            token(.post, "/domains/register", domains, api.registerDomain),
            token(.get, "/domains/status", Requirement(scope: .domainsRead), api.registerDomain),
            token(.get, "/tags", Requirement(scope: .tagsRead), api.listTags),
            token(.post, "/tags", tags, api.createTag),
            token(.patch, "/tags/{id}", tags, api.updateTag),
            token(.put, "/tags/{id}", tags, api.updateTag),
            token(.delete, "/tags/{id}", tags, api.deleteTag),
            token(
                .get, "/folders", Requirement(scope: .foldersRead, plan: .pro), api.listFolders),
            token(.post, "/folders", folders, api.createFolder),
            token(.patch, "/folders/{id}", folders, api.updateFolder),
            token(.delete, "/folders/{id}", folders, api.deleteFolder),
        ].flatMap { $0 }
    }

    private var browsers: [Route] {
        [
            browser(.post, "/track/click", api.trackClick),
            browser(.post, "/track/open", api.trackOpen),
            browser(.post, "/track/visit", api.trackVisit),
            browser(.post, "/track/sale/client", publishable(api.trackClientSale)),
            browser(.post, "/track/lead/client", publishable(api.trackClientLead)),
            browser(.get, "/qr", api.qrCode),
        ].flatMap { $0 }
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
        let redirects = RouteMetrics("GET", "/{key}", factory: metrics)
        router.add(middleware: Edge(api: api, redirects: redirects))
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
    private func browser(
        _ method: HTTPRequest.Method, _ path: RouterPath, _ handler: @escaping Handler
    ) -> [Route] {
        let headers: HTTPFields = [
            .allowOrigin: "*", .allowMethods: "\(method.rawValue), OPTIONS",
            .allowHeaders: "Content-Type, Authorization",
        ]
        return [
            Route(method: .options, path: path) { _, _ in
                Response(status: .noContent, headers: headers)
            },
            Route(method: method, path: path) { request, context in
                do {
                    var response = try await handler(request, context)
                    response.headers.append(contentsOf: headers)
                    return response
                } catch {
                    var error = Edge.apiError(error, request)
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
            try await metrics.counting(request, context) { try await handler(request, context) }
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
            for ledger in ledgers { _ = try await ledger.submit(.proveWritable) }
        } catch {
            // What could not be committed is told of already.
            context.logger.debug("not ready", metadata: ["error": "\(error)"])
            throw APIError.unavailable(
                retryAfter: api.settings.limits.retryAfterSeconds,
                "The database can't be written now.")
        }
        return .json { $0.member("status", "ready") }
    }

    @Sendable private func metricsText(_: Request, _: TributeContext) async throws -> Response {
        serverMetrics.note(queueDepth: ledgers.reduce(0) { $0 + $1.queueDepth })
        return Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: .init(byteBuffer: .init(string: metrics.text())))
    }
}
