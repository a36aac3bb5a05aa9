import Attribution
import Testing

/// What later commands of a batch see of earlier ones.
@Suite struct FactsTests {
    @Test func aSaleSeesTheLeadBeforeIt() {
        let answers = run([lead("zoe", by: "ca"), sale("zoe")])
        #expect(
            answers.last?.hasPrefix("s9 of zoe | sale s9 4900 usd counts 4900 on a by ca l9")
                == true)
    }

    @Test func aLeadOfAnotherNameIsNoAnswerToANamedQuestion() {
        let named = sale("zoe") { $0.leadEventName = "Demo" }
        #expect(
            run([lead("zoe", by: "ca"), named]).last
                == #"no: leadNotFound(externalID: "zoe", leadEventName: Optional("Demo"))"#)
    }

    @Test func anOlderLeadDoesNotTakeTheNewestOnesPlace() {
        let old = lead("ann", by: "ca", "Old") { $0.at = World.noon }
        #expect(run([old, sale("ann")]).last?.contains("on b by cb l2") == true)
    }

    @Test func ofTheSameMillisecondTheGreaterIDIsNewest() {
        let pair = ["l8", "l9"].map { id in
            lead("cat", by: id == "l8" ? "cb" : "ca", id) { $0.ids = [ID(id)] }
        }
        let expected = "on a by ca l9"
        #expect(run(pair + [sale("cat")]).last?.contains(expected) == true)
        #expect(run(pair.reversed() + [sale("cat")]).last?.contains(expected) == true)
    }

    @Test func theSecondSaleOfAnInvoiceIsAReplay() {
        let first = sale("ann") { $0.invoiceID = "inv2" }
        let again = sale("ann") {
            $0.invoiceID = "inv2"
            $0.id = ID("s8")
        }
        #expect(run([first, again]).last == "replays s9 []")
    }

    @Test func eachSaleOfACustomerNamesTheOneBefore() {
        var facts = World().facts(for: sale("ann"))
        var previous: [SaleID?] = []
        for index in 0..<3 {
            let command = sale("ann") { $0.id = ID("s\(index)") }
            for change in decide(command, facts).changes {
                facts.absorb(change)
                if case .insertSale(let receipt) = change {
                    previous.append(receipt.sale.previousSaleID)
                }
            }
        }
        #expect(previous == [nil, ID("s0"), ID("s1")])
    }

    @Test func totalsAddUpWithinABatch() {
        let half = Money(Money.largestAmount, .usd)
        var facts = World().facts(for: sale("ann"))
        var amount: Int64 = 0
        for index in 0..<3 {
            let command = sale("ann") {
                $0.money = half
                $0.id = ID("s\(index)")
            }
            for change in decide(command, facts).changes { facts.absorb(change) }
            amount += half.minorUnits
        }
        #expect(facts.links[ID("b")]?.saleAmount == amount)
        #expect(facts.workspaces[World.home]?.saleAmount == amount)
        let ann = facts.customers[CustomerKey(workspaceID: World.home, externalID: "ann")]
        #expect(ann?.saleAmount == amount)
        #expect(ann?.sales == 3)
    }

    @Test func aTallyCountsEachChangeOnce() {
        var facts = World().facts(for: sale("zoe"))
        var tally = Tally()
        for command in [click("a"), lead("zoe", by: "ca"), sale("zoe"), sale("zoe")] {
            for change in decide(command, facts).changes {
                facts.absorb(change)
                tally.add(change)
            }
        }
        let link = tally.links[ID("a")]
        #expect([link?.clicks, link?.leads, link?.sales, link?.conversions] == [1, 1, 2, 1])
        #expect(link?.saleAmount == 9_800)
        let zoe = CustomerKey(workspaceID: World.home, externalID: "zoe")
        #expect(tally.customers[zoe]?.saleAmount == 9_800)
        #expect(tally.workspaces[World.home]?.saleAmount == 9_800)
        #expect(tally.workspaces[World.home]?.clicks == 1)
    }

    /// Texts that look alike are different texts: JSON, the database and every client compare
    /// code units.
    @Test func textsThatLookAlikeAreDifferentKeys() {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        let keys = Set(
            [composed, decomposed].map {
                CustomerKey(workspaceID: World.home, externalID: $0)
            })
        #expect(keys.count == 2)
        let invoices = Set(
            [composed, decomposed].map {
                InvoiceKey(workspaceID: World.home, invoiceID: $0)
            })
        #expect(invoices.count == 2)
    }

    /// The answers of commands that come one after the other.
    private func run(_ commands: [Command]) -> [String] {
        var facts = commands.last.map { World().facts(for: $0) } ?? Facts()
        return commands.map { command in
            let decision = decide(command, facts)
            for change in decision.changes { facts.absorb(change) }
            return decision.words
        }
    }
}
