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
    /// Asked of visitors before they go on. Kept as it is: the API shows it to the owner.
    package var password: String?
    /// Destinations for visitors on Apple's and Google's phones and tablets.
    package var ios: String?
    package var android: String?
    /// Destinations by country, ISO 3166-1 alpha-2.
    package var geo: LabelledURLs?
    package var folderID: FolderID?
    /// In the order in which they were chosen.
    package var tags: [Tag] = []
    /// Destinations of an A/B test by their share of the visitors, percent.
    package var testVariants: LabelledURLs?
    package var testStartedAt: Timestamp?
    /// The test runs until then; without it there is none.
    package var testCompletedAt: Timestamp?
    package var utmSource: String?
    package var utmMedium: String?
    package var utmCampaign: String?
    package var utmTerm: String?
    package var utmContent: String?
    package var trackConversion = false
    package var archived = false
    package var doIndex = false
    /// Sites that unfold links are shown the link's own title, description and image.
    package var proxy = false
    /// The destination is shown in a frame under the short link's address.
    package var rewrite = false
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

    /// Everywhere a visitor may be sent.
    package var targets: [String] {
        (url.isEmpty ? [] : [url]) + LinkField.all.filter(\.isTarget).flatMap { $0.urls(of: self) }
    }

    /// How the link's key is looked for: case does not matter.
    package var address: LinkSelector { .address(domain: domain, key: foldedKey(key)) }

    /// Texts of columns that hold identifiers, for the table of fields.
    var folderText: String? {
        get { folderID?.text }
        set { folderID = newValue.map { FolderID($0) } }
    }
}

/// Keys are ASCII: letters beyond it stand in punycode.
package func foldedKey(_ key: String) -> String { key.lowercased() }

/// URLs, each with a short label that has no spaces, in their order.
package struct LabelledURLs: Equatable, Sendable, LosslessStringConvertible {
    package struct Entry: Equatable, Sendable {
        package let label: String
        package let url: String
        package init(label: String, url: String) { (self.label, self.url) = (label, url) }

        package static func == (a: Self, b: Self) -> Bool {
            isSame(a.label, b.label) && isSame(a.url, b.url)
        }
    }
    package let entries: [Entry]

    package init(_ entries: [Entry]) { self.entries = entries }

    /// A line for each: label, space, URL.
    package init?(_ description: String) {
        var entries: [Entry] = []
        for line in description.utf8.split(separator: UInt8(ascii: "\n")) {
            guard let space = line.firstIndex(of: UInt8(ascii: " ")) else { return nil }
            entries.append(
                Entry(
                    label: String(Substring(line[..<space])),
                    url: String(Substring(line[line.index(after: space)...]))))
        }
        self.entries = entries
    }
    package var description: String {
        entries.map { "\($0.label) \($0.url)" }.joined(separator: "\n")
    }

    package func url(_ label: String) -> String? { entries.first { $0.label == label }?.url }
}
