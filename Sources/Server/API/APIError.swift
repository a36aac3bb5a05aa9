import Attribution
import HTTPTypes
import Hummingbird
import Ledger
import Wire

/// An answer that says what was wrong, in Dub's envelope. The one place that knows which status
/// and text a refusal has.
struct APIError: Error {
    enum Code: String {
        case badRequest = "bad_request"
        case unauthorized
        case forbidden
        case exceededLimit = "exceeded_limit"
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case conflict
        case unprocessable = "unprocessable_entity"
        case rateLimited = "rate_limit_exceeded"
        case unavailable = "service_unavailable"
        case internalError = "internal_server_error"

        var status: HTTPResponse.Status {
            switch self {
            case .badRequest: .badRequest
            case .unauthorized: .unauthorized
            case .forbidden, .exceededLimit: .forbidden
            case .notFound: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .conflict: .conflict
            case .unprocessable: .unprocessableContent
            case .rateLimited: .tooManyRequests
            case .unavailable: .serviceUnavailable
            case .internalError: .internalServerError
            }
        }

        /// The anchor in the documentation: only the first underscore becomes a dash, except in
        /// the generic 500, which is how the clients' own links are spelled.
        var anchor: String {
            if self == .internalError { return "internal-server-error" }
            guard let underscore = rawValue.firstIndex(of: "_") else { return rawValue }
            return rawValue.replacingCharacters(at: underscore, with: "-")
        }
    }

    var code: Code
    var message: String
    var status: HTTPResponse.Status
    /// What is wrong on our side: for the log, not for the caller.
    var cause: (any Error)?
    var headers: HTTPFields = [:]

    init(_ code: Code, _ message: String, status: HTTPResponse.Status? = nil) {
        (self.code, self.message) = (code, message)
        self.status = status ?? code.status
    }

    var response: Response { reply.response }

    var reply: Reply { Reply(writer, status: status, headers: headers) }

    /// The body of the answer.
    var bytes: [UInt8] { writer.bytes }

    private var writer: JSONWriter {
        var writer = JSONWriter(capacity: 256)
        writer.write(self)
        return writer
    }

    static func bodyTooLarge(_ max: Int) -> APIError {
        APIError(
            .badRequest, "The request body is larger than \(max) bytes.",
            status: .contentTooLarge)
    }

    static func lateBody(seconds: Int64) -> APIError {
        APIError(
            .badRequest, "The request body did not arrive within \(seconds) seconds.",
            status: .requestTimeout)
    }

    static let internalError = APIError(
        .internalError,
        "An internal server error occurred. The request was not recorded. The server's log has the details."
    )

    /// Nothing was recorded; the same request may be sent again.
    static func unavailable(retryAfter seconds: Int, _ message: String) -> APIError {
        var error = APIError(.unavailable, message)
        error.headers[.retryAfter] = String(seconds)
        return error
    }
}

extension JSONWriter {
    mutating func write(_ error: APIError) {
        object {
            $0.object("error") {
                $0.member("code", error.code.rawValue)
                $0.member("message", error.message)
                $0.member(
                    "doc_url", "https://dub.co/docs/api-reference/errors#\(error.code.anchor)")
            }
        }
    }
}

extension String {
    fileprivate func replacingCharacters(at index: Index, with text: String) -> String {
        self[..<index] + text + self[self.index(after: index)...]
    }
}

extension APIError {
    init(_ error: BodyError) {
        switch error {
        case .malformed(let message): self.init(.badRequest, message)
        case .invalid(let issue): self.init(.unprocessable, issue.text)
        }
    }

    init(_ error: LedgerError, retryAfter seconds: Int) {
        switch error {
        case .overloaded:
            self = .unavailable(
                retryAfter: seconds,
                "The server is overloaded and recorded nothing. Send the request again.")
        case .stopped:
            self = .unavailable(
                retryAfter: seconds,
                "The server is shutting down and recorded nothing. Send the request again.")
        case .unavailable:
            self = .unavailable(
                retryAfter: seconds,
                "The database can't be written now. Send the request again; with the same invoiceId it is recorded once."
            )
        case .defect, .outdated: self = .internalError
        }
    }

