import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import Wire

/// Customers: those whom tracking made, and those that are told of.
extension API {
    private static let filterRules: [Rule] = [
        .text("email", max: 1_000), .text("externalId", max: 1_000), .text("search", max: 1_000),
        .text("country", max: 255), .text("linkId", max: 255), .text("programId", max: 255),
        .text("partnerId", max: 255), .flag("includeExpandedFields"),
        Rule(
            "sortBy",
            .option(["createdAt", "saleAmount", "firstSaleAt", "subscriptionCanceledAt"]),
            .optional),
        .sortOrder,
    ]

    func listCustomers(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try request.fields(
            Self.filterRules + Paging.rules(max: 100) + Paging.cursorRules)
        var query = customerQuery(fields, caller)
        query.ascending = fields.text("sortOrder") == "asc"
        switch fields.text("sortBy") {
        case "saleAmount": query.sort = .saleAmount
        case "firstSaleAt": query.sort = .firstSaleAt
        case "subscriptionCanceledAt": query.sort = .subscriptionCanceledAt
        default: query.sort = .createdAt
        }
        let expands = fields.flag("includeExpandedFields") ?? false
        let paging = try Paging(
            fields, size: 100, isSortedByCreation: query.sort == .createdAt)
        query.page = paging.page
        let cursor = paging.cursor
        let (customers, links) = try await ledger.read { [query] transaction in
            var query = query
            if let cursor {
                guard
                    let customer = try transaction.customer(
                        CustomerSelector(cursor.id), of: query.workspaceID)
                else { throw Paging.unknownCursor }
                query.cursor = .init(customer, isBackward: cursor.isBackward)
            }
            let customers = try transaction.customers(query)
            let linkIDs = expands ? Set(customers.compactMap(\.linkID)) : []
            return (customers, try transaction.links(ids: linkIDs))
        }
        var writer = JSONWriter(capacity: 64 + customers.count * 400)
        writer.array(customers) { writer, customer in
            let link = customer.linkID.flatMap { links[$0] }
            writer.write(customer, expanded: expands ? (link, shortLinks) : nil)
        }
        return .json(writer, headers: caller.rateHeaders)
    }

    func countCustomers(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try request.fields(
            Self.filterRules + [.option("groupBy", CustomerQuery.Group.self)])
        let query = customerQuery(fields, caller)
        var writer = JSONWriter()
        if let group: CustomerQuery.Group = fields.option("groupBy") {
            let counts = try await ledger.read { try $0.customerCounts(query, by: group) }
            writer.write(counts, by: group.rawValue)
        } else {
            writer.integer(try await ledger.read { try $0.customerCount(query) })
        }
        return .json(writer, headers: caller.rateHeaders)
    }

    private func customerQuery(_ fields: Fields, _ caller: Caller) -> CustomerQuery {
        var query = CustomerQuery(
            workspaceID: caller.workspace.id, page: Page(number: 1, size: 1))
        // Contract: e-mail beats external id beats search.
        if let email = fields.text("email") {
            query.email = email
        } else if let externalID = fields.text("externalId") {
            query.externalID = externalID
        } else if let search = fields.text("search") {
            if search.contains("@") { query.email = search } else { query.search = search }
        }
        query.country = fields.text("country")
        query.linkID = fields.text("linkId")
        query.matchesNothing = fields.has("programId") || fields.has("partnerId")
        return query
    }

    func getCustomer(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        let selector = CustomerSelector(try context.pathParameter("id"))
        let fields = try request.fields([.flag("includeExpandedFields")])
        guard
            let customer = try await ledger.read({
                try $0.customer(selector, of: caller.workspace.id)
            })
        else { throw APIError(.customerNotFound) }
        return try await reply(
            customer, expands: fields.flag("includeExpandedFields") ?? false, caller)
    }

