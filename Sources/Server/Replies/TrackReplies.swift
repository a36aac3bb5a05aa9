import Attribution
import HTTPTypes
import Wire

/// The answers of the track endpoints. Their keys and the order of the keys are the contract's.

extension SaleOutcome {
    package func reply(_ headers: HTTPFields) -> Reply {
        var headers = headers
        if case .replayed(_, let differing) = self {
            headers[.idempotentReplayed] = "true"
            if !differing.isEmpty {
                headers[.idempotencyConflict] = differing.joined(separator: ",")
            }
        }
        var writer = JSONWriter(capacity: 640)
        writer.write(self)
        return Reply(writer, headers: headers)
    }
}

extension JSONWriter {
    /// The same bytes for the first answer and for every replay of it.
    mutating func write(_ outcome: SaleOutcome) {
        switch outcome {
        case .recorded(let receipt), .replayed(let receipt, _): write(receipt)
        case .ignored(let eventName, _):
            object {
                $0.member("eventName", eventName)
                $0.null("customer")
                $0.null("sale")
            }
        }
    }

    private mutating func write(_ receipt: SaleReceipt) {
        let (sale, customer) = (receipt.sale, receipt.customer.asShown)
        object {
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
