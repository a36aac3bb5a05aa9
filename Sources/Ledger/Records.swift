import Attribution

/// How records stand in rows: the columns of each table in the order in which they are read, and
/// the arguments of its insert.

extension Workspace {
    static func columns(_ table: String) -> String {
        prefixed(
            table,
            "id slug name plan allowed_hostnames publishable_key conflict_policy created_at")
    }

    init(_ row: SQLRow, from first: Int = 0) throws {
        self.init(
            id: try row.id(first), slug: try row.text(first + 1), name: try row.text(first + 2),
            plan: try row.option(first + 3), createdAt: try row.moment(first + 7))
        allowedHostnames = splitList(try row.text(first + 4))
        publishableKey = try row.optionalText(first + 5)
        conflictPolicy = try row.option(first + 6)
    }

    var insertArguments: [SQLValue] {
        [
            .init(id), .text(slug), .text(name), .text(plan.rawValue),
            .text(allowedHostnames.joined(separator: " ")), .init(publishableKey),
            .text(conflictPolicy.rawValue), .init(createdAt),
        ]
    }
    var updateArguments: [SQLValue] {
        [
            .init(id), .text(name), .text(plan.rawValue),
            .text(allowedHostnames.joined(separator: " ")), .init(publishableKey),
            .text(conflictPolicy.rawValue),
        ]
    }
}

extension Token {
    static func columns(_ table: String) -> String {
        prefixed(
            table, "id workspace_id name digest scopes created_at expires_at revoked_at")
    }
    static let columnCount = 8

    init(_ row: SQLRow) throws {
        self.init(
            id: try row.id(0), workspaceID: try row.id(1), name: try row.text(2),
            digest: try row.text(3),
            scopes: splitList(try row.text(4)).compactMap(Scope.init(rawValue:)),
            createdAt: try row.moment(5), expiresAt: try row.optionalMoment(6),
            revokedAt: try row.optionalMoment(7))
    }

    var insertArguments: [SQLValue] {
        [
            .init(id), .init(workspaceID), .text(name), .text(digest),
            .text(scopes.map(\.rawValue).joined(separator: " ")), .init(createdAt),
            .init(expiresAt), .init(revokedAt),
        ]
    }
}

extension Domain {
    static let columns =
        """
        id, workspace_id, slug, is_primary, is_archived, placeholder, expired_url, not_found_url, \
        logo, created_at, updated_at, asset_links, apple_app_site_association
        """

    init(_ row: SQLRow) throws {
        self.init(
            id: try row.id(0), workspaceID: try row.id(1), slug: try row.text(2),
            createdAt: try row.moment(9))
        isPrimary = try row.flag(3)
        isArchived = try row.flag(4)
        placeholder = try row.optionalText(5)
        expiredURL = try row.optionalText(6)
        notFoundURL = try row.optionalText(7)
        logo = try row.optionalText(8)
        updatedAt = try row.moment(10)
        assetLinks = try row.optionalText(11)
        appleAppSiteAssociation = try row.optionalText(12)
    }

    var insertArguments: [SQLValue] {
        [
            .init(id), .init(workspaceID), .text(slug), .init(isPrimary), .init(isArchived),
            .init(placeholder), .init(expiredURL), .init(notFoundURL), .init(logo),
            .init(createdAt), .init(updatedAt), .init(assetLinks), .init(appleAppSiteAssociation),
        ]
    }
    var updateArguments: [SQLValue] {
        [
            .init(id), .text(slug), .init(isPrimary), .init(isArchived), .init(placeholder),
            .init(expiredURL), .init(notFoundURL), .init(logo), .init(updatedAt),
            .init(assetLinks), .init(appleAppSiteAssociation),
        ]
    }
}

extension Tag {
    static func columns(_ table: String) -> String {
        prefixed(table, "id workspace_id name color created_at")
    }

