import Attribution
import Ledger
import Server
import Synchronization
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
        #expect(told("c3", refusal: .overloaded) == "c2", "the queue is not asked again")
    }

    @Test func whatWasNotRecordedIsForgotten() {
        _ = told("c1")
        recent.settle(click("c1"), nil)
        #expect(told("c2") == "c2")
        #expect(told("c3", as: "another", known: "c1") == "c3")
        recent.settle(click("c1"), nil)
        #expect(told("c4") == "c2", "it is another one that was not recorded")
    }

    @Test func whatTheCommitHasFoundIsTold() {
        _ = told("c2")
        recent.settle(click("c2"), found("c1", before: 1_000))
        #expect(told("c3") == "c1")
        #expect(told("c4", as: "another", known: "c1") == "c1")
        #expect(told("c5", after: 3_599_000) == "c5", "it is as old as it was found to be")
        // By the cookie of another address.
        recent.note(found("c9", before: 0), of: click("c6", as: "new", known: "c9"))
        #expect(told("c7", as: "new") == "c7")
    }

    /// Else it would be told when the click that it stands for counts no more.
    @Test(arguments: [nil, "elsewhere"])
    func anIDIsAsOldAsTheClickThatItStandsFor(known: String?) {
        _ = told("c2", known: known)
        recent.settle(click("c2", known: known), found("c1", before: 600_000))
        #expect(told("c3", as: "another", after: 2_999_999, known: "c2") == "c2")
        #expect(told("c4", as: "another", after: 3_000_000, known: "c2") == "c4")
        #expect(told("c5", after: 3_000_000) == "c5")
    }

    @Test func whoWaitsIsToldOnce() {
        let answers = Answers()
        let settled: RecentClicks.Settled = { answers.add($0) }
        #expect(isNew(recent.tell(click("c2"), settled) { nil }))
        #expect(told("c3", settled: settled) == "c2")
        #expect(answers.all.isEmpty)
        recent.settle(click("c2"), found("c1", before: 0))
        #expect(answers.all == ["c1", "c1"])
        #expect(told("c4", settled: settled) == "c1", "it is durable: nobody waits")
        recent.settle(click("c2"), found("c1", before: 0))
        #expect(answers.all == ["c1", "c1"])
        _ = told("d1", as: "another", settled: settled)
        recent.settle(click("d1", as: "another"), nil)
        #expect(answers.all == ["c1", "c1", nil])
        _ = told("e1", as: "third", refusal: .overloaded, settled: settled)
        recent.settle(click("e1", as: "third"), nil)
        #expect(answers.all.count == 3, "what was refused is told at once")
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

    private func found(_ id: String, before milliseconds: Int64) -> Outcome.Recorded {
        .init(id: ID(id), at: noon.adding(-milliseconds), isRepeat: true)
    }

    private func isNew(_ told: RecentClicks.Told) -> Bool {
        if case .new = told { true } else { false }
    }

    private func told(
        _ id: String, as identity: String = "somebody", on link: String = "a",
        isBot: Bool = false, after milliseconds: Int64 = 0, known: String? = nil,
        refusal: LedgerError? = nil, settled: RecentClicks.Settled? = nil
    ) -> String {
        let click = click(
            id, as: identity, on: link, isBot: isBot, after: milliseconds, known: known)
        var wasAsked = false
        let result = recent.tell(click, settled) {
            wasAsked = true
            return refusal
        }
        switch result {
        case .new:
            #expect(wasAsked)
            return id
        case .again(let id, _):
            #expect(!wasAsked, "the click is there already")
            return id.text
        case .refused(let error): return "\(error)"
        }
    }

    private final class Answers: Sendable {
        private let ids = Mutex<[String?]>([])
        var all: [String?] { ids.withLock { $0 } }
        func add(_ id: ClickID?) { ids.withLock { $0.append(id?.text) } }
    }
}
