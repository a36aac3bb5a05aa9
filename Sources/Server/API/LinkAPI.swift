import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import Wire

/// Links and domains.
extension API {
    func createLink(_ request: Request, _ caller: Caller) async throws -> Response {
        let members = try await request.members(limits: settings.limits)
        let body = try LinkBody(members: members, requiresURL: true)
        let askedKey = try body.key()
        let key = try askedKey ?? body.randomKey(stamper)
        let spareKeys = askedKey == nil ? try (0..<4).map { _ in try body.randomKey(stamper) } : []
        let domain = try await domain(body.domain, of: caller.workspace)
        var link = Link(
            id: stamper.id("link_"), workspaceID: caller.workspace.id, domain: domain, key: key,
            url: "", createdAt: stamper.now())
        for edit in try body.fieldEdits() { edit(&link) }
        link.url = try body.destination(utmOf: link) ?? ""
        let command = CreateLink(link: link, spareKeys: spareKeys)
        return try await linkReply(.createLink(command), caller)
    }

    func updateLink(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        let members = try await request.members(limits: settings.limits)
        let body = try LinkBody(members: members, requiresURL: false)
        let selector = try selector(context, caller)
        var edit = LinkEdit()
        edit.key = try body.key()
        if let domain = body.domain {
            edit.domain = try await self.domain(domain, of: caller.workspace)
        }
        edit.fields = try body.fieldEdits()
        let edited = try await link(selector, caller).map(edit.applied)
        if let edited { edit.url = try body.destination(utmOf: edited) }
        let command = UpdateLink(
            selector: selector, workspaceID: caller.workspace.id, edit: edit, at: stamper.now())
        return try await linkReply(.updateLink(command), caller)
    }

    func deleteLink(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        let command = DeleteLink(
            selector: try selector(context, caller), workspaceID: caller.workspace.id,
            at: stamper.now())
        guard case .deleted(let id) = try await submit(.deleteLink(command)) else {
            throw APIError.internalError
        }
        return .json(headers: caller.rateHeaders) { $0.member("id", id.text) }
    }

    func getLink(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        try await found(try selector(context, caller), caller)
    }

    func getLinkInfo(_ request: Request, _ caller: Caller) async throws -> Response {
        if let domain = try request.query("domain"), let key = try request.query("key") {
            return try await found(
                .address(domain: normalizedHostname(domain), key: key), caller)
        }
        if let id = try request.query("linkId") { return try await found(.id(LinkID(id)), caller) }
        guard let externalID = try request.query("externalId") else {
            throw APIError(
                .badRequest,
                "You must provide a domain and a key, or a linkId, or an externalId to retrieve a link."
            )
        }
        guard externalID.hasPrefix("ext_") else {
            throw APIError(
                .badRequest, "Invalid externalId. Did you forget to prefix it with `ext_`?")
        }
        return try await found(
            .externalID(caller.workspace.id, String(externalID.dropFirst(4))), caller)
    }

    private func linkReply(_ command: Command, _ caller: Caller) async throws -> Response {
        guard case .link(let link) = try await submit(command) else {
            throw APIError.internalError
        }
        return reply(link, caller)
    }

    private func reply(_ link: Link, _ caller: Caller) -> Response {
        var writer = JSONWriter(capacity: 2_048)
        writer.write(link, shortLinks)
        return .json(writer, headers: caller.rateHeaders)
    }

    private func found(_ selector: LinkSelector, _ caller: Caller) async throws -> Response {
        guard let link = try await link(selector, caller) else {
            throw APIError(.linkNotFound)
        }
        guard link.workspaceID == caller.workspace.id else {
            throw APIError(.linkForeign(caller.workspace.id))
        }
        return reply(link, caller)
    }

    private func link(_ selector: LinkSelector, _ caller: Caller) async throws -> Link? {
        try await ledger.read { try $0.link(selector) }
    }

