import Attribution
import Ledger
import Wire

/// The objects that the API shows of links, domains, customers and events.

extension JSONWriter {
    /// Every key of Dub's link object; what this server does not offer is its empty value.
    mutating func write(_ link: Link, _ shortLinks: ShortLinks) {
        object { $0.members(link, shortLinks) }
    }

    private mutating func members(_ link: Link, _ shortLinks: ShortLinks) {
        let shortLink = shortLinks.url(domain: link.domain, key: link.key)
        member("id", link.id.text)
        member("domain", link.domain)
        member("key", link.key)
        member("url", link.url)
        member("shortLink", shortLink)
        member("qrCode", shortLinks.qrCode(shortLink))
        for field in Self.fields {
            name(json: field.name)
            switch field.value {
            case .text(let read): string(read(link))
            case .flag(let read): raw(read(link) ? "true" : "false")
            case .moment(let read): string(read(link)?.iso8601)
            case .urls(let read): write(read(link), as: field.kind)
            }
        }
        name("tags")
        array(link.tags) { $0.write($1) }
        member("tagId", link.tags.first?.id.text)
        for unused in Self.notOffered { name(text: unused.name); raw(unused.json) }
        member("workspaceId", link.workspaceID.text)
        member("projectId", String(link.workspaceID.text.trimmingWorkspacePrefix))
        member("clicks", link.clicks)
        member("leads", link.leads)
        member("conversions", link.conversions)
        member("sales", link.sales)
        member("saleAmount", link.saleAmount)
        member("lastClicked", link.lastClicked)
        member("createdAt", link.createdAt)
        member("updatedAt", link.updatedAt)
    }

    private static let fields = LinkField.all.map { field in
        (name: nameJSON(field.name), value: field.reader, kind: field.rule.kind)
    }

    private static let notOffered: [(name: String, json: String)] = [
        ("programId", "null"), ("partnerId", "null"), ("webhookIds", "[]"), ("userId", "null"),
        ("identifier", "null"), ("linkRetentionCleanupDisabledAt", "null"),
    ]

    private mutating func write(_ urls: LabelledURLs?, as kind: Rule.Kind) {
        guard let urls else { return raw("null") }
        if case .variants = kind {
            return array(urls.entries) { writer, entry in
                writer.object {
                    $0.member("url", entry.url)
                    $0.member("percentage", Int64(entry.label) ?? 0)
                }
            }
        }
        object { writer in
            for entry in urls.entries {
                writer.name(text: entry.label)
                writer.string(entry.url)
            }
        }
    }

    mutating func write(_ tag: Tag) {
        object {
            $0.member("id", tag.id.text)
            $0.member("name", tag.name)
            $0.member("color", tag.color.rawValue)
        }
    }

    mutating func write(_ folder: Folder) {
        object {
            $0.member("id", folder.id.text)
            $0.member("name", folder.name)
            $0.member("description", folder.description)
            $0.member("type", "default")
            $0.member("accessLevel", folder.accessLevel?.rawValue)
            $0.member("createdAt", folder.createdAt)
            $0.member("updatedAt", folder.updatedAt)
        }
    }

    mutating func write(_ domain: Domain) {
        object {
            $0.member("id", domain.id.text)
            $0.member("slug", domain.slug)
            // Whoever can create a domain here also runs the server that it must point to.
            $0.member("verified", true)
            $0.member("primary", domain.isPrimary)
            $0.member("archived", domain.isArchived)
            $0.member("placeholder", domain.placeholder)
            $0.member("expiredUrl", domain.expiredURL)
            $0.member("notFoundUrl", domain.notFoundURL)
            $0.member("logo", domain.logo)
            $0.member("assetLinks", domain.assetLinks)
            $0.member("appleAppSiteAssociation", domain.appleAppSiteAssociation)
            $0.member("createdAt", domain.createdAt)
            $0.member("updatedAt", domain.updatedAt)
            $0.null("registeredDomain")
            $0.null("deepviewData")
        }
    }

