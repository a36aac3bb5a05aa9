import Attribution
import HTTPTypes
import Hummingbird
import Ledger
import NIOCore
import Wire

/// What a request carries besides itself: the peer's address.
package struct TributeContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    let address: String?

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        address = source.channel.remoteAddress?.ipAddress
    }
}

typealias Handler = @Sendable (Request, TributeContext) async throws -> Response

/// Answers a breach of a rule with 422.
func checked<Value>(_ body: () throws(Issue) -> Value) throws -> Value {
    do throws(Issue) { return try body() } catch { throw APIError(.invalid(error)) }
}

extension Response {
    static func json(text: String, headers: HTTPFields) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    static func json(
        _ writer: JSONWriter, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(
            status: status, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: writer.bytes)))
    }

    static func json(
        status: HTTPResponse.Status = .ok, headers: HTTPFields = [:],
        _ members: (inout JSONWriter) -> Void
    ) -> Response {
        var writer = JSONWriter()
        writer.object(members)
        return .json(writer, status: status, headers: headers)
    }
}

extension Caller {
    /// An answer to this caller, with what the rate limiter says of the request.
    func reply(
        _ status: HTTPResponse.Status = .ok, capacity: Int = 512,
        _ write: (inout JSONWriter) -> Void
    ) -> Response {
        var writer = JSONWriter(capacity: capacity)
        write(&writer)
        return .json(writer, status: status, headers: rateHeaders)
    }
}

extension Request {
    /// The members of the body, to be checked later.
    func members(limits: HTTPLimits) async throws -> [JSONMember] {
        try await collect(limits).decoded(readMembers)
    }

    /// The values of the body, each checked against its rule.
    func bodyFields(_ rules: [Rule], _ limits: HTTPLimits) async throws -> Fields {
        try await collect(limits).fields(rules)
    }

    /// The elements of a body that is an array.
    func elements(limits: HTTPLimits) async throws -> [JSONValue] {
        try await collect(limits).decoded(readArray)
    }

    /// The whole body, if it is no longer than allowed.
    func collect(_ limits: HTTPLimits) async throws -> ByteBuffer {
        let tooLarge = APIError.bodyTooLarge(limits.bodyMax)
        // What is announced as too large is not waited for.
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limits.bodyMax {
            throw tooLarge
        }
        do {
            return try await body.collect(upTo: limits.bodyMax)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        } catch {
            // The caller went away or broke the transfer's encoding.
            throw APIError(.badRequest, "The request body can't be read to its end.")
        }
    }

    /// The host that was asked for, without a port and the root's own dot, in lower case.
    var hostname: String { apiHostname(head.authority ?? "") }

    /// The site that a browser's request comes from: `Referer`, else `Origin`, without `www.`.
    var siteHostname: String? {
        for text in [headers[.referer], headers[.origin]] {
            guard let text else { continue }
            return urlHost(text).map { normalizedHostname($0) }
        }
        return nil
    }

    /// The parameters of the query in their order, read as browsers read them.
    package var queryItems: [(name: String, value: String)] { Wire.queryItems(uri.query) }
}

/// The same of what a `Host` header says.
func apiHostname(_ authority: String) -> String {
    let host = Attribution.hostname(authority).lowercased()
    return host.hasSuffix(".") ? String(host.dropLast()) : host
}

extension ByteBuffer {
    /// What is made of the bytes; what is wrong with them is an answer of the API.
    func decoded<Value>(
        _ decode: (UnsafeBufferPointer<UInt8>) throws(BodyError) -> Value
    ) throws(APIError) -> Value {
        do throws(BodyError) { return try tried(decode) } catch { throw APIError(error) }
    }

    /// The values of a body, each checked against its rule.
    func fields(_ rules: [Rule]) throws -> Fields {
        let members = try decoded(readMembers)
        return try checked { () throws(Issue) in try Fields(rules, members) }
    }

    /// The same, with the error as it is.
    func tried<Value>(
        _ decode: (UnsafeBufferPointer<UInt8>) throws(BodyError) -> Value
    ) throws(BodyError) -> Value {
        let result: Result<Value, BodyError> = withUnsafeReadableBytes { bytes in
            bytes.withMemoryRebound(to: UInt8.self) { bytes in
                do throws(BodyError) { return .success(try decode(bytes)) } catch {
                    return .failure(error)
                }
            }
        }
        return try result.get()
    }
}

extension TributeContext {
    /// A parameter of the path, percent-decoded.
    func pathParameter(_ name: String) throws -> String {
        guard let text = percentDecoded(try parameters.require(name)), !text.utf8.contains(0) else {
            throw APIError(.badRequest, "The path is not valid percent-encoded UTF-8.")
        }
        return text
    }
}

extension HTTPField.Name {
    static let retryAfter = HTTPField.Name.known("Retry-After")
    static let idempotentReplayed = HTTPField.Name.known("Idempotent-Replayed")
    static let idempotencyConflict = HTTPField.Name.known("Tribute-Idempotency-Conflict")
    static let allowOrigin = HTTPField.Name.known("Access-Control-Allow-Origin")
    static let allowMethods = HTTPField.Name.known("Access-Control-Allow-Methods")
    static let allowHeaders = HTTPField.Name.known("Access-Control-Allow-Headers")
    static let rateLimit = HTTPField.Name.known("X-RateLimit-Limit")
    static let rateRemaining = HTTPField.Name.known("X-RateLimit-Remaining")
    static let rateReset = HTTPField.Name.known("X-RateLimit-Reset")
    static let robotsTag = HTTPField.Name.known("X-Robots-Tag")
    static let noTrack = HTTPField.Name.known("dub-no-track")
    static let forwardedFor = HTTPField.Name.known("X-Forwarded-For")
    static let contentTypeOptions = HTTPField.Name.known("X-Content-Type-Options")
    static let poweredBy = HTTPField.Name.known("X-Powered-By")

    private static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("not a header name") }
        return name
    }
}
