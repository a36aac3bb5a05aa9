import Attribution
import Testing

/// Domains, tags, folders and customers' records. `go.test` is home's primary domain, `more.test`
/// its other one; tag and folder `one` and `two`; customers `ann` and `bob`.
@Suite struct RecordRuleTests {
    static let rows: [Row] = [
        domain(
            "a new primary", "more.test",
            "domain go.test now go.test | domain more.test now more.test primary"
        ) {
            $0.set(\.isPrimary, true)
        },
        domain("the primary stays", "go.test", "") { $0.set(\.isPrimary, false) },
        domain("another name", "more.test", "domain more.test now new.test") {
            $0.set(\.slug, "new.test")
        },
        domain("a name that is taken", "more.test", "no: domainTaken") {
            $0.set(\.slug, "go.test")
        },
        strays("another name with links of its own", own: true, "no: domainTaken"),
        strays("another name with links of others", own: false, "no: domainTaken"),
        domain("nobody's", "none.test", #"no: domainNotFound("none.test")"#) {
            $0.set(\.placeholder, "x")
        },
        row(
            "the primary goes",
            .deleteDomain(.init(slug: "go.test", workspaceID: World.home, at: World.noon)),
            "done | domain go.test deleted | domain more.test now more.test primary"),
        row(
            "a foreign domain",
            .deleteDomain(.init(slug: "go.test", workspaceID: World.other, at: World.noon)),
            #"no: domainNotFound("go.test")"#),
        row("a tag", .createTag(.init(tag: tag("new"))), "tag new | tag new new"),
        row("its name is taken", .createTag(.init(tag: tag("one"))), "no: tagNameTaken"),
        editTag("a new name", "one", "tag new | tag one now new red") { $0.set(\.name, "new") },
        editTag("a taken name", "one", "no: tagNameTaken") { $0.set(\.name, "two") },
        editTag("a taken name in another case", "one", "no: tagNameTaken") {
            $0.set(\.name, "TWO")
        },
        editTag("its own name in another case", "one", "tag ONE | tag one now ONE red") {
            $0.set(\.name, "ONE")
        },
        editTag("no change", "one", "tag one") { $0.set(\.name, "one") },
        editTag("not there", "none", "no: tagNotFound") { $0.set(\.name, "x") },
        row(
            "a tag goes", .deleteTag(.init(id: ID("one"), workspaceID: World.home)),
            "done | tag one deleted"),
        row(
            "no tag goes", .deleteTag(.init(id: ID("none"), workspaceID: World.home)),
            "no: tagNotFound"),
        row("a folder", .createFolder(.init(folder: folder("new"))), "folder new | folder new new"),
        row(
            "its name is taken", .createFolder(.init(folder: folder("one"))),
            #"no: folderNameTaken("one")"#),
        row(
            "a folder goes", .deleteFolder(.init(id: ID("one"), workspaceID: World.home)),
            "done | folder one deleted"),
        row(
            "no folder goes", .deleteFolder(.init(id: ID("none"), workspaceID: World.home)),
            "no: folderNotFound"),
        customer("a name", .externalID("ann"), "ann is known | customer ann now ann Ann") {
            $0.set(\.name, "Ann")
        },
        customer(
            "another id", .id(ID("ann")),
            "ann2 is known | customer ann now ann2 - | calls of ann are of ann2"
        ) { $0.set(\.externalID, "ann2") },
        customer("an id that is taken", .id(ID("ann")), "no: customerExists") {
            $0.set(\.externalID, "bob")
        },
        customer("Bob's id at Stripe", .id(ID("ann")), "no: stripeCustomerTaken") {
            $0.set(\.stripeCustomerID, "cus_bob")
        },
        row(
            "a customer who is told of", .createCustomer(.init(customer: customer("cid"))),
            "cid is new | customer cid on -"),
        row(
            "one who is known", .createCustomer(.init(customer: customer("ann", id: "new"))),
            "no: customerExists"),
        customer("nobody", .id(ID("zoe")), "no: customerNotFound") { $0.set(\.name, "Z") },
        row(
            "a customer is forgotten",
            .deleteCustomer(
                .init(selector: .externalID("bob"), workspaceID: World.home, at: World.noon)),
            "bob is known | customer bob now deleted:bob:----"),
    ]

    @Test(arguments: rows) func decides(_ row: Row) {
        #expect(row.actual.contains(row.expected), "\(row.actual)")
    }
}

extension RecordRuleTests {
    private static func row(_ name: String, _ command: Command, _ expected: String) -> Row {
        Row(name, command, expected) { $0.facts.registry = registry(command) }
    }

    private static func registry(_ command: Command) -> Registry {
        var registry = Registry()
        var primary = Domain(
            id: ID("go"), workspaceID: World.home, slug: "go.test", createdAt: World.noon)
        primary.isPrimary = true
        let other = Domain(
            id: ID("more"), workspaceID: World.home, slug: "more.test", createdAt: World.noon)
        registry.domains = ["go.test": primary, "more.test": other]
        switch command {
        case .updateDomain(let update) where update.slug == "go.test":
            registry.otherDomains = [other]
        case .deleteDomain: registry.otherDomains = [other]
        default: registry.otherDomains = [primary]
        }
        registry.tags = [tag("one"), tag("two")]
        registry.folders = [folder("one"), folder("two")]
        registry.customers = [customer("ann"), customer("bob")]
        return registry
    }

    private static func customer(_ name: String, id: String? = nil) -> Customer {
        var customer = Customer(
            id: ID(id ?? name), workspaceID: World.home, externalID: name, createdAt: World.noon)
        customer.stripeCustomerID = "cus_\(name)"
        return customer
    }

    /// `==` of texts does not see it; the edit must not be acknowledged and lost.
    @Test func anotherSpellingOfTheSameLettersIsAChange() {
        let (one, other) = ("caf\u{E9}", "cafe\u{301}")
        var registry = Registry()
        registry.tags = [Self.tag(one)]
        registry.folders = [Self.folder(one)]
        var customer = Customer(
            id: ID("ann"), workspaceID: World.home, externalID: "ann", createdAt: World.noon)
        customer.name = one
        registry.customers = [customer]
        var domain = Domain(
            id: ID("d"), workspaceID: World.home, slug: "d.test", createdAt: World.noon)
        domain.placeholder = one
        registry.domains = ["d.test": domain]
        func edit<Record>(
            _ path: any WritableKeyPath<Record, String> & Sendable
        ) -> Edit<Record> {
            var edit = Edit<Record>()
            edit.set(path, other)
            return edit
        }
        var renamed = Edit<Customer>()
        renamed.set(\.name, other)
        var placed = Edit<Domain>()
        placed.set(\.placeholder, other)
        let commands: [Command] = [
            .updateTag(.init(id: ID(one), workspaceID: World.home, edit: edit(\.name))),
            .updateFolder(
                .init(
                    id: ID(one), workspaceID: World.home, edit: edit(\.name), at: World.noon)),
            .updateCustomer(
                .init(selector: .externalID("ann"), workspaceID: World.home, edit: renamed)),
            .updateDomain(
                .init(slug: "d.test", workspaceID: World.home, edit: placed, at: World.noon)),
        ]
        for command in commands {
            var facts = Facts()
            facts.registry = registry
            #expect(decide(command, facts).changes.count == 1, "\(command)")
        }
    }

    private static func tag(_ name: String) -> Attribution.Tag {
        Attribution.Tag(
            id: ID(name), workspaceID: World.home, name: name, color: .red, createdAt: World.noon)
    }
    private static func folder(_ name: String) -> Folder {
        Folder(id: ID(name), workspaceID: World.home, name: name, createdAt: World.noon)
    }

    private static func domain(
        _ name: String, _ slug: String, _ expected: String, _ change: (inout Edit<Domain>) -> Void
    ) -> Row {
        var edit = Edit<Domain>()
        change(&edit)
        return row(
            name,
            .updateDomain(.init(slug: slug, workspaceID: World.home, edit: edit, at: World.noon)),
            expected)
    }

    private static func strays(_ name: String, own: Bool, _ expected: String) -> Row {
        let row = domain(name, "more.test", expected) { $0.set(\.slug, "new.test") }
        return Row(name, row.command, expected) {
            $0.facts.registry = row.world.facts.registry
            $0.facts.registry.hasOwnStrays = own
            $0.facts.registry.hasForeignStrays = !own
        }
    }

    private static func editTag(
        _ name: String, _ id: String, _ expected: String,
        _ change: (inout Edit<Attribution.Tag>) -> Void
    ) -> Row {
        var edit = Edit<Attribution.Tag>()
        change(&edit)
        return row(
            name, .updateTag(.init(id: ID(id), workspaceID: World.home, edit: edit)), expected)
    }

    private static func customer(
        _ name: String, _ selector: CustomerSelector, _ expected: String,
        _ change: (inout Edit<Customer>) -> Void
    ) -> Row {
        var edit = Edit<Customer>()
        change(&edit)
        return row(
            name,
            .updateCustomer(.init(selector: selector, workspaceID: World.home, edit: edit)),
            expected)
    }
}