    init(_ row: SQLRow, from first: Int = 0) throws {
        self.init(
            id: try row.id(first), workspaceID: try row.id(first + 1),
            name: try row.text(first + 2), color: try row.option(first + 3),
            createdAt: try row.moment(first + 4))
    }

    var insertArguments: [SQLValue] {
        [
            .init(id), .init(workspaceID), .text(name), .text(color.rawValue), .init(createdAt),
        ]
    }
}

extension Folder {
    static func columns(_ table: String) -> String {
        prefixed(
            table, "id workspace_id name description access_level created_at updated_at")
    }

    init(_ row: SQLRow) throws {
        self.init(
            id: try row.id(0), workspaceID: try row.id(1), name: try row.text(2),
            createdAt: try row.moment(5))
        description = try row.optionalText(3)
        accessLevel = try row.optionalText(4).flatMap(AccessLevel.init(rawValue:))
        updatedAt = try row.moment(6)
    }

    var insertArguments: [SQLValue] {
        [
            .init(id), .init(workspaceID), .text(name), .init(description),
            .init(accessLevel?.rawValue), .init(createdAt), .init(updatedAt),
        ]
    }
    var updateArguments: [SQLValue] {
        [
            .init(id), .text(name), .init(description), .init(accessLevel?.rawValue),
            .init(updatedAt),
        ]
    }
}

extension Click {
    static let columns =
        """
        id, workspace_id, link_id, at, url, trigger_kind, ip, user_agent, country, referer, \
        referer_url, identity, continent, region, city, device, browser, os, is_bot, store_visit
        """

    init(_ row: SQLRow, from first: Int = 0) throws {
        var visitor = Visitor()
        visitor.ip = try row.optionalText(first + 6)
        visitor.userAgent = try row.optionalText(first + 7)
        visitor.country = try row.optionalText(first + 8)
        visitor.referer = try row.optionalText(first + 9)
        visitor.refererURL = try row.optionalText(first + 10)
        visitor.identity = try row.optionalText(first + 11)
        visitor.continent = try row.optionalText(first + 12)
        visitor.region = try row.optionalText(first + 13)
        visitor.city = try row.optionalText(first + 14)
        visitor.device = try row.optionalText(first + 15)
        visitor.browser = try row.optionalText(first + 16)
        visitor.os = try row.optionalText(first + 17)
        visitor.isBot = try row.flag(first + 18)
        visitor.storeVisit = try row.optionalText(first + 19)
        self.init(
            id: try row.id(first), workspaceID: try row.id(first + 1),
            linkID: try row.id(first + 2), at: try row.moment(first + 3),
            url: try row.text(first + 4), trigger: try row.option(first + 5), visitor: visitor)
    }

    var insertArguments: [SQLValue] {
        [
            .init(id), .init(workspaceID), .init(linkID), .init(at), .text(url),
            .text(trigger.rawValue), .init(visitor.ip), .init(visitor.userAgent),
            .init(visitor.country), .init(visitor.referer), .init(visitor.refererURL),
            .init(visitor.identity), .init(visitor.continent), .init(visitor.region),
            .init(visitor.city), .init(visitor.device), .init(visitor.browser), .init(visitor.os),
            .init(visitor.isBot), .init(visitor.storeVisit),
        ]
    }
}

extension Customer {
    static func columns(_ table: String) -> String {
        prefixed(
            table,
            """
            id workspace_id external_id name email avatar country link_id click_id clicked_at \
            created_at first_sale_at sales sale_amount last_sale_id stripe_customer_id \
            subscription_canceled_at deleted_at
            """)
    }

