import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import Wire

/// Up to a hundred links in one request, each with a result of its own. They commit together.
extension API {
    private static let bulkMax = 100

    func createLinks(_ request: Request, _ caller: Caller) async throws -> Response {
        let items = try await request.elements(limits: settings.limits)
        guard !items.isEmpty else {
            throw APIError(
                .unprocessable, "No links created – you must provide at least one link.")
        }
        guard items.count <= Self.bulkMax else {
            throw APIError(
                .unprocessable, "You can only create up to \(Self.bulkMax) links at a time.")
        }
        let bodies = try bodies(items)
        try await checkLimit(adding: items.count, caller)
        var commands: [(item: Int, command: CreateLink)] = []
        var errors: [(item: Int, error: APIError)] = []
        for (index, body) in bodies.enumerated() {
            do {
                commands.append((index, try await creation(try body.get(), caller)))
            } catch let error as APIError {
                errors.append((index, error))
            }
        }
        try checkDuplicates(commands.map(\.command))
        let results = try await submit(commands.map { .createLink($0.command) })
        var links: [Link] = []
        for ((index, _), result) in zip(commands, results) {
            switch result {
            case .success(.link(let link)): links.append(link)
            case .success: throw APIError.internalError
            case .failure(let error): errors.append((index, error))
            }
        }
        var writer = JSONWriter(capacity: 64 + items.count * 1_500)
        writer.array(0..<links.count + errors.count) { writer, place in
            if place < links.count { return writer.write(links[place], shortLinks) }
            let (index, error) = errors[place - links.count]
            writer.object {
                $0.member("link", json: items[index].text)
                $0.member("error", error.message)
                $0.member("code", error.code.rawValue)
            }
        }
        return .json(writer, headers: caller.rateHeaders)
    }

    /// What is wrong with the form of one item refuses the whole request, as it does at Dub; what
    /// is wrong with the link that it asks for is told with the item.
    private func bodies(_ items: [JSONValue]) throws -> [Result<LinkBody, APIError>] {
        try items.enumerated().map { index, item in
            do throws(Issue) {
                return .success(try body(item))
            } catch {
                if error.code.isEmpty { return .failure(APIError(.unprocessable, error.text)) }
                throw APIError(.unprocessable, error.within("[\(index)]").text)
            }
        }
    }

    private func body(_ item: JSONValue) throws(Issue) -> LinkBody {
        guard case .object(let raw) = item else {
            throw Issue(
                "invalid_type", "", "Invalid input: expected object, received \(item.typeName)")
        }
        return try LinkBody(raw.checkedMembers, isCreation: true)
    }

    private func checkLimit(adding count: Int, _ caller: Caller) async throws {
        let plan = caller.workspace.plan
        guard let max = plan.linksPerMonth else { return }
        let since = stamper.now().startOfMonth
        let made = try await ledger.read { transaction in
            try transaction.linksMade(by: caller.workspace.id, since: since)
        }
        guard Int(made) + count <= max else {
            throw APIError(.exceededLimit, APIError.linkLimitText(max, plan))
        }
    }

    private func checkDuplicates(_ commands: [CreateLink]) throws {
        var seen: Set<LinkSelector> = []
        let duplicates = commands.map(\.link).filter { !seen.insert($0.address).inserted }
        guard duplicates.isEmpty else {
            let names = duplicates.map { "\($0.domain)/\($0.key)" }.joined(separator: ", ")
            throw APIError(.badRequest, "Duplicate links found: \(names)")
        }
    }

    func updateLinks(_ request: Request, _ caller: Caller) async throws -> Response {
        let members = try await request.members(limits: settings.limits)
        let rules: [Rule] = [
            .texts("linkIds", count: Self.bulkMax), .texts("externalIds", count: Self.bulkMax),
            Rule("data", .object(max: .max), .required),
        ]
        let fields = try checked { () throws(Issue) in try Fields(rules, members) }
        let body = try checked { () throws(Issue) in
            do throws(Issue) {
                return try LinkBody(
                    fields.members("data") ?? [], isCreation: false,
                    without: ["domain", "key", "externalId", "keyLength", "prefix"])
            } catch { throw error.within("data") }
        }
        let ids =
            (fields.texts("linkIds") ?? [])
            + (fields.texts("externalIds") ?? []).map { $0.hasPrefix("ext_") ? $0 : "ext_\($0)" }
        guard !ids.isEmpty else {
            return Response.json(text: #""No links to update""#, headers: caller.rateHeaders)
        }
        let edit = try await edit(body, caller)
        let results = try await submit(
            ids.map { id in
                .updateLink(
                    UpdateLink(
                        selector: LinkSelector(id, caller), workspaceID: caller.workspace.id,
                        edit: edit, tags: body.tags(), at: stamper.now(),
                        defaultDomain: settings.defaultDomain))
            })
        return bulkReply(ids, results, caller)
    }

    private func bulkReply(
        _ ids: [String], _ results: [Result<Outcome, APIError>], _ caller: Caller
    ) -> Response {
        var links: [Link] = []
        var errors: [(id: String, error: APIError)] = []
        for (id, result) in zip(ids, results) {
            switch result {
            case .success(.link(let link)): links.append(link)
            case .success: break
            // Of a link of others not even that it is there is told.
            case .failure(let error) where error.code == .unauthorized:
                errors.append((id, APIError(.linkNotFound)))
            case .failure(let error): errors.append((id, error))
            }
        }
        var writer = JSONWriter(capacity: 64 + ids.count * 1_500)
        writer.array(0..<links.count + errors.count) { writer, place in
            if place < links.count { return writer.write(links[place], shortLinks) }
            let (id, error) = errors[place - links.count]
            writer.object {
                $0.member("error", error.message)
                $0.member("code", error.code.rawValue)
                $0.object("link") { $0.member("id", id) }
            }
        }
        return .json(writer, headers: caller.rateHeaders)
    }

    /// What can't be deleted (root links, links of others) is left out of the count.
    func deleteLinks(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try request.fields([.texts("linkIds", count: Self.bulkMax)])
        guard let ids = fields.texts("linkIds"), !ids.isEmpty else {
            throw APIError(
                .badRequest,
                "Please provide linkIds to delete. You may use `linkId` or `externalId` prefixed with `ext_` as comma separated values."
            )
        }
        let results = try await submit(
            ids.map { id in
                .deleteLink(
                    DeleteLink(
                        selector: LinkSelector(id, caller), workspaceID: caller.workspace.id,
                        at: stamper.now()))
            })
        let deleted = results.count { if case .success(.deleted) = $0 { true } else { false } }
        return caller.reply { $0.object { $0.member("deletedCount", Int64(deleted)) } }
    }
}

extension RawJSON {
    /// The members of an object whose text was checked when the body was read.
    fileprivate var checkedMembers: [JSONMember] {
        get throws(Issue) {
            do throws(JSONError) { return try members() } catch {
                throw Issue("invalid_type", "", "Invalid input")
            }
        }
    }
}

extension JSONValue {
    /// The value as JSON text; only objects get this far.
    fileprivate var text: String {
        if case .object(let raw) = self { raw.text } else { "null" }
    }
}
