import Attribution
import HTTPTypes
import Hummingbird
import Ledger

/// One of the databases that a server works on, and whose workspaces are in it. A workspace is
/// in one database only, so that whatever is committed is committed in one.
package struct Shard: Sendable {
    package let database: any SQLDatabase
    /// nil: all that no other one has.
    package let slugs: Set<String>?
    package init(database: any SQLDatabase, slugs: Set<String>?) {
        (self.database, self.slugs) = (database, slugs)
    }
}

/// Hands each request to the shard that it is about: by its link domain, else by its key, else by
/// the link that it names. What is about none is answered by the first.
struct ShardResponder<Inner: HTTPResponder<TributeContext>>: HTTPResponder {
    struct Member: Sendable {
        let shard: Shard
        let api: API
        let responder: Inner

        func has(_ workspace: Workspace, besides others: [Member]) -> Bool {
            if let slugs = shard.slugs { return slugs.contains(workspace.slug) }
            return !others.contains { $0.shard.slugs?.contains(workspace.slug) == true }
        }
    }

    let members: [Member]

    func respond(to request: Request, context: TributeContext) async throws -> Response {
        if members.count == 1 {
            return try await members[0].responder.respond(to: request, context: context)
        }
        do {
            if request.namesLinkInBody { return try await askAll(request, context) }
            let member = try await member(for: request)
            return try await member.responder.respond(to: request, context: context)
        } catch {
            // Answered in the usual envelope.
            return Edge.apiError(error, request).response
        }
    }

    private func member(for request: Request) async throws -> Member {
        let host = request.hostname
        var trouble: (any Error)?
        if !host.isEmpty {
            let found = await first(&trouble) {
                try await $0.api.directory.domain(host: host) != nil
            }
            if let found { return found }
        }
        if request.headers[.authorization] != nil {
            let found = await first(&trouble) { member in
                let workspace = try await member.api.authenticator.workspace(of: request)
                return workspace.map { member.has($0, besides: members) } ?? false
            }
            if let found { return found }
        } else if let key = request.followedKey {
            let found = await first(&trouble) {
                try await $0.api.directory.linkWithoutDomain(key: key, host: host) != nil
            }
            if let found { return found }
        }
        // Nobody who could be asked knows it: perhaps the one that could not.
        if let trouble, !Routes.isOperational(request.uri.path) { throw trouble }
        return members[0]
    }

    /// The first that knows. One that can't be asked keeps nobody from what another one has.
    private func first(
        _ trouble: inout (any Error)?, _ knows: (Member) async throws -> Bool
    ) async -> Member? {
        for member in members {
            do { if try await knows(member) { return member } } catch { trouble = error }
        }
        return nil
    }

    /// Whoever does not know the link says so, and has done nothing.
    private func askAll(_ request: Request, _ context: TributeContext) async throws -> Response {
        let body = try await request.collected(members[0].api.settings.limits)
        for member in members.dropLast() {
            let response = try await member.responder.respond(to: body, context: context)
            if response.status != .notFound { return response }
        }
        return try await members[members.count - 1].responder.respond(to: body, context: context)
    }
}

extension Request {
    /// The key of a link, if the request may follow one.
    fileprivate var followedKey: String? {
        method == .get || method == .head ? LinkKey.inPath(uri.path) : nil
    }

    /// So that whoever knows it must be found by asking.
    fileprivate var namesLinkInBody: Bool {
        let path = uri.path
        return method == .post
            && ["/track/click", "/track/open", "/track/visit"].contains { path.hasSuffix($0) }
    }

    /// The same with its whole body, which can be read again and again.
    fileprivate func collected(_ limits: HTTPLimits) async throws -> Request {
        Request(head: head, body: RequestBody(buffer: try await collect(limits)))
    }
}
