import Attribution
import Ledger

extension Result where Success == Outcome, Failure == LedgerError {
    /// The answer in the words of the model.
    package var words: String {
        switch self {
        case .success(let outcome): outcome.words
        case .failure(let error): "error \(caseName(error))"
        }
    }
}

extension Outcome {
    fileprivate var words: String {
        switch self {
        case .click(let click): "click \(click.id)\(click.isRepeat ? " again" : "")"
        case .lead(let lead): lead.words
        case .sale(let sale): sale.words
        case .customer(let customer, let isCreated):
            "customer \(customer.id) \(isCreated ? "created" : "known")"
        case .link(let link): "link \(link.id) \(link.key)"
        case .deleted(let id): "deleted \(id)"
        case .tag(let tag): "tag \(tag.id)"
        case .folder(let folder): "folder \(folder.id)"
        case .domain(let domain): "domain \(domain.slug)"
        case .done: "done"
        case .discarded(let count): "discarded \(count)"
        case .workspace(let workspace): "workspace \(workspace.id)"
        case .token(let token): "token \(token.id)"
        case .writable: "writable"
        case .refused(let refusal):
            "refused \(refusal.rejectionReason?.rawValue ?? caseName(refusal))"
        }
    }
}

extension LeadOutcome {
    fileprivate var words: String {
        switch self {
        case .tracked(let receipt, let isRecorded):
            "lead \(isRecorded ? "" : "deferred ")\(receipt.clickID) \(receipt.link.id) "
                + "\(receipt.customer.id)"
        case .duplicate(let clickID, let customer): "lead again \(clickID) \(customer.id)"
        }
    }
}

extension SaleOutcome {
    fileprivate var words: String {
        switch self {
        case .recorded(let receipt):
            "sale \(receipt.sale.id) \(receipt.customer.id) \(receipt.sale.linkID) "
                + "\(receipt.sale.clickID?.text ?? "-") \(receipt.sale.leadID?.text ?? "-") "
                + "\(receipt.sale.money.minorUnits) \(receipt.sale.money.currency.code)"
        case .replayed(let receipt, let differing):
            "sale again \(receipt.sale.id) \(receipt.customer.id) "
                + (differing.isEmpty ? "-" : differing.joined(separator: ","))
        case .ignored(_, let reason): "sale ignored \(reason.rawValue)"
        }
    }
}

/// The name of an enumeration's case, without what it carries.
func caseName(_ value: Any) -> String { String("\(value)".prefix { $0 != "(" }) }

extension Command {
    /// The name of the case.
    package var name: String { Mirror(reflecting: self).children.first?.label ?? "\(self)" }

    /// The same, kept nowhere if it records nothing.
    package var withoutCall: Command {
        switch self {
        case .recordClick(var click):
            click.call = nil
            return .recordClick(click)
        case .recordLead(var lead):
            lead.call = nil
            return .recordLead(lead)
        case .recordSale(var sale):
            sale.call = nil
            return .recordSale(sale)
        default: return self
        }
    }
}

/// Only one spelling of each text: Swift's own comparison of strings takes texts that look alike
/// for the same.
package func asciiText(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
    return text.unicodeScalars.map { scalar in
        scalar.isASCII ? String(scalar) : "<\(String(scalar.value, radix: 16))>"
    }.joined()
}