    /// `link`: the expanded fields, asked for by `includeExpandedFields`.
    mutating func write(_ customer: Customer, expanded: (link: Link?, ShortLinks)? = nil) {
        let customer = customer.asShown
        object { writer in
            writer.member("id", customer.id.text)
            writer.member("name", customer.shownName)
            writer.member("email", customer.email)
            writer.member("avatar", customer.avatar)
            writer.member("externalId", customer.externalID)
            writer.member("stripeCustomerId", customer.stripeCustomerID)
            writer.member("country", customer.country)
            writer.member("sales", customer.sales)
            writer.member("saleAmount", customer.saleAmount)
            writer.member("createdAt", customer.createdAt)
            writer.member("firstSaleAt", customer.firstSaleAt)
            writer.member("subscriptionCanceledAt", customer.subscriptionCanceledAt)
            guard let (link, shortLinks) = expanded else { return }
            if let link {
                writer.object("link") { writer in
                    writer.member("id", link.id.text)
                    writer.member("domain", link.domain)
                    writer.member("key", link.key)
                    writer.member("shortLink", shortLinks.url(domain: link.domain, key: link.key))
                    writer.member("url", link.url)
                    writer.null("programId")
                }
            } else {
                writer.null("link")
            }
            writer.null("programId")
            writer.null("partner")
            writer.null("discount")
        }
    }

    mutating func write(_ event: EventRecord, _ shortLinks: ShortLinks) {
        object { writer in
            let click = event.click ?? event.placeholderClick
            switch event.payload {
            case .click: writer.member("event", "click")
            case .lead: writer.member("event", "lead")
            case .sale: writer.member("event", "sale")
            }
            writer.member("timestamp", event.at)
            writer.writePayload(event.payload)
            writer.object("click") { $0.members(click, deprecated: false) }
            writer.name("link")
            writer.write(event.link, shortLinks)
            if let customer = event.customer {
                writer.name("customer")
                writer.write(customer)
            }
            writer.members(click, deprecated: true)
            writer.member("link_id", event.link.id.text)
            writer.member("domain", event.link.domain)
            writer.member("key", event.link.key)
        }
    }

    private mutating func writePayload(_ payload: EventRecord.Payload) {
        switch payload {
        case .click: break
        case .lead(let lead):
            member("eventId", lead.id.text)
            member("eventName", lead.eventName)
            member("metadata", json: lead.metadata)
        case .sale(let sale):
            member("eventId", sale.id.text)
            member("eventName", sale.eventName)
            object("sale") {
                $0.member("amount", sale.money.minorUnits)
                $0.member("invoiceId", sale.invoiceID)
                $0.member("paymentProcessor", sale.paymentProcessor.rawValue)
                $0.member("currency", sale.money.currency.code)
            }
            member("metadata", json: sale.metadata)
            member("saleAmount", sale.money.minorUnits)
            member("invoice_id", sale.invoiceID ?? "")
            member("payment_processor", sale.paymentProcessor.rawValue)
        }
    }

    /// A click as an object of its own, or as the flat keys that older clients read.
    private mutating func members(_ click: Click, deprecated: Bool) {
        let isQR = click.trigger == .qr
        if deprecated {
            member("click_id", click.id.text)
        } else {
            member("id", click.id.text)
            member("timestamp", click.at)
        }
        member("url", click.url)
        member("country", click.visitor.country ?? "Unknown")
        member("city", click.visitor.city ?? "Unknown")
        if !deprecated { member("region", click.visitor.region ?? "Unknown") }
        member("continent", click.visitor.continent ?? "Unknown")
        member("device", click.visitor.device ?? "Desktop")
        member("browser", click.visitor.browser ?? "Unknown")
        member("os", click.visitor.os ?? "Unknown")
        member("ip", click.visitor.ip ?? "")
        if deprecated {
            member("qr", isQR ? 1 : 0)
            return
        }
        member("ua", click.visitor.userAgent)
        member("trigger", click.trigger.rawValue)
        member("referer", click.visitor.referer ?? "(direct)")
        member("refererUrl", click.visitor.refererURL ?? "(direct)")
        member("qr", isQR)
        if click.visitor.isBot { member("bot", true) }
    }
}

extension EventRecord {
    /// An event that no click led to still shows one, empty but for its time.
    fileprivate var placeholderClick: Click {
        Click(
            id: ClickID(""), workspaceID: link.workspaceID, linkID: link.id, at: at, url: link.url)
    }
}

extension String {
    fileprivate var trimmingWorkspacePrefix: Substring {
        hasPrefix("ws_") ? dropFirst(3) : self[...]
    }
}
