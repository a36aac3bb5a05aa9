import Attribution

/// The rules written a second time, from the documents and without a thought for speed, so that a
/// simulation can hold them against the ledger. Nothing here uses `decide`, facts or SQL, and no
/// counter is kept: `rows()` counts the events anew.
package struct Model: Sendable {
    var workspaces = Table<WorkspaceID, Workspace>()
    var domains: [Domain] = []
    var links = Table<LinkID, LinkRow>()
    var clicks = Table<ClickID, Click>()
    var customers = Table<CustomerID, Customer>()
    var leads = Table<LeadID, Lead>()
    /// In the order in which they were recorded.
    var sales = Table<SaleID, Sale>()
    var tokens = Table<TokenID, Token>()
    /// Kept calls of each workspace in the order in which they were put in.
    var rejections: [WorkspaceID: [Rejection]] = [:]

    // Where to look: each could be found by walking through the rows above.
    /// The customers who are not deleted.
    var customerByKey: [CustomerKey: CustomerID] = [:]
    var saleByInvoice: [InvoiceKey: SaleID] = [:]
    var leadsOfCustomer: [CustomerID: [LeadID]] = [:]
    var claims: [Claim: LeadID] = [:]
    var lastVisits: [Visit: ClickID] = [:]
    /// Other ids that were told of a click.
    var repeats: [ClickID: ClickID] = [:]
    var totals = Totals()

    package init() {}

    /// Applies one command and says in words what it must be answered.
    package mutating func answer(to command: Command) -> String {
        switch command {
        case .recordClick(let command): return clickAnswer(command)
        case .recordLead(let command):
            let workspace = command.customer.workspaceID
            return tracked(
                command.call, at: command.at, in: workspace,
                customer: command.customer.externalID, invoice: nil
            ) { $0.recordLead(command) }
        case .recordSale(let command):
            let workspace = command.customer.workspaceID
            return tracked(
                command.call, at: command.at, in: workspace,
                customer: command.customer.externalID, invoice: command.invoiceID
            ) { $0.recordSale(command) }
        case .addCustomer(let command): return addCustomer(command).words
        case .recordRejection(let command): return record(command)
        case .discardRejections(let command): return discard(command)
        case .proveWritable: return "writable"
        case .createCustomer(let command): return createCustomer(command).words
        case .updateCustomer(let command): return updateCustomer(command).words
        case .deleteCustomer(let command): return deleteCustomer(command).words
        case .createLink(let command): return createLink(command).words
        case .updateLink(let command): return updateLink(command).words
        case .deleteLink(let command): return deleteLink(command).words
        case .createDomain(let command): return createDomain(command).words
        case .createWorkspace(let command): return createWorkspace(command).words
        case .updateWorkspace(let command): return updateWorkspace(command).words
        case .createToken(let command): return createToken(command).words
        case .revokeToken(let command): return revokeToken(command).words
        default: return "unknown command"
        }
    }
}

extension Model {
    /// What becomes of one command.
    enum Verdict {
        /// It did its work, or there was nothing left to do.
        case did(String)
        /// It recorded nothing: a call like it is kept with this reason.
        case failed(String, RejectionReason, detail: String?)
        /// Refused in a way that calls are not kept for.
        case barred(String)

        static func refused(_ reason: RejectionReason, detail: String? = nil) -> Verdict {
            .failed("refused \(reason.rawValue)", reason, detail: detail)
        }

        var words: String {
            switch self {
            case .did(let words): words
            case .failed(let words, _, _): words
            case .barred(let name): "refused \(name)"
            }
        }
    }
}