    init(_ row: SQLRow, from first: Int = 0) throws {
        self.init(
            id: try row.id(first), workspaceID: try row.id(first + 1),
            externalID: try row.text(first + 2), createdAt: try row.moment(first + 10))
        name = try row.optionalText(first + 3)
        email = try row.optionalText(first + 4)
        avatar = try row.optionalText(first + 5)
        country = try row.optionalText(first + 6)
        linkID = try row.optionalID(first + 7)
        clickID = try row.optionalID(first + 8)
        clickedAt = try row.optionalMoment(first + 9)
        firstSaleAt = try row.optionalMoment(first + 11)
        sales = try row.integer(first + 12)
        saleAmount = try row.integer(first + 13)
        lastSaleID = try row.optionalID(first + 14)
        stripeCustomerID = try row.optionalText(first + 15)
        subscriptionCanceledAt = try row.optionalMoment(first + 16)
        deletedAt = try row.optionalMoment(first + 17)
    }

    var insertArguments: [SQLValue] {
        [
            .init(id), .init(workspaceID), .text(externalID), .init(name), .init(email),
            .init(avatar), .init(country), .init(linkID), .init(clickID), .init(clickedAt),
            .init(createdAt), .init(stripeCustomerID), .init(subscriptionCanceledAt),
        ]
    }
    var updateArguments: [SQLValue] {
        [
            .init(id), .text(externalID), .init(name), .init(email), .init(avatar),
            .init(country), .init(stripeCustomerID), .init(subscriptionCanceledAt),
            .init(deletedAt),
        ]
    }
}

extension Lead {
    static func columns(_ table: String) -> String {
        prefixed(table, "id workspace_id customer_id link_id click_id event_name at metadata")
    }
    static let columnCount = 8

    init(_ row: SQLRow, from first: Int = 0) throws {
        self.init(
            id: try row.id(first), workspaceID: try row.id(first + 1),
            customerID: try row.id(first + 2), linkID: try row.id(first + 3),
            clickID: try row.optionalID(first + 4), eventName: try row.text(first + 5),
            at: try row.moment(first + 6), metadata: try row.optionalText(first + 7))
    }

    var insertArguments: [SQLValue] {
        [
            .init(id), .init(workspaceID), .init(customerID), .init(linkID), .init(clickID),
            .text(eventName), .init(at), .init(metadata),
        ]
    }
}

extension Sale {
    static func columns(_ table: String) -> String {
        prefixed(
            table,
            """
            id workspace_id customer_id link_id click_id lead_id event_name at amount currency \
            base_amount payment_processor invoice_id metadata previous_sale_id
            """)
    }
    static let columnCount = 15

    init(_ row: SQLRow, from first: Int = 0) throws {
        guard let currency = Currency(try row.text(first + 9)) else {
            throw SQLError.corrupt("a sale's currency is not ISO 4217")
        }
        self.init(
            id: try row.id(first), workspaceID: try row.id(first + 1),
            customerID: try row.id(first + 2), linkID: try row.id(first + 3),
            clickID: try row.optionalID(first + 4), leadID: try row.optionalID(first + 5),
            eventName: try row.text(first + 6), at: try row.moment(first + 7),
            money: Money(try row.integer(first + 8), currency),
            baseAmount: try row.optionalInteger(first + 10),
            paymentProcessor: try row.option(first + 11),
            invoiceID: try row.optionalText(first + 12),
            metadata: try row.optionalText(first + 13))
        previousSaleID = try row.optionalID(first + 14)
    }

    var insertArguments: [SQLValue] {
        [
            .init(id), .init(workspaceID), .init(customerID), .init(linkID), .init(clickID),
            .init(leadID), .text(eventName), .init(at), .integer(money.minorUnits),
            .text(money.currency.code), baseAmount.map(SQLValue.integer) ?? .null,
            .text(paymentProcessor.rawValue), .init(invoiceID), .init(metadata),
            .init(previousSaleID),
        ]
    }
}

/// Lists of short words (hostnames, scopes) are kept in one column, a space between them.
private func splitList(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }

func prefixed(_ table: String, _ columns: String) -> String {
    columns.split(separator: " ").map { "\(table).\($0)" }.joined(separator: ", ")
}