    init(_ refusal: Refusal) {
        switch refusal {
        case .clickRequired:
            self.init(
                .badRequest,
                "The `clickId` property was not provided in the request, and no existing customer with the provided `customerExternalId` was found."
            )
        case .clickNotFound(let id):
            self.init(.notFound, "Click event not found for clickId: \(id)")
        case .linkOfClickNotFound(let id):
            self.init(.notFound, "Link not found for clickId: \(id)")
        case .linkOfClickForeign(let link, let click):
            self.init(
                .notFound, "Link \(link) for clickId \(click) does not belong to the workspace")
        case .linkOfClickDisabled(let link, let click, let kind):
            self.init(
                .notFound,
                "Link \(link) for clickId \(click) is disabled, \(kind.rawValue) not tracked")
        case .hostnameDenied(let host):
            self.init(.forbidden, Self.hostnameText(host))
        case .linkOfCustomerNotFound(let id):
            self.init(.notFound, "Link not found for customer \(id)")
        case .linkOfCustomerDisabled(let link, let customer):
            self.init(
                .notFound, "Link \(link) for customer \(customer) is disabled, sale not tracked")
        case .leadNotFound(let externalID, let name):
            self.init(
                .notFound,
                "Lead event not found for externalId: \(externalID) and leadEventName: \(name ?? "null")"
            )
        case .invoiceConflict(let fields):
            self.init(
                .conflict,
                "A sale with this invoiceId was recorded with another \(fields.joined(separator: ", "))."
            )
        case .totalTooLarge:
            self.init(
                .unprocessable,
                "custom: amount: The total of the customer, link or workspace would no longer fit.")
        default: self.init(registry: refusal)
        }
    }

    private init(registry refusal: Refusal) {
        switch refusal {
        case .linkNotFound: self.init(.notFound, "Link not found.")
        case .rejectionNotFound(let id):
            self.init(.notFound, "Rejection not found: \(id). It was replayed or discarded.")
        case .customerNotFound:
            self.init(
                .notFound,
                "Customer not found. Make sure you're using the correct customer ID (e.g. `cus_3TagGjzRzmsFJdH8od2BNCsc`) or the external ID with the `ext_` prefix."
            )
        case .customerExists:
            self.init(.conflict, "A customer with this external ID already exists.")
        case .stripeCustomerTaken:
            self.init(.conflict, "A customer with this Stripe customer ID already exists.")
        case .linkForeign(let id):
            self.init(.unauthorized, "Link does not belong to workspace \(id).")
        case .clickIDTaken(let id):
            self.init(.conflict, "The click id \(id) belongs to a click of another link.")
        case .keyTaken:
            self.init(.conflict, "Duplicate key: This short link already exists.")
        case .externalIDTaken:
            self.init(
                .conflict, "A link with this externalId already exists in this workspace.")
        case .rootLinkKept:
            self.init(.forbidden, "You cannot delete a custom domain root link.")
        case .rootLinkStays:
            self.init(
                .forbidden, "You cannot change the key or the domain of a domain's root link.")
        case .domainTaken: self.init(.conflict, "Domain is already in use.")
        case .domainForeign: self.init(.forbidden, "Domain does not belong to workspace.")
        case .slugTaken(let slug):
            self.init(.conflict, "A workspace with the slug \(slug) already exists.")
        case .workspaceNotFound: self.init(.notFound, "Workspace not found.")
        case .tokenNotFound: self.init(.notFound, "Token not found.")
        case .tokenLimitReached(let max):
            self.init(.exceededLimit, "A workspace can have at most \(max) tokens.")
        default: self.init(link: refusal)
        }
    }

    private init(link refusal: Refusal) {
        switch refusal {
        case .destinationMissing: self.init(.badRequest, "Missing destination URL")
        case .missingFeature(let feature):
            let plan = feature.plan.title
            self.init(
                .forbidden,
                "You can only use \(feature.name) on a \(plan) plan and above. Upgrade to \(plan) to use it."
            )
        case .linkLimitReached(let max, let plan):
            self.init(.forbidden, Self.linkLimitText(max, plan))
        case .linkLoop(let url):
            self.init(
                .unprocessable,
                "Invalid destination URL: \(url.prefix(200)) is a short link of this server, which could lead in a circle."
            )
        case .testNeedsConversions:
            self.init(
                .unprocessable, "Conversion tracking must be enabled to use A/B testing.")
        case .testEndsBeforeStart:
            self.init(.unprocessable, "Invalid test completion date.")
        case .tagIDsNotFound(let ids):
            self.init(
                .unprocessable, "Invalid tagIds detected: \(ids.joined(separator: ", "))")
        case .tagNamesNotFound(let names):
            self.init(
                .unprocessable, "Invalid tagNames detected: \(names.joined(separator: ", "))")
        case .tagNotFound: self.init(.notFound, "Tag not found.")
        case .tagNameTaken: self.init(.conflict, "A tag with that name already exists.")
        case .folderNotFound: self.init(.notFound, "Folder not found.")
        case .folderNameTaken(let name):
            self.init(.conflict, "A folder with the name \(name) already exists.")
        case .domainNotFound(let slug): self.init(.notFound, "Domain \(slug) not found.")
        default: self = .internalError
        }
    }

    static func linkLimitText(_ max: Int, _ plan: Plan) -> String {
        """
        You've reached your monthly limit of \(max) links on the \(plan.title) \
        plan. Give the workspace a higher plan to add more links.
        """
    }

    static func hostnameText(_ host: String?) -> String {
        """
        Request origin '\(host ?? "null")' is not included in the allowed hostnames for this \
        workspace. Update your allowed hostnames here: https://app.dub.co/settings/tracking
        """
    }
}
