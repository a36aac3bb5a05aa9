import Attribution
import Testing

/// Links `a` and `b` of `home` on `go.test` (a's externalId is `ext-a`), `x` of `other` on
/// `x.test`, and home's `root`. Both domains have their owner; `free.test` is the server's.
@Suite struct RegistryRuleTests {
    static let links: [Row] = [
        create("new", key: "fresh", "go.test/fresh | link new go.test/fresh"),
        create("a key that is taken", key: "a", "no: keyTaken"),
        create("keys are the same in any case", key: "A", "no: keyTaken"),
        create(
            "a spare key", key: "a", spares: ["b", "c"], "go.test/c | link new go.test/c"),
        create("no spare key is free", key: "a", spares: ["b"], "no: keyTaken"),
        create("a foreign domain", domain: "x.test", key: "k", "no: domainForeign"),
        create("foreign comes before taken", domain: "x.test", key: "x", "no: domainForeign"),
        create(
            "the server's domain", domain: "free.test", key: "k",
            "free.test/k | link new free.test/k"),
        create("a domain of nobody", domain: "none.test", key: "k", "no: domainForeign"),
        create("an externalId that is taken", key: "k", externalID: "ext-a", "no: externalIDTaken"),
        create(
            "the externalId of another workspace", key: "k", externalID: "ext-x",
            "go.test/k | link new go.test/k"),
        create("key comes before externalId", key: "a", externalID: "ext-a", "no: keyTaken"),
    ]

    static let updates: [Row] = [
        update("the url", "a", "go.test/a | link a now go.test/a https://new.test") {
            $0.set(\.url, "https://new.test")
        },
        update("by externalId", "ext-a", "go.test/n | link a now go.test/n https://a.test") {
            $0.set(\.key, "n")
        },
        update("by address", "go.test/a", "go.test/n | link a now go.test/n https://a.test") {
            $0.set(\.key, "n")
        },
        update("nothing", "a", "go.test/a") { _ in },
        update("to what it is", "a", "go.test/a") { $0.set(\.key, "a") },
        update("one that is not there", "nowhere", "no: linkNotFound") { $0.set(\.key, "n") },
        update("a foreign one", "x", "no: linkForeign(home)") { $0.set(\.key, "n") },
        update("to a key that is taken", "a", "no: keyTaken") { $0.set(\.key, "b") },
        update("to a foreign domain", "a", "no: domainForeign") { $0.set(\.domain, "x.test") },
        update("to a domain of nobody", "a", "no: domainForeign") { $0.set(\.domain, "none.test") },
        update(
            "to the server's domain", "a", "free.test/a | link a now free.test/a https://a.test"
        ) {
            $0.set(\.domain, "free.test")
        },
        update("the root's key", "root", "no: rootLinkStays") { $0.set(\.key, "n") },
        update("to be the root", "a", "no: rootLinkStays") { $0.set(\.key, Link.rootKey) },
        update("to an externalId that is taken", "b", "no: externalIDTaken") {
            $0.set(\.externalID, "ext-a")
        },
        update(
            "to its own externalId", "a", "go.test/n | link a now go.test/n https://a.test"
        ) {
            $0.set(\.key, "n")
            $0.set(\.externalID, "ext-a")
        },
        delete("a link", "a", "deleted a | link a deleted"),
        delete("one that is not there", "nowhere", "no: linkNotFound"),
        delete("a foreign one", "x", "no: linkForeign(home)"),
        delete("the root of a domain", "root", "no: rootLinkKept"),
    ]

