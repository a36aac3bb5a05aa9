import Attribution
import Testing

@Suite struct SaleRuleTests {
    private static let jpy = Currency("jpy") ?? .usd
    private static let lastRoom = Int64.max - 4_900
    private static let annLatest = "sale s9 4900 usd counts 4900 on b by cb l2"

    static let replays: [Row] = [
        Row(
            "the same invoice", sale("ann") { $0.invoiceID = "inv1" }, "replays first []"),
        Row(
            "another amount",
            sale("ann") {
                $0.invoiceID = "inv1"
                $0.money = Money(1, .usd)
            }, "replays first [\"amount\"]"),
        Row(
            "an amount of 0 is still a replay",
            sale("ann") {
                $0.invoiceID = "inv1"
                $0.money = Money(0, .usd)
            }, "replays first [\"amount\"]"),
        Row(
            "another customer, even unknown", sale("zoe") { $0.invoiceID = "inv1" },
            "replays first [\"customerExternalId\"]"),
        Row(
            "everything else",
            sale("bob") {
                $0.invoiceID = "inv1"
                $0.money = Money(1, jpy)
                $0.eventName = "Upgrade"
            },
            #"replays first ["customerExternalId", "amount", "currency", "eventName"]"#),
        Row(
            "a strict workspace replays what is the same",
            sale("sue", in: World.strict) { $0.invoiceID = "inv1" }, "replays firsts []"),
        Row(
            "… and refuses what is not",
            sale("sue", in: World.strict) {
                $0.invoiceID = "inv1"
                $0.eventName = "Upgrade"
            }, #"no: invoiceConflict(differing: ["eventName"])"#),
        Row(
            "the invoice of another workspace is none",
            sale("zoe", in: World.other) { $0.invoiceID = "inv1" },
            "ignored Purchase customer_unknown"),
        Row(
            "an empty invoice is none", sale("ann") { $0.invoiceID = "" },
            "s9 of ann | \(annLatest) | ann converts on b"),
        Row(
            "an imported row, second time",
            sale("ann") {
                $0.origin = .imported
                $0.id = ID("first")
            }, "replays first []"),
        Row(
            "a live id is not looked up",
            sale("ann") { $0.id = ID("first") },
            "first of ann | sale first 4900 usd counts 4900 on b by cb l2 | ann converts on b"),
    ]

    static let credits: [Row] = [
        Row(
            "the newest lead", sale("ann"),
            "s9 of ann | \(annLatest) | ann converts on b"),
        Row(
            "the named lead", sale("ann") { $0.leadEventName = "Sign up" },
            "s9 of ann | sale s9 4900 usd counts 4900 on a by ca l1"),
        Row(
            "an empty name is no name", sale("ann") { $0.leadEventName = "" },
            "s9 of ann | \(annLatest) | ann converts on b"),
        Row(
            "names of leads are case-sensitive", sale("ann") { $0.leadEventName = "sign up" },
            #"no: leadNotFound(externalID: "ann", leadEventName: Optional("sign up"))"#),
        Row("no lead", sale("cat"), #"no: leadNotFound(externalID: "cat", leadEventName: nil)"#),
        Row(
            "an imported sale: leads until then",
            sale("ann") {
                $0.origin = .imported
                $0.at = World.noon.adding(Timestamp.second)
            }, "s9 of ann | sale s9 4900 usd counts 4900 on a by ca l1"),
        Row(
            "the click named by the request", sale("cat", by: "cb"),
            "s9 of cat | sale s9 4900 usd counts 4900 on b by cb - | cat converts on b"),
        Row(
            "the click before the lead", sale("ann", by: "ca"),
            "s9 of ann | sale s9 4900 usd counts 4900 on a by ca -"),
        Row(
            "a customer without a link gets the click's", sale("bob", by: "ca"),
            "s9 of bob | bob on a | sale s9 4900 usd counts 4900 on a by ca - | bob converts on a"),
    ]

    static let fallbacks: [Row] =
        ["c0", "clost", "cgone", "cx", "coff"].map { (click: String) in
            Row(
                "\(click) is not usable: the lead decides", sale("ann", by: click),
                "s9 of ann | \(annLatest) | ann converts on b")
        } + [
            Row("no link, no click", sale("bob"), "no: linkOfCustomerNotFound(bob)"),
            Row(
                "no link, no usable click", sale("bob", by: "cx"),
                "no: linkOfCustomerNotFound(bob)"),
            Row(
                "the customer's link is disabled", sale("dan"),
                "no: linkOfCustomerDisabled(off, dan)"),
            Row("… deleted", sale("eve"), "no: linkOfCustomerNotFound(eve)"),
            Row("… foreign", sale("hal"), "no: linkOfCustomerNotFound(hal)"),
            Row("the lead's link is disabled", sale("fay"), "no: linkOfCustomerDisabled(off, fay)"),
            Row("… deleted", sale("gus"), "no: linkOfCustomerNotFound(gus)"),
            Row(
                "a click saves the sale of a disabled link", sale("dan", by: "ca"),
                "s9 of dan | sale s9 4900 usd counts 4900 on a by ca - | dan converts on a"),
        ]

    static let direct: [Row] = [
        Row("an unknown customer", sale("zoe"), "ignored Purchase customer_unknown"),
        Row(
            "a click makes customer, claim and lead", sale("zoe", by: "ca"),
            """
            s9 of zoe | customer zoe on a \
            | claim direct-sale-tracking-lead-event of zoe by l9 \
            | lead l9 Direct sale tracking lead event of zoe on a \
            | sale s9 4900 usd counts 4900 on a by ca l9 | zoe converts on a
            """),
        Row(
            "the lead's name may be given",
            sale("zoe", by: "ca") { $0.leadEventName = "Sign up" },
            """
            s9 of zoe | customer zoe on a | claim sign-up of zoe by l9 \
            | lead l9 Sign up of zoe on a \
            | sale s9 4900 usd counts 4900 on a by ca l9 | zoe converts on a
            """),
        Row("an unknown click", sale("zoe", by: "c0"), "no: clickNotFound(c0)"),
        Row("a deleted link", sale("zoe", by: "cgone"), "no: linkOfClickNotFound(cgone)"),
        Row("a foreign link", sale("zoe", by: "cx"), "no: linkOfClickForeign(x, cx)"),
        Row(
            "a disabled link", sale("zoe", by: "coff"),
            "no: linkOfClickDisabled(off, coff, Attribution.Refusal.EventKind.sale)"),
        Row(
            "an amount of 0 makes nobody",
            sale("zoe", by: "ca") { $0.money = Money(0, .usd) }, "ignored Purchase amount_zero"),
    ]

    static let money: [Row] = [
        Row("nothing", sale("ann") { $0.money = Money(0, .usd) }, "ignored Purchase amount_zero"),
        Row(
            "nothing, by nobody: the credit comes first",
            sale("cat") { $0.money = Money(0, .usd) },
            #"no: leadNotFound(externalID: "cat", leadEventName: nil)"#),
        Row(
            "another currency is not summed", sale("ann") { $0.money = Money(4_900, jpy) },
            "s9 of ann | sale s9 4900 jpy counts nothing on b by cb l2 | ann converts on b"),
        Row(
            "the customer's total has room", sale("ann"),
            "s9 of ann | \(annLatest) | ann converts on b"
        ) { $0.total(customer: lastRoom) },
        Row("… has none", sale("ann"), "no: totalTooLarge") { $0.total(customer: lastRoom + 1) },
        Row("the link's has none", sale("ann"), "no: totalTooLarge") {
            $0.total(link: lastRoom + 1)
        },
        Row("the workspace's has none", sale("ann"), "no: totalTooLarge") {
            $0.total(workspace: lastRoom + 1)
        },
        Row(
            "a full total takes another currency",
            sale("ann") { $0.money = Money(4_900, jpy) },
            "s9 of ann | sale s9 4900 jpy counts nothing on b by cb l2 | ann converts on b"
        ) { $0.total(workspace: .max) },
        Row(
            "the second sale through a link is no conversion",
            sale("ann") { $0.leadEventName = "Sign up" },
            "s9 of ann | sale s9 4900 usd counts 4900 on a by ca l1"),
    ]

    @Test(arguments: replays) func replays(_ row: Row) { #expect(row.actual == row.expected) }
    @Test(arguments: credits) func credits(_ row: Row) { #expect(row.actual == row.expected) }
    @Test(arguments: fallbacks) func fallsBack(_ row: Row) { #expect(row.actual == row.expected) }
    @Test(arguments: direct) func directly(_ row: Row) { #expect(row.actual == row.expected) }
    @Test(arguments: money) func counts(_ row: Row) { #expect(row.actual == row.expected) }

    /// A sale keeps every word that was sent.
    @Test func nothingIsLost() throws {
        let command = sale("ann") {
            $0.invoiceID = "inv2"
            $0.metadata = #"{"a": 1.0}"#
            $0.paymentProcessor = .stripe
            $0.eventName = "Upgrade"
        }
        guard case .sale(.recorded(let receipt)) = Row("", command, "").decision.outcome else {
            throw Missing()
        }
        #expect(
            receipt.sale
                == Sale(
                    id: ID("s9"), workspaceID: World.home, customerID: ID("ann"), linkID: ID("b"),
                    clickID: ID("cb"), leadID: ID("l2"), eventName: "Upgrade",
                    at: World.noon.adding(60_000), money: Money(4_900, .usd), baseAmount: 4_900,
                    paymentProcessor: .stripe, invoiceID: "inv2", metadata: #"{"a": 1.0}"#))
    }
}

extension World {
    /// Totals before the command: of ann, of the link that she is credited to, of her workspace.
    fileprivate mutating func total(
        customer: Int64 = 0, link: Int64 = 0, workspace: Int64 = 0
    ) {
        facts.customers[CustomerKey(workspaceID: World.home, externalID: "ann")]?.saleAmount =
            customer
        facts.links[ID("b")]?.saleAmount = link
        facts.workspaces[World.home]?.saleAmount = workspace
    }
}
