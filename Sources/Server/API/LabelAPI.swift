import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import Wire

/// Tags and folders.
extension API {
    private static let tagRules: [Rule] = [
        .text("name", max: 190, trimmed: true), .text("tag", max: 190, trimmed: true),
        Rule("color", .option(TagColor.allCases.map(\.rawValue)), .nullish),
    ]

    func createTag(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try await request.bodyFields(Self.tagRules, settings.limits)
        guard let name = tagName(fields) else {
            throw APIError(.unprocessable, "custom: name: Name is required.")
        }
        let colors = TagColor.allCases.filter { $0 != .pink }
        let tag = Tag(
            id: stamper.id("tag_"), workspaceID: caller.workspace.id, name: name,
            color: fields.option("color") ?? colors.randomElement() ?? .blue,
            createdAt: stamper.now())
        return try await tagReply(.createTag(CreateTag(tag: tag)), caller, .created)
    }

    func updateTag(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        let fields = try await request.bodyFields(Self.tagRules, settings.limits)
        var edit = Edit<Tag>()
        if let name = tagName(fields) { edit.set(\.name, name) }
        if let color: TagColor = fields.option("color") { edit.set(\.color, color) }
        let command = UpdateTag(
            id: TagID(try context.pathParameter("id")), workspaceID: caller.workspace.id,
            edit: edit)
        return try await tagReply(.updateTag(command), caller, .ok)
    }

    func deleteTag(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        let id = TagID(try context.pathParameter("id"))
        _ = try await submit(.deleteTag(DeleteTag(id: id, workspaceID: caller.workspace.id)))
        return caller.reply { $0.object { $0.member("id", id.text) } }
    }

    func listTags(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try request.fields(
            [
                .text("search", max: 190), .texts("ids"),
                Rule("sortBy", .option(["name", "createdAt"]), .optional),
                .sortOrder,
            ] + Paging.rules(max: 100))
        var query = TagQuery(
            workspaceID: caller.workspace.id, page: try Paging(fields, size: 100).page)
        query.search = fields.text("search")
        query.ids = fields.texts("ids")
        query.sort = fields.text("sortBy") == "createdAt" ? .createdAt : .name
        query.ascending = fields.text("sortOrder") != "desc"
        let tags = try await ledger.read { [query] in try $0.tags(query) }
        return caller.reply { $0.array(tags) { $0.write($1) } }
    }

    /// `tag` is the older name of `name`.
    private func tagName(_ fields: Fields) -> String? {
        fields.text("name").nonEmpty ?? fields.text("tag").nonEmpty
    }

    private func tagReply(
        _ command: Command, _ caller: Caller, _ status: HTTPResponse.Status
    ) async throws -> Response {
        guard case .tag(let tag) = try await submit(command) else { throw APIError.internalError }
        return caller.reply(status) { $0.write(tag) }
    }
}

extension API {
    private static func folderRules(_ presence: Rule.Presence) -> [Rule] {
        [
            Rule("name", .text(min: 1, max: 190, trimmed: true), presence),
            .text("description", max: 500),
            Rule(
                "accessLevel", .option(Folder.AccessLevel.allCases.map(\.rawValue)), .nullish),
        ]
    }

    func createFolder(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try await request.bodyFields(Self.folderRules(.required), settings.limits)
        var folder = Folder(
            id: stamper.id("fold_"), workspaceID: caller.workspace.id,
            name: fields.text("name") ?? "", createdAt: stamper.now())
        folder.description = fields.text("description").nonEmpty
        if fields.has("accessLevel") { folder.accessLevel = fields.option("accessLevel") }
        return try await folderReply(.createFolder(CreateFolder(folder: folder)), caller, .created)
    }

    func updateFolder(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        let fields = try await request.bodyFields(Self.folderRules(.optional), settings.limits)
        var edit = Edit<Folder>()
        if let name = fields.text("name") { edit.set(\.name, name) }
        if fields.has("description") {
            edit.set(\.description, fields.text("description").nonEmpty)
        }
        if fields.has("accessLevel") { edit.set(\.accessLevel, fields.option("accessLevel")) }
        let command = UpdateFolder(
            id: FolderID(try context.pathParameter("id")), workspaceID: caller.workspace.id,
            edit: edit, at: stamper.now())
        return try await folderReply(.updateFolder(command), caller, .ok)
    }

    func deleteFolder(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        let id = FolderID(try context.pathParameter("id"))
        _ = try await submit(
            .deleteFolder(DeleteFolder(id: id, workspaceID: caller.workspace.id)))
        return caller.reply { $0.object { $0.member("id", id.text) } }
    }

    func listFolders(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try request.fields([.text("search", max: 190)] + Paging.rules(max: 50))
        let page = try Paging(fields, size: 50).page
        let folders = try await ledger.read {
            try $0.folders(of: caller.workspace.id, search: fields.text("search"), page)
        }
        return caller.reply { $0.array(folders) { $0.write($1) } }
    }

    private func folderReply(
        _ command: Command, _ caller: Caller, _ status: HTTPResponse.Status
    ) async throws -> Response {
        guard case .folder(let folder) = try await submit(command) else {
            throw APIError.internalError
        }
        return caller.reply(status) { $0.write(folder) }
    }
}