    static let rest: [Row] = [
        row(
            "the first domain is primary",
            createDomain("first.test", World.strict),
            "first.test primary | domain first.test | link root first.test/_root"),
        row(
            "the second is not", createDomain("more.test", World.home),
            "more.test | domain more.test | link root more.test/_root"),
        row(
            "a domain that is taken, even by oneself",
            createDomain("go.test", World.home), "no: domainTaken"),
        row(
            "a workspace", .createWorkspace(.init(workspace: workspace("new"))),
            "workspace new | workspace new"),
        row(
            "a slug that is taken", .createWorkspace(.init(workspace: workspace("home"))),
            "no: slugTaken(\"home\")"),
        row(
            "settings that are named change",
            .updateWorkspace(
                settings("home") {
                    $0.plan = .pro
                    $0.allowedHostnames = ["a.test"]
                    $0.conflictPolicy = .refuse
                }), "workspace home | workspace home Home pro [\"a.test\"] refuse"),
        row(
            "the others stay", .updateWorkspace(settings("home") { $0.name = "Ours" }),
            "workspace home | workspace home Ours business [] replay"),
        row(
            "a workspace that is not there", .updateWorkspace(settings("none") { _ in }),
            "no: workspaceNotFound(\"none\")"),
        row(
            "a token", .createToken(.init(token: token("new", World.home))),
            "token new | token new"),
        row(
            "the hundredth token", .createToken(.init(token: token("new", World.strict))),
            "token new | token new"),
        row(
            "one more", .createToken(.init(token: token("new", World.other))),
            "no: tokenLimitReached(100)"),
        row("revoking", revoke("t1", World.home), "token t1 revoked | token t1 revoked"),
        row("revoking again", revoke("t2", World.home), "token t2 revoked"),
        row("a token that is not there", revoke("t0", World.home), "no: tokenNotFound(\"t0\")"),
        row("a foreign token", revoke("t1", World.other), "no: tokenNotFound(\"t1\")"),
        row("writing without a change", .proveWritable, "writable | touch"),
    ]

