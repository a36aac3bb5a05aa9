import Attribution
import Ledger
import Server
import Testing

/// Which id a visitor is told without asking the database.
@Suite struct RecentClicksTests {
    private let recent = RecentClicks(countMax: 4)

    @Test func whoComesAgainIsToldTheSame() {
        #expect(told("c1") == "c1")
        #expect(told("c2") == "c1")
        #expect(told("c3", as: "another") == "c3")
        #expect(told("c4", on: "b") == "c4")
        #expect(told("c5", isBot: true) == "c5")
    }

    /// The same bound as that of the decision: an id that is older there would be recorded twice.
    @Test(arguments: [(0, "c1"), (3_599_999, "c1"), (3_600_000, "c2"), (-5_000, "c1")])
    func forAnHour(after milliseconds: Int64, expected: String) {
        _ = told("c1")
        #expect(told("c2", after: milliseconds) == expected)
    }

    @Test func aCookieSaysMoreThanAnAddress() {
        _ = told("c1")
        #expect(told("c2", as: "another", known: "c1") == "c1")
        #expect(
            told("c3", as: "another") == "c3", "the other address is not taken for the visitor's")
        #expect(told("c4", on: "b", known: "c1") == "c4")
        #expect(told("c5", as: "third", isBot: true, known: "c1") == "c5")
        #expect(told("c6", known: "unheard of") == "c1")
        #expect(told("c7", as: "fourth", after: 3_600_000, known: "c1") == "c7")
    }

    @Test func whatWasNotAcceptedIsNotTold() {
        #expect(told("c1", refusal: .overloaded) == "overloaded")
        #expect(told("c2") == "c2")
        // The earlier click is there, whatever becomes of this one.
        #expect(told("c3", refusal: .overloaded) == "c2")
    }

    @Test func whatWasNotRecordedIsForgotten() {
        _ = told("c1")
        recent.forget(ID("c1"), of: click("c1"))
        #expect(told("c2") == "c2")
        #expect(told("c3", as: "another", known: "c1") == "c3")
        recent.forget(ID("c1"), of: click("c1"))
        #expect(told("c4") == "c2", "it is another one that was not recorded")
    }

    @Test func whatTheCommitHasFoundIsTold() {
        _ = told("c2")
        recent.note(.init(id: ID("c1"), at: noon.adding(-1_000), isRepeat: true), of: click("c2"))
        #expect(told("c3") == "c1")
        #expect(told("c4", as: "another", known: "c1") == "c1")
        #expect(told("c5", after: 3_599_000) == "c5", "it is as old as it was found to be")
        // By the cookie of another address.
        recent.note(
            .init(id: ID("c9"), at: noon, isRepeat: true), of: click("c6", as: "new", known: "c9"))
        #expect(told("c7", as: "new") == "c7")
    }

    @Test func theLastOnesAreKept() {
        for number in 1...5 { _ = told("c\(number)", as: "visitor \(number)") }
        #expect(told("d5", as: "visitor 5") == "c5")
        #expect(told("d2", as: "visitor 2") == "c2")
        #expect(told("d1", as: "visitor 1") == "d1")
        #expect(told("e2", as: "visitor 2") == "e2", "it was the oldest then")
        #expect(told("e4", as: "visitor 4") == "c4")
    }

    private let noon = Timestamp(milliseconds: 1_790_000_000_000)

    private func click(
        _ id: String, as identity: String = "somebody", on link: String = "a",
        isBot: Bool = false, after milliseconds: Int64 = 0, known: String? = nil
    ) -> RecordClick {
        var visitor = Visitor()
        (visitor.identity, visitor.isBot) = (identity, isBot)
        var click = RecordClick(
            id: ID(id), linkID: ID(link), at: noon.adding(milliseconds), visitor: visitor)
        click.known = known.map { ID($0) }
        return click
    }

    private func told(
        _ id: String, as identity: String = "somebody", on link: String = "a",
        isBot: Bool = false, after milliseconds: Int64 = 0, known: String? = nil,
        refusal: LedgerError? = nil
    ) -> String {
        let click = click(
            id, as: identity, on: link, isBot: isBot, after: milliseconds, known: known)
        var accepted: String?
        let result = recent.tell(click) { id in
            accepted = id.text
            return refusal
        }
        switch result {
        case .new:
            #expect(accepted == id)
            return id
        case .again(let id):
            #expect(accepted == id.text, "the ledger is told the same id")
            return id.text
        case .refused(let error): return "\(error)"
        }
    }
}
