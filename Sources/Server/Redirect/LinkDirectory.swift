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
    /// Bytes of the longest name of a host, with room for letters beyond ASCII.
    private static let hostMax = 1_024

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
        // Nothing longer is kept, nor remembered as missing.
        guard key.utf8.count <= LinkKey.bytesMax, domain.utf8.count <= Self.hostMax else {
            return nil
        }
        return try await links.value(for: Address(domain: domain, key: key))
    }

    /// A link of the workspace that has the domain.
    func link(on domain: Domain, key: String) async throws -> Link? {
        let link = try await link(domain: domain.slug, key: key)
        return link?.workspaceID == domain.workspaceID ? link : nil
    }

    /// The workspace's domain that this host is; nil for the API's own host.
    func domain(host: String) async throws -> Domain? {
        guard host.utf8.count <= Self.hostMax else { return nil }
        return try await hosts.value(for: domainSlug(host))
    }

    /// Whether the host was asked for at this revision of the registry and is no link domain.
    func isKnownAsNoDomain(host: String, at revision: Int64) -> Bool {
        guard let known = rememberedDomain(host: host, at: revision) else { return false }
        return known == nil
    }

    /// The link of an address as `domain` and `link` find it, if all that it depends on is
    /// remembered at this revision of the registry.
    func remembered(host: String, key: String, at revision: Int64) -> Link? {
        guard key.utf8.count <= LinkKey.bytesMax else { return nil }
        if !host.isEmpty {
            guard let domain = rememberedDomain(host: host, at: revision) else { return nil }
            if let domain {
                let address = Address(domain: domain.slug, key: key)
                guard let link = links.remembered(address, at: revision) ?? nil else { return nil }
                return link.workspaceID == domain.workspaceID ? link : nil
            }
        }
        let address = Address(domain: defaultDomain, key: key)
        guard let link = links.remembered(address, at: revision) else { return nil }
        if let link { return link }
        return isLaptop(host) ? keys.remembered(ExactText(key), at: revision) ?? nil : nil
    }

    /// The same of a host's domain.
    func rememberedDomain(host: String, at revision: Int64) -> Domain?? {
        host.utf8.count <= Self.hostMax ? hosts.remembered(domainSlug(host), at: revision) : nil
    }

    func rememberedHostnames(of workspaceID: WorkspaceID, at revision: Int64) -> [String]? {
        allowedHostnames.remembered(workspaceID, at: revision)
    }

    /// The sites that a workspace lists as its own.
    func allowedHostnames(of workspaceID: WorkspaceID) async throws -> [String] {
        try await allowedHostnames.value(for: workspaceID)
    }

    /// On the API's own host a path is a key of the default domain. On a laptop, which has no DNS,
    /// it is else one of a primary domain; a host that has a name does not show a workspace's
    /// links under it.
    func linkWithoutDomain(key: String, host: String) async throws -> Link? {
        guard key.utf8.count <= LinkKey.bytesMax else { return nil }
        if let link = try await link(domain: defaultDomain, key: key) { return link }
        return isLaptop(host) ? try await keys.value(for: ExactText(key)) : nil
    }

    /// `localhost` or a bare address.
    private func isLaptop(_ host: String) -> Bool {
        host == "localhost" || host.hasPrefix("[")
            || host.utf8.allSatisfy { (48...57).contains($0) || $0 == UInt8(ascii: ".") }
    }
}
