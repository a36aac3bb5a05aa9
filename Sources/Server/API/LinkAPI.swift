import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import Wire

/// One link: make, read, change, delete.
extension API {
    func createLink(_ request: Request, _ caller: Caller) async throws -> Response {
        let members = try await request.members(limits: settings.limits)
        let body = try checked { () throws(Issue) in try LinkBody(members, isCreation: true) }
        return try await linkReply(.createLink(try await creation(body, caller)), caller)
    }

    func updateLink(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        let members = try await request.members(limits: settings.limits)
        let body = try checked { () throws(Issue) in try LinkBody(members, isCreation: false) }
        let command = UpdateLink(
            selector: LinkSelector(try context.pathParameter("linkId"), caller),
            workspaceID: caller.workspace.id, edit: try await edit(body, caller),
            tags: body.tags(), at: stamper.now(), defaultDomain: settings.defaultDomain)
        return try await linkReply(.updateLink(command), caller)
    }

    /// The link that has the destination already is changed, else one is made.
    func upsertLink(_ request: Request, _ caller: Caller) async throws -> Response {
        let members = try await request.members(limits: settings.limits)
        let body = try checked { () throws(Issue) in try LinkBody(members, isCreation: true) }
        let create = try await creation(body, caller)
        let plain = body.destination ?? ""
        let urls = [create.link.url] + (isSame(plain, create.link.url) ? [] : [plain])
        let command = UpsertLink(
            urls: urls.filter { !$0.isEmpty }, create: create, edit: try await edit(body, caller))
        return try await linkReply(.upsertLink(command), caller)
    }

    func deleteLink(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        let command = DeleteLink(
            selector: LinkSelector(try context.pathParameter("linkId"), caller),
            workspaceID: caller.workspace.id, at: stamper.now())
        guard case .deleted(let id) = try await submit(.deleteLink(command)) else {
            throw APIError.internalError
        }
        return caller.reply { $0.object { $0.member("id", id.text) } }
    }

    func getLink(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        try await found(LinkSelector(try context.pathParameter("linkId"), caller), caller)
    }

    func getLinkInfo(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try request.fields([
            .text("domain", max: 190), .text("key", max: 1_000), .text("linkId", max: 255),
            .text("externalId", max: 259),
        ])
        if let domain = fields.text("domain"), let key = fields.text("key") {
            return try await found(
                .address(domain: domainSlug(domain), key: LinkKey.named(key)), caller)
        }
        if let id = fields.text("linkId") {
            return try await found(LinkSelector(id, caller), caller)
        }
        guard let externalID = fields.text("externalId") else {
            throw APIError(
                .badRequest,
                "You must provide a domain and a key, or a linkId, or an externalId to retrieve a link."
            )
        }
        guard externalID.hasPrefix("ext_") else {
            throw APIError(
                .badRequest, "Invalid externalId. Did you forget to prefix it with `ext_`?")
        }
        return try await found(LinkSelector(externalID, caller), caller)
    }

    private func linkReply(_ command: Command, _ caller: Caller) async throws -> Response {
        guard case .link(let link) = try await submit(command) else {
            throw APIError.internalError
        }
        return reply(link, caller)
    }

    private func reply(_ link: Link, _ caller: Caller) -> Response {
        return caller.reply(capacity: 2_048) { $0.write(link, shortLinks) }
    }

    private func found(_ selector: LinkSelector, _ caller: Caller) async throws -> Response {
        guard let link = try await ledger.read({ try $0.link(selector) }) else {
            throw APIError(.linkNotFound)
        }
        guard link.workspaceID == caller.workspace.id else {
            throw APIError(.linkForeign(caller.workspace.id))
        }
        return reply(link, caller)
    }
}

/// From bodies to commands, for one link and for many.
extension API {
    func creation(_ body: LinkBody, _ caller: Caller) async throws -> CreateLink {
        let askedKey = try body.key()
        let edit = try body.edit()
        let domain = try await domain(body.domain, of: caller.workspace)
        var spareKeys: [String] = []
        if askedKey == nil { spareKeys = try (0..<4).map { _ in try body.randomKey(stamper) } }
        let blank = Link(
            id: stamper.id("link_"), workspaceID: caller.workspace.id, domain: domain,
            key: try askedKey ?? body.randomKey(stamper), url: "", createdAt: stamper.now())
        let link = edit.applied(to: blank)
        try checkTargets(link)
        return CreateLink(
            link: link, spareKeys: spareKeys, tags: body.tags(),
            defaultDomain: settings.defaultDomain)
    }

    func edit(_ body: LinkBody, _ caller: Caller) async throws -> Edit<Link> {
        var edit = try body.edit()
        if let key = try body.key() { edit.set(\.key, key) }
        if let asked = body.domain { edit.set(\.domain, asked) }
        let blank = Link(
            id: LinkID(""), workspaceID: caller.workspace.id, domain: "", key: "", url: "",
            createdAt: stamper.now())
        try checkTargets(edit.applied(to: blank))
        return edit
    }

    /// Domains of workspaces are looked at when the command is decided; the server's own is known
    /// here only.
    private func checkTargets(_ link: Link) throws {
        if let url = link.targets.first(where: shortLinks.isOwn) { throw APIError(.linkLoop(url)) }
    }

    /// The domain that was asked for, else the workspace's primary one, else the server's default.
    private func domain(_ asked: String?, of workspace: Workspace) async throws -> String {
        guard let asked else {
            let primary = try await ledger.read { try $0.primaryDomain(of: workspace.id) }
            return primary?.slug ?? settings.defaultDomain
        }
        return asked
    }
}

extension LinkSelector {
    /// `ext_…` stands for an external id, anything else is an id.
    init(_ text: String, _ caller: Caller) {
        self =
            text.hasPrefix("ext_")
            ? .externalID(caller.workspace.id, String(text.dropFirst(4))) : .id(LinkID(text))
    }
}
