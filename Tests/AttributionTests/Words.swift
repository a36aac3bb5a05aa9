import Attribution

/// Decisions in short words, for tables that people read.
extension Decision {
    var words: String {
        ([outcome.words] + changes.map(\.words)).joined(separator: " | ")
    }
}

extension Outcome {
    var words: String {
        switch self {
        case .click(let recorded): recorded.isRepeat ? "repeats \(recorded.id)" : "\(recorded.id)"
        case .lead(let lead): lead.words
        case .sale(let sale): sale.words
        case .customer(let customer, let isCreated):
            "\(customer.externalID) is \(isCreated ? "new" : "known")"
        case .link(let link): "\(link.domain)/\(link.key)"
        case .deleted(let id): "deleted \(id)"
        case .domain(let domain): "\(domain.slug)\(domain.isPrimary ? " primary" : "")"
        case .tag(let tag): "tag \(tag.name)"
        case .folder(let folder): "folder \(folder.name)"
        case .done: "done"
        case .discarded(let count): "discarded \(count)"
        case .workspace(let workspace): "workspace \(workspace.slug)"
        case .token(let token): "token \(token.id)\(token.revokedAt == nil ? "" : " revoked")"
        case .writable: "writable"
        case .refused(let refusal): "no: \(refusal)"
        }
    }
}

extension LeadOutcome {
    fileprivate var words: String {
        switch self {
        case .tracked(let receipt, let isRecorded):
            "\(isRecorded ? "lead" : "deferred") of \(receipt.customer.externalID) by \(receipt.clickID) on \(receipt.link.id)"
        case .duplicate(let clickID, let customer):
            "duplicate of \(customer.externalID) by \(clickID)"
        }
    }
}

extension SaleOutcome {
    fileprivate var words: String {
        switch self {
        case .recorded(let receipt):
            "\(receipt.sale.id) of \(receipt.customer.externalID)"
        case .replayed(let receipt, let differing):
            "replays \(receipt.sale.id) \(differing)"
        case .ignored(let eventName, let reason): "ignored \(eventName) \(reason.rawValue)"
        }
    }
}

extension Change {
    fileprivate var words: String {
        switch self {
        case .insertClick(let click): "click \(click.id) on \(click.linkID)"
        case .repeatClick(let id, let first): "\(id) stands for \(first)"
        case .insertCustomer(let customer):
            "customer \(customer.externalID) on \(customer.linkID?.text ?? "-")"
        case .attachCustomer(let key, let click): "\(key.externalID) on \(click.linkID)"
        case .claimLead(let claim, let customer, let lead):
            "claim \(claim.normalizedName) of \(customer) by \(lead)"
        case .insertLead(let lead, let key):
            "lead \(lead.id) \(lead.eventName) of \(key.externalID) on \(lead.linkID)"
        case .insertSale(let receipt): receipt.sale.words
        case .convert(let receipt):
            "\(receipt.customer.externalID) converts on \(receipt.sale.linkID)"
        case .insertLink(let link): "link \(link.id) \(link.domain)/\(link.key)"
        case .updateLink(let link): "link \(link.id) now \(link.domain)/\(link.key) \(link.url)"
        case .deleteLink(let link, _): "link \(link.id) deleted"
        case .insertRejection(let rejection):
            "keep \(rejection.id) \(rejection.endpoint.rawValue) \(rejection.words)"
                + " \(rejection.customerExternalID ?? "-") \(rejection.invoiceID ?? "-")"
        case .retryRejection(let rejection): "retry \(rejection.id) \(rejection.words)"
        case .discardRejection(let id, _): "drop \(id)"
        case .renameRejections(let key, let name): "calls of \(key.externalID) are of \(name)"
        case .forgetRejections(let key): "forget calls of \(key.externalID)"
        default: registryWords
        }
    }

    private var registryWords: String {
        switch self {
        case .updateCustomer(let customer):
            "customer \(customer.id) now \(customer.externalID) \(customer.name ?? "-")"
        case .insertTag(let tag): "tag \(tag.id) \(tag.name)"
        case .updateTag(let tag): "tag \(tag.id) now \(tag.name) \(tag.color)"
        case .deleteTag(let id): "tag \(id) deleted"
        case .insertFolder(let folder): "folder \(folder.id) \(folder.name)"
        case .updateFolder(let folder): "folder \(folder.id) now \(folder.name)"
        case .deleteFolder(let id): "folder \(id) deleted"
        case .insertDomain(let domain): "domain \(domain.slug)"
        case .updateDomain(let domain, let slug):
            "domain \(slug) now \(domain.slug)\(domain.isPrimary ? " primary" : "")"
        case .deleteDomain(let domain, _): "domain \(domain.slug) deleted"
        case .insertWorkspace(let workspace): "workspace \(workspace.id)"
        case .updateWorkspace(let workspace):
            "workspace \(workspace.id) \(workspace.name) \(workspace.plan) \(workspace.allowedHostnames) \(workspace.conflictPolicy)"
        case .insertToken(let token): "token \(token.id)"
        case .revokeToken(let token): "token \(token.id) revoked"
        case .touch: "touch"
        default: "?"
        }
    }
}

extension Rejection {
    fileprivate var words: String { "\(reason.rawValue) \(detail ?? "-")" }
}

extension Sale {
    fileprivate var words: String {
        let base = baseAmount.map { "counts \($0)" } ?? "counts nothing"
        let by = [clickID?.text, leadID?.text].map { $0 ?? "-" }.joined(separator: " ")
        return "sale \(id) \(money.minorUnits) \(money.currency.code) \(base) on \(linkID) by \(by)"
    }
}
