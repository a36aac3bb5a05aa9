/// A short link and what happened through it. The counters are moved by the events' own
/// transaction; `tribute verify` recomputes them from the events.
package struct Link: Equatable, Sendable {
    package var id: LinkID
    package var workspaceID: WorkspaceID
    package var domain: String
    package var key: String
    package var url: String
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    package var externalID: String?
    package var tenantID: String?
    package var title: String?
    package var description: String?
    package var image: String?
    package var video: String?
    package var comments: String?
    package var expiresAt: Timestamp?
    package var expiredURL: String?
    package var disabledAt: Timestamp?
    package var utmSource: String?
    package var utmMedium: String?
    package var utmCampaign: String?
    package var utmTerm: String?
    package var utmContent: String?
    package var trackConversion = false
    package var archived = false
    package var doIndex = false
    package var publicStats = false

    package var clicks: Int64 = 0
    package var leads: Int64 = 0
    package var conversions: Int64 = 0
    package var sales: Int64 = 0
    /// Minor units of the base currency.
    package var saleAmount: Int64 = 0
    package var lastClicked: Timestamp?

    package init(
        id: LinkID, workspaceID: WorkspaceID, domain: String, key: String, url: String,
        createdAt: Timestamp
    ) {
        (self.id, self.workspaceID) = (id, workspaceID)
        (self.domain, self.key, self.url) = (domain, key, url)
        (self.createdAt, self.updatedAt) = (createdAt, createdAt)
    }

    /// The key of a domain's own root, `https://go.example.com/`.
    package static let rootKey = "_root"
}
