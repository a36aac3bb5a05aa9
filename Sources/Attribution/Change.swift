/// The only things that are ever written.
// Indirect: handed on many times, one pointer is cheaper to copy than a dozen texts.
package indirect enum Change: Sendable {
    case insertClick(Click)
    /// An id that a visitor was told, who came again: it stands for the click that counts.
    case repeatClick(ClickID, of: ClickID)
    case insertCustomer(Customer)
    /// Gives a customer without a link the one of this click.
    case attachCustomer(CustomerKey, Click)
    case claimLead(LeadClaim, CustomerID, LeadID)
    case insertLead(Lead, CustomerKey)
    case insertSale(SaleReceipt)
    /// The customer's first sale through its link.
    case convert(SaleReceipt)
    case insertRejection(Rejection)
    /// Tried again in vain: a new reason and one attempt more.
    case retryRejection(Rejection)
    case discardRejection(RejectionID, WorkspaceID)
    /// The customer of these calls is called otherwise now.
    case renameRejections(CustomerKey, String)
    /// Nothing is kept of calls that name this customer.
    case forgetRejections(CustomerKey)
    case insertLink(Link)
    case updateLink(Link)
    case deleteLink(Link, at: Timestamp)
    case updateCustomer(Customer)
    case insertTag(Tag)
    case updateTag(Tag)
    case deleteTag(TagID)
    case insertFolder(Folder)
    case updateFolder(Folder)
    case deleteFolder(FolderID)
    case insertDomain(Domain)
    /// `slug` is the one before; the domain's links follow it to a new one.
    case updateDomain(Domain, slug: String)
    case deleteDomain(Domain, at: Timestamp)
    case insertWorkspace(Workspace)
    case updateWorkspace(Workspace)
    case insertToken(Token)
    case revokeToken(Token)
    /// A number that nobody reads is counted on.
    case touch

    /// Whether cached tokens, workspaces, links or domains must be read again.
    package var touchesRegistry: Bool {
        switch self {
        case .insertClick, .repeatClick, .insertCustomer, .attachCustomer, .claimLead, .insertLead,
            .insertSale, .convert, .insertRejection, .retryRejection, .discardRejection,
            .renameRejections, .forgetRejections, .touch, .updateCustomer, .insertTag,
            .insertFolder, .updateFolder:
            false
        case .insertLink, .updateLink, .deleteLink, .updateTag, .deleteTag, .deleteFolder,
            .insertDomain, .updateDomain, .deleteDomain, .insertWorkspace, .updateWorkspace,
            .insertToken, .revokeToken:
            true
        }
    }
}
