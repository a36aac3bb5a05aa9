import Attribution
import Testing

/// The table of a link's fields holds all of them: one that is in the struct and not in the table
/// would be dropped without a word.
@Suite struct LinkFieldTests {
    /// What is no setting: identity, references with commands of their own, and counters.
    private static let fixed: Set = [
        "id", "workspaceID", "domain", "key", "url", "createdAt", "updatedAt", "tags", "clicks",
        "leads", "conversions", "sales", "saleAmount", "lastClicked",
    ]

    @Test func everyPropertyIsInTheTable() {
        let properties = Mirror(reflecting: Self.link).children.compactMap(\.label)
        #expect(Set(properties).isSuperset(of: Self.fixed))
        #expect(properties.count - Self.fixed.count == LinkField.all.count)
    }

    @Test func namesAndColumnsAreTheirOwn() {
        #expect(Set(LinkField.all.map(\.name)).count == LinkField.all.count)
        #expect(Set(LinkField.all.map(\.column)).count == LinkField.all.count)
    }

    /// Each line of the table sets a property that no other line sets.
    @Test func everyFieldIsItsOwnProperty() {
        var changed: [String: String] = [:]
        for field in LinkField.all {
            var link = Self.link
            switch field.value {
            case .text(let path): link[keyPath: path] = "x"
            case .flag(let path): link[keyPath: path] = true
            case .moment(let path): link[keyPath: path] = World.noon
            case .urls(let path):
                link[keyPath: path] = LabelledURLs([.init(label: "DE", url: "https://x.test")])
            }
            let before = Mirror(reflecting: Self.link).children.map { "\($0)" }
            let after = Mirror(reflecting: link).children.map { "\($0)" }
            let differing = zip(before, after).filter { $0 != $1 }.map(\.0)
            #expect(differing.count == 1, "\(field.name)")
            changed[field.name] = differing.first
        }
        #expect(Set(changed.values).count == LinkField.all.count)
    }

    /// Whatever way a field is read, it is the same one.
    @Test func readersReadTheirField() {
        for field in LinkField.all {
            var link = Self.link
            switch (field.value, field.reader) {
            case (.text(let path), .text(let read)):
                #expect(read(link) == link[keyPath: path])
                link[keyPath: path] = "a text that is too long for a small string"
                #expect(read(link) == "a text that is too long for a small string")
            case (.flag(let path), .flag(let read)):
                link[keyPath: path].toggle()
                #expect(read(link) == link[keyPath: path] && read(link) != read(Self.link))
            case (.moment(let path), .moment(let read)):
                link[keyPath: path] = World.noon
                #expect(read(link) == World.noon)
            case (.urls(let path), .urls(let read)):
                link[keyPath: path] = LabelledURLs([.init(label: "DE", url: "https://x.test")])
                #expect(read(link)?.entries.first?.label == "DE")
            default: Issue.record("\(field.name) is read as another kind")
            }
        }
    }

    /// A new field that holds URLs is looked at here: does it lead visitors somewhere?
    @Test func whatLeadsSomewhere() {
        let urls = LinkField.all.filter { field in
            if case .url = field.rule.kind { return true }
            if case .urls = field.value { return true }
            return false
        }
        #expect(urls.filter { !$0.isTarget }.map(\.name) == ["image"])
    }

    private static let link = Link(
        id: ID("a"), workspaceID: World.home, domain: "go.test", key: "a", url: "https://a.test",
        createdAt: World.noon)
}