    /// A customer who did not come through a link. A later lead with a click gives it one.
    func createCustomer(_ request: Request, _ caller: Caller) async throws -> Response {
        let fields = try await request.bodyFields(
            [
                Rule(
                    "externalId", .text(min: 1, max: customerExternalIDMax, trimmed: true),
                    .required),
                Rule("country", .country, .required),
            ] + Self.profileRules, settings.limits)
        let key = CustomerKey(
            workspaceID: caller.workspace.id, externalID: fields.text("externalId") ?? "")
        var profile = CustomerProfile(id: stamper.id("cus_"))
        profile.name = fields.text("name")
        profile.email = fields.text("email")
        profile.avatar = fields.text("avatar")
        var new = profile.customer(key, from: nil, at: stamper.now())
        new.country = fields.text("country")
        new.stripeCustomerID = fields.text("stripeCustomerId").nonEmpty
        new.subscriptionCanceledAt = fields.moment("subscriptionCanceledAt")
        let command = CreateCustomer(customer: new)
        guard case .customer(let customer, _) = try await submit(.createCustomer(command)) else {
            throw APIError.internalError
        }
        return try await reply(customer, expands: false, caller, .created)
    }

    private static let profileRules: [Rule] = [
        .text("name", max: 100), Rule("email", .email(max: 100), .nullish), .url("avatar"),
        .text("stripeCustomerId", max: 255), .date("subscriptionCanceledAt"),
    ]

    func updateCustomer(
        _ request: Request, _ context: TributeContext, _ caller: Caller
    ) async throws -> Response {
        let fields = try await request.bodyFields(
            [Rule("externalId", .text(min: 1, max: customerExternalIDMax, trimmed: true), .nullish)]
                + Self.profileRules, settings.limits)
        let expands = try request.fields([.flag("includeExpandedFields")])
        var edit = Edit<Customer>()
        if let externalID = fields.text("externalId") { edit.set(\.externalID, externalID) }
        let texts: [(String, any WritableKeyPath<Customer, String?> & Sendable)] = [
            ("name", \.name), ("email", \.email), ("avatar", \.avatar),
            ("stripeCustomerId", \.stripeCustomerID),
        ]
        for (name, path) in texts where fields.has(name) {
            edit.set(path, fields.text(name).nonEmpty)
        }
        if fields.has("subscriptionCanceledAt") {
            edit.set(\.subscriptionCanceledAt, fields.moment("subscriptionCanceledAt"))
        }
        let command = UpdateCustomer(
            selector: CustomerSelector(try context.pathParameter("id")),
            workspaceID: caller.workspace.id, edit: edit)
        guard case .customer(let customer, _) = try await submit(.updateCustomer(command)) else {
            throw APIError.internalError
        }
        return try await reply(
            customer, expands: expands.flag("includeExpandedFields") ?? false, caller)
    }

    func deleteCustomer(
        _ request: Request, _ context: TributeContext, _ caller: Caller
    ) async throws -> Response {
        let command = DeleteCustomer(
            selector: CustomerSelector(try context.pathParameter("id")),
            workspaceID: caller.workspace.id, at: stamper.now())
        guard case .customer(let customer, _) = try await submit(.deleteCustomer(command)) else {
            throw APIError.internalError
        }
        return caller.reply { $0.object { $0.member("id", customer.id.text) } }
    }

    private func reply(
        _ customer: Customer, expands: Bool, _ caller: Caller,
        _ status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        var link: Link?
        if expands, let id = customer.linkID {
            link = try await ledger.read { try $0.links(ids: [id])[id] }
        }
        var writer = JSONWriter()
        writer.write(customer, expanded: expands ? (link, shortLinks) : nil)
        return .json(writer, status: status, headers: caller.rateHeaders)
    }
}

extension CustomerSelector {
    /// `ext_…` stands for an external id, anything else is an id.
    init(_ text: String) {
        self =
            text.hasPrefix("ext_")
            ? .externalID(String(text.dropFirst(4))) : .id(CustomerID(text))
    }
}
