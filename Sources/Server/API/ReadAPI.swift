import Attribution
import HTTPTypes
import Hummingbird
import Integrations
import Ledger
import Wire

/// Customers and events: reading only.
extension API {
    func listCustomers(_ request: Request, _ caller: Caller) async throws -> Response {
        var query = CustomerQuery(
            workspaceID: caller.workspace.id,
            page: try request.page(sizeName: "pageSize", default: 100, max: 100))
        // Contract: e-mail beats external id beats search.
        if let email = try request.query("email") {
            query.email = email
        } else if let externalID = try request.query("externalId") {
            query.externalID = externalID
        } else if let search = try request.query("search"), !search.isEmpty {
            if search.contains("@") { query.email = search } else { query.search = search }
        }
        query.country = try request.query("country")
        query.linkID = try request.query("linkId")
        query.sort =
            try request.option(
                "sortBy",
                [
                    "createdAt": .createdAt, "saleAmount": .saleAmount, "firstSaleAt": .firstSaleAt,
                ]) ?? .createdAt
        query.ascending = try request.option("sortOrder", ["asc": true, "desc": false]) ?? false
        let expands = try request.flag("includeExpandedFields")
        let cursor = try request.cursor(sort: query.sort)
        let (customers, links) = try await ledger.read { [query] transaction in
            var query = query
            if let (id, isBackward) = cursor {
                guard
                    let customer = try transaction.customer(
                        .id(CustomerID(id)), of: query.workspaceID)
                else {
                    throw APIError(
                        .unprocessable, "Invalid cursor: the provided ID does not exist.")
                }
                query.cursor = .init(customer, isBackward: isBackward)
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

    func getCustomer(_ request: Request, _ context: TributeContext, _ caller: Caller) async throws
        -> Response
    {
        let id = try context.pathParameter("id")
        let selector: CustomerSelector =
            id.hasPrefix("ext_")
            ? .externalID(String(id.dropFirst(4))) : .id(CustomerID(id))
        let workspaceID = caller.workspace.id
        let expands = try request.flag("includeExpandedFields")
        let found = try await ledger.read { transaction -> (Customer, Link?)? in
            guard let customer = try transaction.customer(selector, of: workspaceID) else {
                return nil
            }
            let linkIDs = Set([customer.linkID].compactMap { $0 })
            return (customer, try transaction.links(ids: linkIDs).values.first)
        }
        guard let (customer, link) = found else {
            throw APIError(
                .notFound,
                "Customer not found. Make sure you're using the correct customer ID (e.g. `cus_3TagGjzRzmsFJdH8od2BNCsc`) or the external ID with the `ext_` prefix."
            )
        }
        var writer = JSONWriter()
        writer.write(customer, expanded: expands ? (link, shortLinks) : nil)
        return .json(writer, headers: caller.rateHeaders)
    }

    func listEvents(_ request: Request, _ caller: Caller) async throws -> Response {
        let kind: EventQuery.Kind =
            try request.option(
                "event",
                [
                    "clicks": .clicks, "leads": .leads, "sales": .sales,
                ]) ?? .clicks
        var query = EventQuery(
            workspaceID: caller.workspace.id, kind: kind,
            page: try request.page(sizeName: "limit", default: 100, max: 1_000))
        _ = try request.option("sortBy", ["timestamp": true])
        query.ascending =
            try request.option("sortOrder", ["asc": true, "desc": false])
            ?? request.option("order", ["asc": true, "desc": false]) ?? false
        if let linkIDs = try request.query("linkId").nonEmpty {
            query.linkIDs = linkIDs.split(separator: ",").prefix(100).map(String.init)
        }
        query.customerID = try request.query("customerId").nonEmpty
        query.domain = try request.query("domain").nonEmpty.map { normalizedHostname($0) }
        query.key = try request.query("key").nonEmpty
        (query.from, query.to) = try request.period(now: stamper.now())
        let externalID = try request.query("externalId").nonEmpty
        let events = try await ledger.read { [query] transaction in
            var query = query
            if let externalID {
                let plain =
                    externalID.hasPrefix("ext_") ? String(externalID.dropFirst(4)) : externalID
                let selector = LinkSelector.externalID(query.workspaceID, plain)
                query.linkIDs = [try transaction.link(selector)?.id.text ?? ""]
            }
            return try transaction.events(query)
        }
        var writer = JSONWriter(capacity: 64 + events.count * 2_500)
        writer.array(events) { $0.write($1, shortLinks) }
        return .json(writer, headers: caller.rateHeaders)
    }
}

/// How query parameters are read; what is wrong is answered with 422 and the parameter's name.
extension Request {
    private func invalid(_ code: String, _ name: String, _ message: String) -> APIError {
        APIError(.unprocessable, Issue(code, name, message).text)
    }

    func page(sizeName: String, default size: Int, max: Int) throws -> Page {
        let number = try integer("page", called: "Page") ?? 1
        guard number <= 1_000 else {
            throw APIError(
                .unprocessable,
                "Page is too big (cannot be more than 1000), recommend using cursor-based pagination instead."
            )
        }
        let asked = try integer(sizeName, called: "Page size") ?? size
        guard asked <= max else {
            throw invalid("too_big", sizeName, "Max page size is \(max).")
        }
        return Page(number: number, size: asked)
    }

    /// `startingAfter` or `endingBefore`: an id, and whether the page stands before it.
    func cursor(sort: CustomerQuery.Sort) throws -> (id: String, isBackward: Bool)? {
        let after = try query("startingAfter").nonEmpty
        let before = try query("endingBefore").nonEmpty
        guard let id = after ?? before else { return nil }
        if after != nil && before != nil {
            throw APIError(
                .unprocessable,
                "You cannot use both startingAfter and endingBefore at the same time.")
        }
        if try query("page") != nil {
            throw APIError(
                .unprocessable,
                "You cannot use both page and startingAfter/endingBefore at the same time. Please use one pagination method."
            )
        }
        guard sort == .createdAt else {
            throw APIError(
                .unprocessable,
                "Cursor-based pagination only supports sorting by `createdAt`. Use offset-based pagination (page/pageSize) for other sort fields."
            )
        }
        return (id, before != nil)
    }

    /// A number from 1; one that is beyond all bounds is the largest.
    private func integer(_ name: String, called title: String) throws -> Int? {
        guard let text = try query(name) else { return nil }
        let isLong = text.utf8.count > 18 && text.utf8.allSatisfy { (48...57).contains($0) }
        guard let number = isLong ? Int.max : Int(text) else {
            throw invalid("invalid_type", name, "\(title) must be a number.")
        }
        guard number >= 1 else {
            throw invalid("too_small", name, "\(title) must be greater than 0.")
        }
        return number
    }

    func flag(_ name: String) throws -> Bool {
        try option(name, ["true": true, "false": false]) ?? false
    }

    func option<Value>(_ name: String, _ values: KeyValuePairs<String, Value>) throws -> Value? {
        guard let text = try query(name) else { return nil }
        if let found = values.first(where: { $0.key == text }) { return found.value }
        let list = values.map { "\"\($0.key)\"" }.joined(separator: "|")
        throw invalid("invalid_value", name, "Invalid option: expected one of \(list)")
    }

    /// `start`/`end`, else `interval`, else the last 30 days.
    func period(now: Timestamp) throws -> (from: Timestamp, to: Timestamp) {
        let start = try moment("start")
        let end = try moment("end") ?? .distantFuture
        if let start {
            guard start <= end else {
                throw invalid("custom", "start", "start must not be after end.")
            }
            return (start, end)
        }
        let days: (Int64) -> Timestamp = { now.adding(-$0 * Timestamp.day) }
        let today = now.date
        let monthStart = CivilDate(year: today.year, month: today.month, day: 1)
        let quarterStart = CivilDate(
            year: today.year, month: (today.month - 1) / 3 * 3 + 1, day: 1)
        let yearStart = CivilDate(year: today.year, month: 1, day: 1)
        let from =
            try option(
                "interval",
                [
                    "24h": days(1), "7d": days(7), "30d": days(30), "90d": days(90),
                    "1y": days(365),
                    "mtd": monthStart.midnight, "qtd": quarterStart.midnight,
                    "ytd": yearStart.midnight, "all": .distantPast,
                ]) ?? days(30)
        return (from, end)
    }

    private func moment(_ name: String) throws -> Timestamp? {
        guard let text = try query(name) else { return nil }
        guard let moment = Timestamp(text: text) else {
            throw invalid("custom", name, invalidDateText)
        }
        return moment
    }
}

extension CivilDate {
    fileprivate var midnight: Timestamp {
        Timestamp(milliseconds: daysSinceEpoch * Timestamp.day)
    }
}
