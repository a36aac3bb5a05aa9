import Attribution
import Wire

/// What a row of an import is about. Rows are taken in this order, whatever their order in the
/// file: a lead needs its click, a sale its lead.
package enum ImportKind: String, Sendable, CaseIterable { case click, customer, lead, sale }

/// A row on its way to a command. A click names its link, which only the database knows.
package enum ImportDraft: Sendable {
    case command(Command)
    case click(ClickDraft)
}

package struct ClickDraft: Sendable {
    package var id: ClickID
    package var at: Timestamp
    package var selector: LinkSelector
    package var url: String?
    package var visitor: Visitor

    package func command(_ linkID: LinkID) -> Command {
        var click = RecordClick(id: id, linkID: linkID, at: at, visitor: visitor)
        click.url = url
        click.origin = .imported
        return .recordClick(click)
    }
}

/// Translates the rows of an import to the commands that the API makes, with the rows' own times.
/// Ids come from the rows: the same row has the same id in each run, so that nothing is recorded
/// twice. Of rows that are equal to the letter, the second is the second event.
package struct ImportTranslator: Sendable {
    /// How far ahead of this machine's clock a row's time may be, in milliseconds.
    private static let clockDifferenceMax = 60 * Timestamp.second

    private let workspaceID: WorkspaceID
    private let stamper: Stamper
    private var occurrences: [UInt64: Int] = [:]

    package init(workspaceID: WorkspaceID, stamper: Stamper) {
        (self.workspaceID, self.stamper) = (workspaceID, stamper)
    }

    package static func kind(_ members: [JSONMember]) throws(ImportError) -> ImportKind {
        guard case .string(let text)? = members.value("type"), let kind = ImportKind(rawValue: text)
        else { throw ImportError("type: expected click, customer, lead or sale") }
        return kind
    }

    package mutating func draft(
        _ row: ImportRow, _ members: [JSONMember], _ kind: ImportKind
    ) throws(ImportError) -> ImportDraft {
        do throws(BodyError) { return try checkedDraft(row, members, kind) } catch {
            throw ImportError(error.reason)
        }
    }

    private mutating func checkedDraft(
        _ row: ImportRow, _ members: [JSONMember], _ kind: ImportKind
    ) throws(BodyError) -> ImportDraft {
        let times = try Body<TimeField>(members: members)
        guard case .moment(let at) = times[.timestamp] else {
            throw .invalid(Issue("invalid_type", "timestamp", "timestamp is required"))
        }
        // It would be the newest click or lead until then, and take every credit.
        guard at <= stamper.now().adding(Self.clockDifferenceMax) else {
            throw .invalid(Issue("custom", "timestamp", "lies in the future"))
        }
        let random = identity(of: row)
        switch kind {
        case .click: return .click(try click(members, at, random))
        case .customer: return .command(.addCustomer(try customer(members, at)))
        case .lead:
            var lead = try Body<LeadField>(members: members).command(workspaceID, stamper)
            lead.ids = lead.ids.indices.map { index in
                LeadID(IDText.event(at: at, random: random &+ UInt64(index)))
            }
            (lead.at, lead.origin) = (at, .imported)
            return .command(.recordLead(lead))
        case .sale:
            var sale = try Body<SaleField>(members: members).command(workspaceID, stamper)
            sale.id = SaleID(IDText.event(at: at, random: random))
            sale.directLeadID = LeadID(IDText.event(at: at, random: random &+ 1))
            (sale.at, sale.origin) = (at, .imported)
            return .command(.recordSale(sale))
        }
    }

    private func click(
        _ members: [JSONMember], _ at: Timestamp, _ random: UInt64
    ) throws(BodyError) -> ClickDraft {
        let body = try Body<ImportClickField>(members: members)
        let selector: LinkSelector
        if let linkID = body.text(.linkId) {
            selector = .id(LinkID(linkID))
        } else if let domain = body.text(.domain), let key = body.text(.key) {
            selector = .address(domain: normalizedHostname(domain), key: key)
        } else {
            throw .invalid(Issue("custom", "linkId", "give linkId, or domain and key"))
        }
        var visitor = Visitor()
        visitor.country = body.text(.country)
        visitor.userAgent = body.text(.userAgent)
        visitor.refererURL = body.text(.referrer)
        visitor.referer = visitor.refererURL.flatMap(urlHost)
        let id = body.text(.clickId) ?? IDText.event(at: at, random: random)
        return ClickDraft(
            id: ClickID(id), at: at, selector: selector, url: body.text(.url), visitor: visitor)
    }

    private func customer(
        _ members: [JSONMember], _ at: Timestamp
    ) throws(BodyError) -> AddCustomer {
        let body = try Body<ImportCustomerField>(members: members)
        let profile = CustomerProfile(
            id: stamper.id("cus_"), name: body.text(.customerName),
            email: body.text(.customerEmail), avatar: body.text(.customerAvatar))
        return AddCustomer(
            key: CustomerKey(
                workspaceID: workspaceID, externalID: body.text(.customerExternalId) ?? ""),
            profile: profile, clickID: body.text(.clickId).nonEmpty.map { ClickID($0) },
            country: body.text(.country), at: at)
    }

    /// A number that stands for the row: from the digest of its text and how often it came before.
    private mutating func identity(of row: ImportRow) -> UInt64 {
        let digest = sha256Prefix("\(workspaceID)\n\(row.text)")
        let count = occurrences[digest, default: 0]
        occurrences[digest] = count + 1
        return count == 0 ? digest : sha256Prefix("\(workspaceID)\n\(row.text)\n\(count)")
    }
}

package enum TimeField: Int, BodyField {
    case timestamp
    package static let rules = allCases.map(\.rule)
    package static let names = FieldNames(rules)
    package var rule: Rule {
        Rule("timestamp", .date, .required, missing: "timestamp is required")
    }
}

package enum ImportClickField: Int, BodyField {
    case clickId, linkId, domain, key, url, referrer, country, userAgent
    package static let rules = allCases.map(\.rule)
    package static let names = FieldNames(rules)
    package var rule: Rule {
        switch self {
        case .clickId: .text("clickId", max: 100, minLength: 1)
        case .linkId: .text("linkId", max: 100)
        case .domain: .text("domain", max: 190)
        case .key: .text("key", max: 190)
        case .url: .url("url")
        case .referrer: .text("referrer", max: 2_048)
        case .country: .text("country", max: 2)
        case .userAgent: .text("userAgent", max: 1_024)
        }
    }
}

package enum ImportCustomerField: Int, BodyField {
    case customerExternalId, customerName, customerEmail, customerAvatar, clickId, country
    package static let rules = allCases.map(\.rule)
    package static let names = FieldNames(rules)
    package var rule: Rule {
        switch self {
        case .customerExternalId: ClientRules.customer
        case .customerName: .text("customerName", max: 100)
        case .customerEmail: Rule("customerEmail", .email(max: 100), .nullish)
        case .customerAvatar: .text("customerAvatar", max: 2_048)
        case .clickId: .text("clickId", max: 255, trimmed: true)
        case .country: .text("country", max: 2)
        }
    }
}

extension [JSONMember] {
    fileprivate func value(_ name: String) -> JSONValue? { first { $0.name == name }?.value }
}
