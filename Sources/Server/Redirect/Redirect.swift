import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import Logging
import Wire

/// Following a short link: the click is recorded, then the visitor goes on.
extension API {
    /// Any path of a workspace's link domain.
    func redirect(
        _ request: Request, _ context: TributeContext, domain: Domain
    ) async throws -> Response {
        let key = try keyPart(request)
        let link = try await directory.link(
            domain: domain.slug, key: key.isEmpty ? Link.rootKey : key)
        guard let link else {
            if let url = domain.notFoundURL { return .onward(to: url, .temporaryRedirect) }
            return .page(.notFound, "This link does not exist.")
        }
        return try await follow(link, request, context, expiredURL: domain.expiredURL)
    }

    /// A path of the API's own host that is no endpoint.
    func redirectWithoutDomain(
        _ request: Request, _ context: TributeContext
    ) async throws -> Response {
        let key = try keyPart(request)
        guard let link = try await directory.linkWithoutDomain(key: key) else {
            throw APIError(
                .notFound, "There is no endpoint and no link at \(request.uri.path).")
        }
        return try await follow(link, request, context, expiredURL: nil)
    }

    /// The path without the slashes at its ends.
    private func keyPart(_ request: Request) throws -> String {
        var path = request.uri.path[...]
        while path.first == "/" { path.removeFirst() }
        while path.last == "/" { path.removeLast() }
        guard let key = percentDecoded(path) else {
            throw APIError(.badRequest, "The path is not valid percent-encoded UTF-8.")
        }
        return key
    }

    private func follow(
        _ link: Link, _ request: Request, _ context: TributeContext, expiredURL: String?
    ) async throws -> Response {
        if link.disabledAt != nil { return .page(.notFound, "This link does not exist.") }
        if let expiresAt = link.expiresAt, expiresAt <= stamper.now() {
            if let url = link.expiredURL ?? expiredURL { return .onward(to: url) }
            return .page(.gone, "This link has expired.")
        }
        guard !link.url.isEmpty else { return .page(.ok, "Nothing is linked here yet.") }
        let url = destination(of: link, request)
        guard request.method != .head, !isUntracked(request),
            let clickID = await recordedClick(link, request, context)
        else { return redirect(link, to: url, clickID: nil) }
        let tracked = link.trackConversion ? settingQuery(url, "dub_id", to: clickID.text) : url
        return redirect(link, to: tracked, clickID: clickID)
    }

    private static let noTrackHeader = HTTPField.Name("dub-no-track")

    private func isUntracked(_ request: Request) -> Bool {
        request.queryItems.contains { $0.name == "dub-no-track" }
            || Self.noTrackHeader.flatMap { request.headers[$0] } != nil
    }

    /// The visitor's parameters go on to the destination, except those that are about the click
    /// itself: a crafted link can't credit somebody else.
    private func destination(of link: Link, _ request: Request) -> String {
        let kept = ["dub_id", "via", "dub-no-track", "redir_url", "skip_deeplink_preview"]
        return request.queryItems.reduce(link.url) { url, item in
            if item.name.isEmpty || kept.contains(item.name) { return url }
            if item.name == "qr", item.value == "1" { return url }
            return settingQuery(url, item.name, to: item.value)
        }
    }

    /// nil if the click could not be recorded: the visitor goes on all the same.
    private func recordedClick(
        _ link: Link, _ request: Request, _ context: TributeContext
    ) async -> ClickID? {
        var click = RecordClick(
            id: stamper.eventID(), linkID: link.id, at: stamper.now(),
            visitor: request.visitor(context))
        if (try? request.query("qr")) == "1" { click.trigger = .qr }
        do {
            guard case .click(let recorded) = try await submit(.recordClick(click)) else {
                return nil
            }
            return recorded.id
        } catch {
            context.logger.error("click not recorded", metadata: ["link": "\(link.id)"])
            return nil
        }
    }

    private func redirect(_ link: Link, to url: String, clickID: ClickID?) -> Response {
        let status: HTTPResponse.Status = link.key == Link.rootKey ? .movedPermanently : .found
        var response = Response.onward(to: url, status)
        if !link.doIndex { response.headers[.robotsTag] = "googlebot: noindex" }
        guard let clickID else { return response }
        let path = link.key == Link.rootKey ? "" : encodedPath(link.key)
        let name = cookieName("dub_id_\(link.domain)_\(link.key)")
        response.headers.append(
            HTTPField(
                name: .setCookie,
                value: "\(name)=\(clickID.text); Path=/\(path); Max-Age=3600"))
        return response
    }

    private func encodedPath(_ key: String) -> String {
        key.split(separator: "/", omittingEmptySubsequences: false)
            .map { percentEncoded(String($0)) }.joined(separator: "/")
    }

    /// Cookie names are tokens: slashes and letters beyond ASCII are percent-encoded.
    private func cookieName(_ name: String) -> String { percentEncoded(name) }
}

extension Response {
    /// The URL is one that was checked when the link was made: no white space, no control
    /// characters. Letters beyond ASCII are percent-encoded here.
    static func onward(to url: String, _ status: HTTPResponse.Status = .found) -> Response {
        var location = ""
        for scalar in url.unicodeScalars {
            if scalar.isASCII {
                location.unicodeScalars.append(scalar)
            } else {
                location += percentEncoded(String(scalar))
            }
        }
        return Response(
            status: status, headers: [.location: location, .poweredBy: "Tribute"], body: .init())
    }

    static func page(_ status: HTTPResponse.Status, _ text: String) -> Response {
        let html = "<!doctype html><meta charset=utf-8><title>\(text)</title><p>\(text)</p>\n"
        return Response(
            status: status,
            headers: [.contentType: "text/html; charset=utf-8", .poweredBy: "Tribute"],
            body: .init(byteBuffer: .init(string: html)))
    }
}