    private func selector(_ context: TributeContext, _ caller: Caller) throws -> LinkSelector {
        let id = try context.pathParameter("linkId")
        return id.hasPrefix("ext_")
            ? .externalID(caller.workspace.id, String(id.dropFirst(4))) : .id(LinkID(id))
    }

    /// The domain that was asked for, else the workspace's primary one, else the server's default.
    private func domain(_ asked: String?, of workspace: Workspace) async throws -> String {
        guard let asked else {
            let primary = try await ledger.read { try $0.primaryDomain(of: workspace.id) }
            return primary?.slug ?? settings.defaultDomain
        }
        if asked == settings.defaultDomain { return asked }
        let domain = try await ledger.read { try $0.domain(slug: asked) }
        guard domain?.workspaceID == workspace.id else { throw APIError(.domainForeign) }
        return asked
    }
}

extension API {
    func createDomain(_ request: Request, _ caller: Caller) async throws -> Response {
        let body = try await request.decode(DomainField.self, limits: settings.limits)
        let slug = (body.text(.slug) ?? "").lowercased()
        guard !slug.hasPrefix("www.") else {
            throw APIError(.unprocessable, "Custom domain cannot start with www.")
        }
        guard isDomain(slug), slug != settings.defaultDomain else {
            throw APIError(.unprocessable, "Invalid domain")
        }
        var domain = Domain(
            id: stamper.id("dom_"), workspaceID: caller.workspace.id, slug: slug,
            createdAt: stamper.now())
        domain.placeholder = body.text(.placeholder).nonEmpty
        domain.expiredURL = body.text(.expiredUrl)
        domain.notFoundURL = body.text(.notFoundUrl)
        domain.logo = body.text(.logo).nonEmpty
        domain.isArchived = body[.archived] == .flag(true)
        let rootLink = Link(
            id: stamper.id("link_"), workspaceID: domain.workspaceID, domain: slug,
            key: Link.rootKey, url: "", createdAt: domain.createdAt)
        let command = CreateDomain(domain: domain, rootLink: rootLink)
        guard case .domain(let created) = try await submit(.createDomain(command)) else {
            throw APIError.internalError
        }
        var writer = JSONWriter()
        writer.write(created)
        return .json(writer, status: .created, headers: caller.rateHeaders)
    }

    func listDomains(_ request: Request, _ caller: Caller) async throws -> Response {
        var query = DomainQuery(
            workspaceID: caller.workspace.id,
            page: try request.page(sizeName: "pageSize", default: 50, max: 50))
        query.search = try request.query("search")
        query.archived = try request.flag("archived")
        let domains = try await ledger.read { [query] in try $0.domains(query) }
        var writer = JSONWriter()
        writer.array(domains) { $0.write($1) }
        return .json(writer, headers: caller.rateHeaders)
    }

    /// Labels of letters, digits and dashes, at least two, the last one not a number: neither an
    /// address nor a name that only this machine knows.
    private func isDomain(_ slug: String) -> Bool {
        let labels = slug.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, let top = labels.last, top.contains(where: \.isLetter) else {
            return false
        }
        return labels.allSatisfy { label in
            !label.isEmpty && label.utf8.count <= 63 && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy {
                    (48...57).contains($0) || (97...122).contains($0) || $0 == 0x2D
                }
        }
    }
}

enum DomainField: Int, BodyField {
    case slug, expiredUrl, notFoundUrl, placeholder, logo, archived

    static let rules = allCases.map(\.rule)

    var rule: Rule {
        switch self {
        case .slug:
            Rule(
                "slug", .text(min: 1, max: 190, trimmed: true), .required,
                missing: "slug is required", tooSmall: "slug is required")
        case .expiredUrl: .url("expiredUrl")
        case .notFoundUrl: .url("notFoundUrl")
        case .placeholder: .text("placeholder", max: 100)
        case .logo: .text("logo", max: 2_048)
        case .archived: .flag("archived")
        }
    }
}
