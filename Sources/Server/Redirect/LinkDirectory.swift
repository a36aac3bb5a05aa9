import Attribution
import Ledger

/// Which link an address stands for. Cached until any link or domain changes.
struct LinkDirectory: Sendable {
    private struct Address: Hashable, Sendable {
        let domain: String
        let key: String
        static func == (a: Self, b: Self) -> Bool {
            isSame(a.domain, b.domain) && isSame(a.key, b.key)
        }
    }
    private let links: RegistryCache<Address, Link?>
    private let hosts: RegistryCache<String, Domain?>
    private let keys: RegistryCache<ExactText, Link?>
    private let allowedHostnames: RegistryCache<WorkspaceID, [String]>
    let defaultDomain: String

    init(database: any SQLDatabase, defaultDomain: String) {
        self.defaultDomain = defaultDomain
        links = RegistryCache(database: database) { transaction, address in
            try transaction.link(.address(domain: address.domain, key: address.key))
        }
        hosts = RegistryCache(database: database) { try $0.domain(slug: $1) }
        allowedHostnames = RegistryCache(database: database) { try $0.allowedHostnames(of: $1) }
        keys = RegistryCache(database: database) { transaction, key in
            try transaction.linkOnPrimaryDomain(key: key.text)
        }
    }

    func link(domain: String, key: String) async throws -> Link? {
        try await links.value(for: Address(domain: domain, key: key))
    }

    /// The workspace's domain that this host is; nil for the API's own host.
    func domain(host: String) async throws -> Domain? {
        try await hosts.value(for: domainSlug(host))
    }

    /// The sites that a workspace lists as its own.
    func allowedHostnames(of workspaceID: WorkspaceID) async throws -> [String] {
        try await allowedHostnames.value(for: workspaceID)
    }

    /// On the API's own host a path is a key of the default domain, else of a primary
    /// domain: a laptop needs no DNS.
    func linkWithoutDomain(key: String) async throws -> Link? {
        if let link = try await link(domain: defaultDomain, key: key) { return link }
        return try await keys.value(for: ExactText(key))
    }
}
