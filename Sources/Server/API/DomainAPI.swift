import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import Wire

/// Link domains.
extension API {
    private static let appFileMax = 100_000

    private static func domainRules(_ slug: Rule) -> [Rule] {
        [
            slug, .url("expiredUrl"), .url("notFoundUrl"), .text("placeholder", max: 100),
            .flag("archived"), .text("logo", max: 2_048),
            Rule("assetLinks", .json(max: appFileMax), .nullish),
            Rule("appleAppSiteAssociation", .json(max: appFileMax), .nullish),
            .flag("primary"),
        ]
    }
    private static let newDomainRules = domainRules(
        Rule(
            "slug", .text(min: 1, max: 190, trimmed: true), .required,
            missing: "slug is required", tooSmall: "slug is required"))
    private static let domainEditRules = domainRules(
        Rule("slug", .text(min: 1, max: 190, trimmed: true), .optional))

    func createDomain(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try await request.bodyFields(Self.newDomainRules, settings.limits)
        let blank = Domain(
            id: stamper.id("dom_"), workspaceID: caller.workspace.id,
            slug: try slug(fields.text("slug") ?? "", request), createdAt: stamper.now())
        let domain = try edit(fields, request).applied(to: blank)
        let rootLink = Link(
            id: stamper.id("link_"), workspaceID: domain.workspaceID, domain: domain.slug,
            key: Link.rootKey, url: "", createdAt: domain.createdAt)
        let command = CreateDomain(domain: domain, rootLink: rootLink)
        return try await domainReply(.createDomain(command), caller, .created)
    }

    func updateDomain(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        let fields = try await request.bodyFields(Self.domainEditRules, settings.limits)
        var edit = try edit(fields, request)
        if fields.flag("primary") == true { edit.set(\.isPrimary, true) }
        return try await update(context, caller, edit)
    }

    func makePrimary(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        var edit = Edit<Domain>()
        edit.set(\.isPrimary, true)
        return try await update(context, caller, edit)
    }

    func deleteDomain(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        let slug = domainSlug(try context.pathParameter("slug"))
        _ = try await submit(
            .deleteDomain(
                DeleteDomain(slug: slug, workspaceID: caller.workspace.id, at: stamper.now())))
        return caller.reply { $0.object { $0.member("slug", slug) } }
    }

    func listDomains(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try request.fields(
            [.text("search", max: 190), .flag("archived")] + Paging.rules(max: 50))
        var query = DomainQuery(
            workspaceID: caller.workspace.id, page: try Paging(fields, size: 50).page)
        query.search = fields.text("search")
        query.archived = fields.flag("archived") ?? false
        let domains = try await ledger.read { [query] in try $0.domains(query) }
        return caller.reply { $0.array(domains) { $0.write($1) } }
    }

    /// A service of the hosted product.
    func registerDomain(_: Request, _: Caller) async throws -> Response {
        throw APIError(
            .forbidden, "This server registers no domains. Add one that you own: POST /domains.")
    }

    private func update(
        _ context: TributeContext, _ caller: Caller, _ edit: Edit<Domain>
    ) async throws -> Response {
        let command = UpdateDomain(
            slug: domainSlug(try context.pathParameter("slug")),
            workspaceID: caller.workspace.id, edit: edit, at: stamper.now())
        return try await domainReply(.updateDomain(command), caller, .ok)
    }

    private func edit(_ fields: Fields, _ request: Request) throws -> Edit<Domain> {
        var edit = Edit<Domain>()
        if let asked = fields.text("slug") { edit.set(\.slug, try slug(asked, request)) }
        if let flag = fields.flag("archived") { edit.set(\.isArchived, flag) }
        let texts: [(String, any WritableKeyPath<Domain, String?> & Sendable)] = [
            ("placeholder", \.placeholder), ("expiredUrl", \.expiredURL),
            ("notFoundUrl", \.notFoundURL), ("logo", \.logo), ("assetLinks", \.assetLinks),
            ("appleAppSiteAssociation", \.appleAppSiteAssociation),
        ]
        for (name, path) in texts where fields.has(name) {
            edit.set(path, fields.text(name).nonEmpty)
        }
        return edit
    }

    private func domainReply(
        _ command: Command, _ caller: Caller, _ status: HTTPResponse.Status
    ) async throws -> Response {
        guard case .domain(let domain) = try await submit(command) else {
            throw APIError.internalError
        }
        return caller.reply(status) { $0.write(domain) }
    }

    /// A name that can be a link domain, as it is kept: in lower case, letters beyond ASCII in
    /// punycode, so that a look-alike shows. One that mixes scripts is made to deceive. The
    /// server's own names would be lost to everybody.
    private func slug(_ asked: String, _ request: Request) throws -> String {
        let lower = asked.lowercased()
        guard !lower.hasPrefix("www.") else {
            throw APIError(.unprocessable, "Custom domain cannot start with www.")
        }
        let slug = asciiHost(lower)
        let own =
            [settings.defaultDomain, settings.publicURL.flatMap(urlHost), request.hostname]
            + settings.apiHosts
        guard isDomain(slug), !mixesScripts(plainHost(lower)), !own.contains(slug) else {
            throw APIError(.unprocessable, "Invalid domain")
        }
        return slug
    }

    /// Labels of letters, digits and dashes, at least two, the last one not a number: neither an
    /// address nor a name that only this machine knows.
    private func isDomain(_ slug: String) -> Bool {
        let labels = slug.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, let top = labels.last, top.contains(where: \.isLetter),
            slug.utf8.count <= 190
        else { return false }
        return labels.allSatisfy { label in
            !label.isEmpty && label.utf8.count <= 63 && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy {
                    (48...57).contains($0) || (97...122).contains($0) || $0 == 0x2D
                }
        }
    }
}