    @Test(arguments: links) func creates(_ row: Row) { #expect(row.actual == row.expected) }
    @Test(arguments: updates) func edits(_ row: Row) { #expect(row.actual == row.expected) }
    @Test(arguments: rest) func decides(_ row: Row) { #expect(row.actual == row.expected) }

    /// A domain that was the server's own before has links already.
    @Test(arguments: [
        (false, "more.test | domain more.test | link root more.test/_root"),
        (true, "no: domainTaken"),
    ])
    func domainsWithLinksOfOthers(isForeign: Bool, expected: String) {
        var row = Self.row("", Self.createDomain("more.test", World.home), "")
        row.world.facts.registry.hasOwnStrays = true
        row.world.facts.registry.hasForeignStrays = isForeign
        #expect(row.actual == expected)
        let root = Self.link("known", domain: "more.test", key: Link.rootKey)
        row.world.facts.registry.links[root.address] = root
        #expect(row.actual == expected.replacing(" | link root more.test/_root", with: ""))
    }

    /// Two keys from before case stopped to matter: `K` is found as it is spelled.
    @Test func anOlderKeyOfAnotherCaseCanBeEdited() {
        let row = Self.update("", "old", "") { $0.set(\.title, "New") }
        var world = row.world
        let (old, other) = (Self.link("old", key: "K"), Self.link("other", key: "k"))
        world.facts.registry.links[.id(old.id)] = old
        world.facts.registry.links[other.address] = other
        #expect(decide(row.command, world.facts).changes.count == 1)
    }

    @Test func anUpdateAndARevocationAreStamped() throws {
        let edit = Self.update("", "a", "") { $0.set(\.key, "n") }
        guard case .updateLink(let link) = edit.decision.changes.first else { throw Missing() }
        #expect((link.createdAt, link.updatedAt) == (World.noon, World.noon.adding(1)))
        let revocation = Self.row("", Self.revoke("t1", World.home), "")
        guard case .revokeToken(let token) = revocation.decision.changes.first else {
            throw Missing()
        }
        #expect(token.revokedAt == World.noon.adding(1))
    }
}

extension RegistryRuleTests {
    fileprivate static func row(_ name: String, _ command: Command, _ expected: String) -> Row {
        Row(name, command, expected) { world in
            world.facts.registry = registry
            if case .createDomain(let create) = command {
                world.facts.registry.otherDomains = registry.domains.values.filter {
                    $0.workspaceID == create.domain.workspaceID
                }
            }
        }
    }

    private static let registry: Registry = {
        var registry = Registry()
        for link in [
            link("a", externalID: "ext-a"), link("b"), link("root", key: Link.rootKey),
            link("x", World.other, domain: "x.test", externalID: "ext-x"),
        ] {
            registry.links[.id(link.id)] = link
            registry.links[.address(domain: link.domain, key: link.key)] = link
            if let externalID = link.externalID {
                registry.links[.externalID(link.workspaceID, externalID)] = link
            }
        }
        registry.domains = [
            "go.test": domain("go.test", World.home), "x.test": domain("x.test", World.other),
        ]
        registry.workspaces = ["home": workspace("home")]
        registry.tokens = [ID("t1"): token("t1", World.home), ID("t2"): token("t2", World.home)]
        registry.tokens[ID("t2")]?.revokedAt = World.noon
        registry.tokenCounts = [World.home: 2, World.strict: 99, World.other: 100]
        return registry
    }()

    private static func link(
        _ id: String, _ workspaceID: WorkspaceID = World.home, domain: String = "go.test",
        key: String? = nil, externalID: String? = nil
    ) -> Link {
        var link = Link(
            id: ID(id), workspaceID: workspaceID, domain: domain, key: key ?? id,
            url: "https://\(id).test", createdAt: World.noon)
        link.externalID = externalID
        return link
    }

    fileprivate static func create(
        _ name: String, domain: String = "go.test", key: String, externalID: String? = nil,
        spares: [String] = [], _ expected: String
    ) -> Row {
        let link = link("new", domain: domain, key: key, externalID: externalID)
        return row(
            name,
            .createLink(CreateLink(link: link, spareKeys: spares, defaultDomain: "free.test")),
            expected)
    }

    private static func selector(_ text: String) -> LinkSelector {
        if text.hasPrefix("ext-") { return .externalID(World.home, text) }
        if text == "go.test/a" { return .address(domain: "go.test", key: "a") }
        return .id(ID(text))
    }

    fileprivate static func update(
        _ name: String, _ link: String, _ expected: String, _ change: (inout Edit<Link>) -> Void
    ) -> Row {
        var edit = Edit<Link>()
        change(&edit)
        let update = UpdateLink(
            selector: selector(link), workspaceID: World.home, edit: edit,
            at: World.noon.adding(1), defaultDomain: "free.test")
        return row("update: \(name)", .updateLink(update), expected)
    }

    fileprivate static func delete(_ name: String, _ link: String, _ expected: String) -> Row {
        let delete = DeleteLink(
            selector: selector(link), workspaceID: World.home, at: World.noon.adding(1))
        return row("delete: \(name)", .deleteLink(delete), expected)
    }

    fileprivate static func createDomain(_ slug: String, _ workspaceID: WorkspaceID) -> Command {
        let root = link("root", workspaceID, domain: slug, key: Link.rootKey)
        return .createDomain(CreateDomain(domain: domain(slug, workspaceID), rootLink: root))
    }

    fileprivate static func domain(_ slug: String, _ workspaceID: WorkspaceID) -> Domain {
        Domain(id: ID(slug), workspaceID: workspaceID, slug: slug, createdAt: World.noon)
    }

    fileprivate static func workspace(_ slug: String) -> Workspace {
        Workspace(
            id: ID(slug), slug: slug, name: slug.prefix(1).uppercased() + slug.dropFirst(),
            plan: .business,
            createdAt: World.noon)
    }

    fileprivate static func settings(
        _ slug: String, _ change: (inout UpdateWorkspace) -> Void
    ) -> UpdateWorkspace {
        var update = UpdateWorkspace(slug: slug)
        change(&update)
        return update
    }

    fileprivate static func token(_ id: String, _ workspaceID: WorkspaceID) -> Token {
        Token(
            id: ID(id), workspaceID: workspaceID, name: id, digest: "", scopes: [.apisAll],
            createdAt: World.noon)
    }

    fileprivate static func revoke(_ id: String, _ workspaceID: WorkspaceID) -> Command {
        .revokeToken(RevokeToken(workspaceID: workspaceID, id: ID(id), at: World.noon.adding(1)))
    }
}
