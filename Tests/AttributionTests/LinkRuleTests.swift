import Attribution
import Testing

/// What a link may be: what its plan offers, where it leads, which tags and folder it has.
@Suite struct LinkRuleTests {
    static let rows: [Row] = [
        create("a password on free", on: .free, "no: \(missing("password protection", .pro))") {
            $0.password = "x"
        },
        create("a password on pro", on: .pro, made) { $0.password = "x" },
        create("conversions on pro", on: .pro, "no: \(missing("conversion tracking", .business))") {
            $0.trackConversion = true
        },
        create("a test without conversions", "no: testNeedsConversions") {
            $0.testVariants = variants
        },
        create("a test", made) {
            $0.testVariants = variants
            $0.trackConversion = true
        },
        create("a test that ends before it begins", "no: testEndsBeforeStart") {
            $0.testStartedAt = World.noon
            $0.testCompletedAt = World.noon
        },
        create("nowhere to go", "no: destinationMissing") { $0.url = "" },
        create("the root may have nowhere to go", "go.test/_root") {
            ($0.url, $0.key) = ("", Link.rootKey)
        },
        create("a folder", made) { $0.folderID = ID("f1") },
        create("a folder that is not there", "no: folderNotFound") { $0.folderID = ID("f9") },
        create("a way back", "no: linkLoop(\"https://go.test/x\")") {
            $0.url = "https://go.test/x"
        },
        create("a way back on a phone", "no: linkLoop(\"https://www.GO.test.:443\")") {
            $0.ios = "https://www.GO.test.:443"
        },
        create("a way back in one country", "no: linkLoop(\"http://u@x.test\")") {
            $0.geo = LabelledURLs([.init(label: "DE", url: "http://u@x.test")])
        },
        create("the last link of a month", on: .free, made, made: 24) { _ in },
        create("one more", on: .free, "no: linkLimitReached(25, Attribution.Plan.free)", made: 25) {
            _ in
        },
        create("any number", on: .enterprise, made, made: 1_000_000) { _ in },
        tagged("tags", .ids([ID("t2"), ID("t1"), ID("t2")]), "t2 t1"),
        tagged("tags by name", .names(["one"]), "t1"),
        tagged("tags by name in any case", .names(["TWO", "One", "two"]), "t2 t1"),
        tagged("no tags", .ids([]), ""),
        tagged("a tag that is not there", .ids([ID("t1"), ID("t9")]), #"tagIDsNotFound(["t9"])"#),
        tagged("a name that is not there", .names(["nine"]), #"tagNamesNotFound(["nine"])"#),
        upsert("a known destination", ["https://a.test"], "go.test/a | link a now go.test/a"),
        upsert("a new one", ["https://z.test"], made),
    ]

    @Test(arguments: rows) func decides(_ row: Row) {
        #expect(row.actual.hasPrefix(row.expected), "\(row.actual)")
    }

    /// What an edit leaves as it was is not held against the link.
    @Test func aLowerPlanKeepsWhatALinkHas() throws {
        var old = Self.link
        old.password = "x"
        old.url = "https://go.test/loop"
        var registry = Self.registry(.free)
        registry.links[.id(old.id)] = old
        var facts = Facts()
        facts.registry = registry
        var edit = Edit<Link>()
        edit.set(\.title, "New")
        let update = { (edit: Edit<Link>) in
            UpdateLink(
                selector: .id(old.id), workspaceID: World.home, edit: edit, at: World.noon)
        }
        #expect(decide(.updateLink(update(edit)), facts).changes.count == 1)
        edit.set(\.password, "y")
        #expect(
            decide(.updateLink(update(edit)), facts).words
                == "no: \(Self.missing("password protection", .pro))")
    }
}

extension LinkRuleTests {
    private static let made = "go.test/new | link new go.test/new"
    private static let variants = LabelledURLs([
        .init(label: "50", url: "https://a.test"), .init(label: "50", url: "https://b.test"),
    ])
    private static let link = Link(
        id: ID("new"), workspaceID: World.home, domain: "go.test", key: "new",
        url: "https://new.test", createdAt: World.noon)

    private static func missing(_ name: String, _ plan: Plan) -> Refusal {
        .missingFeature(.init(name: name, plan: plan))
    }

    private static func registry(_ plan: Plan, made: Int = 0) -> Registry {
        var registry = Registry()
        registry.plan = plan
        registry.linksThisMonth = made
        for (slug, owner) in [("go.test", World.home), ("x.test", World.other)] {
            registry.domains[slug] = Domain(
                id: ID(slug), workspaceID: owner, slug: slug, createdAt: World.noon)
        }
        registry.folders = [
            Folder(id: ID("f1"), workspaceID: World.home, name: "one", createdAt: World.noon)
        ]
        registry.tags = [("t1", "one"), ("t2", "two")].map { id, name in
            Attribution.Tag(
                id: ID(id), workspaceID: World.home, name: name, color: .red,
                createdAt: World.noon)
        }
        var known = link
        (known.id, known.key, known.url) = (ID("a"), "a", "https://a.test")
        registry.linksByURL[ExactText("https://a.test")] = known
        return registry
    }

    private static func create(
        _ name: String, on plan: Plan = .business, _ expected: String, made: Int = 0,
        _ change: (inout Link) -> Void
    ) -> Row {
        var link = link
        change(&link)
        return Row(name, .createLink(CreateLink(link: link)), expected) {
            $0.facts.registry = registry(plan, made: made)
        }
    }

    /// Expects the ids of the tags that the link is made with, or the refusal.
    private static func tagged(_ name: String, _ choice: TagChoice, _ expected: String) -> Row {
        var row = create(name, made) { _ in }
        row = Row(
            name, .createLink(CreateLink(link: link, tags: choice)),
            expected.contains("(") ? "no: \(expected)" : made
        ) { $0.facts.registry = registry(.business) }
        if case .insertLink(let link) = row.decision.changes.first {
            let ids = link.tags.map(\.id.text).joined(separator: " ")
            if ids != expected { return Row(name, row.command, "tags \(expected), not \(ids)") }
        }
        return row
    }

    private static func upsert(_ name: String, _ urls: [String], _ expected: String) -> Row {
        var edit = Edit<Link>()
        edit.set(\.title, "New")
        let command = UpsertLink(urls: urls, create: CreateLink(link: link), edit: edit)
        return Row(name, .upsertLink(command), expected) {
            $0.facts.registry = registry(.business)
        }
    }
}
