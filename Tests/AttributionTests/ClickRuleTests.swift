import Attribution
import Testing

@Suite struct ClickRuleTests {
    static let rows: [Row] = [
        Row("a link", click("a"), "c9 | click c9 on a"),
        Row("a disabled link still counts", click("off"), "c9 | click c9 on off"),
        Row("an unknown link", click("nowhere"), "no: linkNotFound"),
        Row("a deleted link", click("gone"), "no: linkNotFound"),
        Row(
            "a site that may track", click("s") { $0.reportingHostname = .some("shop.test") },
            "c9 | click c9 on s"),
        Row(
            "a site that may not", click("s") { $0.reportingHostname = .some("evil.test") },
            "no: hostnameDenied(Optional(\"evil.test\"))"),
        Row(
            "a browser that names no site", click("s") { $0.reportingHostname = .some(nil) },
            "no: hostnameDenied(nil)"),
        Row("a visitor who followed the link", click("s"), "c9 | click c9 on s"),
        Row(
            "any site where none is listed",
            click("a") { $0.reportingHostname = .some("any.test") }, "c9 | click c9 on a"),
        Row(
            "an imported click, first time", click("a") { $0.origin = .imported },
            "c9 | click c9 on a"),
        Row(
            "an imported click, second time",
            click("a") {
                $0.origin = .imported
                $0.id = ID("ca")
            }, "repeats ca"),
        Row(
            "an imported click whose id is another link's",
            click("b") {
                $0.origin = .imported
                $0.id = ID("ca")
            }, "no: clickIDTaken(ca)"),
        Row("a live id is not looked up", click("a") { $0.id = ID("ca") }, "ca | click ca on a"),
    ]

    @Test(arguments: rows) func decides(_ row: Row) { #expect(row.actual == row.expected) }

    /// Milliseconds since the visitor's last click on the link, and whether the click repeats it.
    @Test(arguments: [
        (0, true), (1, true), (3_599_999, true), (3_600_000, false), (3_600_001, false),
        (-5_000, true),
    ])
    func visitorsCountOnceInAnHour(since: Int64, isRepeat: Bool) {
        let row = visit("a", after: since)
        #expect(row.actual == (isRepeat ? "repeats first" : "c9 | click c9 on a"))
    }

    /// Who has been told an id before it was known that the visit is a repeated one can use it.
    @Test func anIDThatWasToldStandsForTheFirstClick() {
        #expect(
            visit("a", after: 0) { $0.isTold = true }.actual
                == "repeats first | c9 stands for first")
        #expect(
            visit("a", after: 0) { ($0.isTold, $0.id) = (true, ID("ca")) }.actual
                == "repeats first", "it is a click's own id already")
        #expect(
            visit("a", after: 3_600_000) { $0.isTold = true }.actual == "c9 | click c9 on a")
    }

    @Test func otherVisitorsLinksAndImportsCount() {
        #expect(visit("b", after: 0).actual == "c9 | click c9 on b")
        #expect(visit("a", after: 0) { $0.visitor.identity = "ip2" }.actual.hasPrefix("c9"))
        #expect(visit("a", after: 0) { $0.visitor.identity = nil }.actual.hasPrefix("c9"))
        #expect(visit("a", after: 0) { $0.origin = .imported }.actual.hasPrefix("c9"))
    }

    @Test func theDestinationIsTheLinksUnlessNamed() throws {
        func url(_ command: Command) throws -> String {
            guard case .insertClick(let click) = Row("", command, "").decision.changes.first
            else { throw Missing() }
            return click.url
        }
        #expect(try url(click("a")) == "https://a.test")
        #expect(try url(click("a") { $0.url = "https://b.test/x" }) == "https://b.test/x")
    }

    private func visit(
        _ link: String, after milliseconds: Int64, _ change: (inout RecordClick) -> Void = { _ in }
    ) -> Row {
        let command = click(link) {
            $0.visitor.identity = "ip1"
            $0.at = World.noon.adding(milliseconds)
            change(&$0)
        }
        return Row("", command, "") {
            var visitor = Visitor()
            visitor.identity = "ip1"
            guard let key = VisitKey(linkID: ID("a"), visitor) else { return }
            $0.facts.lastClicks[key] = LastClick(id: ID("first"), at: World.noon)
        }
    }
}

struct Missing: Error {}
