import Attribution
import Wire

/// The fields of the track bodies, each with its rule. What a body says becomes a command here.

private let processors = PaymentProcessor.allCases.map(\.rawValue)
private let metadataMax = 10_000
private let nameMax = 100
/// The contract sets no limit for references to other records; an index does.
private let referenceMax = 1_000

package enum SaleField: Int, BodyField {
    case customerExternalId, externalId, customerId, amount, currency, eventName
    case paymentProcessor, invoiceId, leadEventName, metadata, clickId
    case customerName, customerEmail, customerAvatar

    package static let rules = allCases.map(\.rule)
    package static let names = FieldNames(rules)

    package var rule: Rule {
        switch self {
        case .customerExternalId: .text("customerExternalId", max: customerExternalIDMax)
        case .externalId: .text("externalId", max: customerExternalIDMax)
        case .customerId: .text("customerId", max: customerExternalIDMax)
        case .amount:
            Rule(
                "amount", .integer(min: 0, max: Money.largestAmount), .required,
                missing: "amount is required", tooSmall: "amount cannot be negative")
        case .currency: Rule("currency", .currency, .optional)
        case .eventName: Rule("eventName", .text(min: 0, max: 255, trimmed: false), .optional)
        case .paymentProcessor: Rule("paymentProcessor", .option(processors), .optional)
        case .invoiceId: .text("invoiceId", max: referenceMax)
        case .leadEventName: .text("leadEventName", max: referenceMax)
        case .metadata: Rule("metadata", .object(max: metadataMax), .nullish)
        case .clickId: .text("clickId", max: referenceMax, trimmed: true)
        case .customerName: .text("customerName", max: nameMax)
        case .customerEmail: Rule("customerEmail", .email(max: nameMax), .nullish)
        case .customerAvatar: .text("customerAvatar", max: 2_048)
        }
    }
}

package enum LeadField: Int, BodyField {
    case clickId, eventName, customerExternalId, externalId, customerId
    case customerName, customerEmail, customerAvatar, mode, eventQuantity, metadata

    package static let rules = allCases.map(\.rule)
    package static let names = FieldNames(rules)

    package var rule: Rule {
        switch self {
        case .clickId: .text("clickId", max: referenceMax, trimmed: true)
        case .eventName:
            Rule(
                "eventName", .text(min: 1, max: 255, trimmed: true), .required,
                missing: "eventName is required", tooSmall: "eventName is required")
        case .customerExternalId:
            .text("customerExternalId", max: customerExternalIDMax, trimmed: true)
        case .externalId: .text("externalId", max: customerExternalIDMax, trimmed: true)
        case .customerId: .text("customerId", max: customerExternalIDMax, trimmed: true)
        case .customerName: .text("customerName", max: nameMax)
        case .customerEmail: Rule("customerEmail", .email(max: nameMax), .nullish)
        case .customerAvatar: .text("customerAvatar", max: 2_048)
        case .mode: Rule("mode", .option(LeadMode.allCases.map(\.rawValue)), .optional)
        case .eventQuantity: Rule("eventQuantity", .integer(min: 1, max: 100), .nullish)
        case .metadata: Rule("metadata", .object(max: metadataMax), .nullish)
        }
    }
}

/// The stricter rules of the endpoints that browsers call: one name for the customer's id, and a
/// lead's click must be given.
package enum ClientRules {
    static let customer = Rule(
        "customerExternalId", .text(min: 1, max: customerExternalIDMax, trimmed: true), .required,
        missing: "customerExternalId is required", tooSmall: "customerExternalId is required")
    static let leadClick = Rule(
        "clickId", .text(min: 0, max: referenceMax, trimmed: true), .required)

    /// Checks what the browser's endpoints ask for and drops the names they don't know.
    package static func narrowed(_ members: [JSONMember], isLead: Bool) throws(BodyError)
        -> [JSONMember]
    {
        do throws(Issue) {
            if isLead { try check(leadClick, members) }
            try check(customer, members)
        } catch { throw .invalid(error) }
        return members.filter { $0.name != "externalId" && $0.name != "customerId" }.map {
            guard $0.name == "customerExternalId", case .string(let text) = $0.value else {
                return $0
            }
            return JSONMember(name: $0.name, value: .string(trim(text)))
        }
    }

    private static func check(_ rule: Rule, _ members: [JSONMember]) throws(Issue) {
        _ = try rule.check(members.first { $0.name == rule.name }?.value)
    }
}

extension Body {
    /// The customer by the first of these fields that is not empty: the id has had three names.
    fileprivate func customerKey(
        _ workspaceID: WorkspaceID, named fields: Field...
    ) throws(BodyError) -> CustomerKey {
        for field in fields {
            guard let externalID = text(field).nonEmpty else { continue }
            return CustomerKey(workspaceID: workspaceID, externalID: externalID)
        }
        throw .malformed("customerExternalId is required")
    }
}

extension Body<SaleField> {
    package func command(_ workspaceID: WorkspaceID, _ stamper: Stamper) throws(BodyError)
        -> RecordSale
    {
        let customer = try customerKey(
            workspaceID, named: .customerExternalId, .externalId, .customerId)
        let (id, at): (SaleID, Timestamp) = stamper.event()
        return RecordSale(
            id: id, customer: customer,
            money: Money(
                integer(.amount) ?? 0, text(.currency).flatMap(Currency.init) ?? baseCurrency),
            eventName: text(.eventName) ?? "Purchase",
            paymentProcessor: text(.paymentProcessor).flatMap(PaymentProcessor.init) ?? .custom,
            invoiceID: text(.invoiceId), leadEventName: text(.leadEventName),
            metadata: object(.metadata), clickID: text(.clickId).nonEmpty.map { ClickID($0) },
            profile: CustomerProfile(
                id: stamper.id("cus_"), name: text(.customerName), email: text(.customerEmail),
                avatar: text(.customerAvatar)),
            directLeadID: stamper.eventID(), at: at)
    }
}

extension Body<LeadField> {
    package func command(_ workspaceID: WorkspaceID, _ stamper: Stamper) throws(BodyError)
        -> RecordLead
    {
        let customer = try customerKey(
            workspaceID, named: .customerExternalId, .externalId, .customerId)
        return RecordLead(
            ids: (0..<(integer(.eventQuantity) ?? 1)).map { _ in stamper.eventID() },
            customer: customer,
            clickID: text(.clickId).nonEmpty.map { ClickID($0) },
            eventName: text(.eventName) ?? "",
            mode: text(.mode).flatMap(LeadMode.init) ?? .async,
            profile: CustomerProfile(
                id: stamper.id("cus_"), name: text(.customerName), email: text(.customerEmail),
                avatar: text(.customerAvatar)),
            metadata: object(.metadata), at: stamper.now())
    }
}
