import Attribution
import HTTPTypes
import Wire

/// The answers of the track endpoints. Their keys and the order of the keys are the contract's.

extension SaleOutcome {
    func reply(_ headers: HTTPFields) -> Reply {
        switch self {
        case .recorded(let receipt): return receipt.reply(headers)
        case .replayed(let receipt, let differing):
            var headers = headers
            headers[.idempotentReplayed] = "true"
            if !differing.isEmpty {
                headers[.idempotencyConflict] = differing.joined(separator: ",")
            }
            return receipt.reply(headers)
        case .ignored(let eventName, _):
            return Reply(headers: headers) {
                $0.member("eventName", eventName)
                $0.null("customer")
                $0.null("sale")
            }
        }
    }
}

extension SaleReceipt {
    /// The same bytes for the first answer and for every replay of it.
    func reply(_ headers: HTTPFields) -> Reply {
        let customer = customer.asShown
        return Reply(capacity: 640, headers: headers) {
            $0.member("eventName", sale.eventName)
            $0.object("customer") {
                $0.member("id", customer.id.text)
                $0.member("name", customer.name)
                $0.member("email", customer.email)
                $0.member("avatar", customer.avatar)
                $0.member("externalId", customer.externalID)
            }
            $0.object("sale") {
                $0.member("amount", sale.money.minorUnits)
                $0.member("currency", sale.money.currency.code)
                $0.member("paymentProcessor", sale.paymentProcessor.rawValue)
                $0.member("invoiceId", sale.invoiceID)
                $0.member("metadata", json: sale.metadata)
            }
        }
    }
}

extension LeadOutcome {
    func reply(_ headers: HTTPFields, _ shortLinks: ShortLinks) -> Reply {
        switch self {
        case .tracked(let receipt, _):
            Self.reply(
                headers, receipt.clickID, receipt.customer,
                link: (receipt.link, shortLinks))
        case .duplicate(let clickID, let customer):
            Self.reply(headers, clickID, customer, link: nil)
        }
    }

    private static func reply(
        _ headers: HTTPFields, _ clickID: ClickID, _ customer: Customer,
        link: (LinkState, ShortLinks)?
    ) -> Reply {
        Reply(headers: headers) {
            $0.object("click") { $0.member("id", clickID.text) }
            if let (link, shortLinks) = link {
                $0.object("link") { $0.write(link, shortLinks) }
            } else {
                $0.null("link")
            }
            $0.object("customer") {
                $0.member("name", customer.name)
                $0.member("email", customer.email)
                $0.member("avatar", customer.avatar)
                $0.member("externalId", customer.externalID)
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ link: LinkState, _ shortLinks: ShortLinks) {
        member("id", link.id.text)
        member("domain", link.domain)
        member("key", link.key)
        member("shortLink", shortLinks.url(domain: link.domain, key: link.key))
        member("url", link.url)
        null("partnerId")
        null("programId")
        member("tenantId", link.tenantID)
        member("externalId", link.externalID)
    }
}
