import Attribution
import Testing

/// What is kept of a call that records nothing, and what becomes of it.
@Suite struct RejectionRuleTests {
    private static let call = TrackCall(id: ID("r9"), endpoint: .sale, body: "{}")
    private static let retry = TrackCall(
        id: ID("r1"), endpoint: .sale, body: "{}", retriedAt: World.noon)
    private static let gone = TrackCall(
        id: ID("r2"), endpoint: .lead, body: "{}", retriedAt: World.noon)

    /// One call is kept: `r1`.
    private static func row(
        _ name: String, _ command: Command, _ expected: String,
        in change: @escaping (inout World) -> Void = { _ in }
    ) -> Row {
        Row(name, command, expected) { world in
            world.facts.rejections = [RejectionKey(World.home, ID("r1"))]
            change(&world)
        }
    }

    private static func saleOf(
        _ customer: String, by click: String? = nil, _ call: TrackCall? = call,
        _ change: (inout RecordSale) -> Void = { _ in }
    ) -> Command {
        sale(customer, by: click) {
            $0.call = call
            change(&$0)
        }
    }

    private static func unreadable(_ id: String, _ retriedAt: Timestamp?) -> Command {
        let rejection = Rejection(
            id: ID(id), workspaceID: World.home, endpoint: .lead, reason: .malformedBody,
            detail: "why", at: World.noon, body: KeptBody("{"))
        return .recordRejection(RecordRejection(rejection: rejection, retriedAt: retriedAt))
    }

    static let rows: [Row] = [
        row(
            "an unknown customer", saleOf("zoe"),
            "ignored Purchase customer_unknown | keep r9 /track/sale customer_unknown - zoe -"),
        row(
            "an amount of 0", saleOf("ann") { $0.money = Money(0, .usd) },
            "ignored Purchase amount_zero | keep r9 /track/sale amount_zero - ann -"),
        row(
            "an unknown click", saleOf("zoe", by: "c?") { $0.invoiceID = "inv7" },
            "no: clickNotFound(c?) | keep r9 /track/sale click_not_found - zoe inv7"),
        row(
            "a link of another workspace", saleOf("zoe", by: "cx"),
            "no: linkOfClickForeign(x, cx) | keep r9 /track/sale link_of_other_workspace - zoe -"),
        row(
            "a disabled link", saleOf("zoe", by: "coff"),
            "no: linkOfClickDisabled(off, coff, Attribution.Refusal.EventKind.sale) | keep r9 /track/sale link_disabled - zoe -"
        ),
        row(
            "a customer's link that is gone", saleOf("eve"),
            "no: linkOfCustomerNotFound(eve) | keep r9 /track/sale link_not_found - eve -"),
        row(
            "an invoice with another amount",
            saleOf("ann") { ($0.invoiceID, $0.money) = ("inv1", Money(1, .usd)) },
            #"replays first ["amount"] | keep r9 /track/sale invoice_conflict amount ann inv1"#),
        row("a replay of the same", saleOf("ann") { $0.invoiceID = "inv1" }, "replays first []"),
        row(
            "a lead without a click", lead("zoe", by: nil) { $0.call = gone.firstTime },
            "no: clickRequired | keep r2 /track/lead click_required - zoe -"),
        row(
            "a site that may not report",
            click("s") {
                $0.reportingHostname = .some("evil.test")
                $0.call = TrackCall(id: ID("r9"), endpoint: .click, body: "{}")
            },
            #"no: hostnameDenied(Optional("evil.test")) | keep r9 /track/click hostname_denied evil.test - -"#
        ),
        row("without a call nothing is kept", sale("zoe"), "ignored Purchase customer_unknown"),
        row(
            "tried again in vain", saleOf("zoe", retry),
            "ignored Purchase customer_unknown | retry r1 customer_unknown -"),
        row(
            "tried again with success", saleOf("ann", retry),
            "s9 of ann | sale s9 4900 usd counts 4900 on b by cb l2 | ann converts on b | drop r1"),
        row(
            "tried again, as of the moment when it came",
            saleOf("ann", retry) { $0.at = World.noon.adding(1_500) },
            "s9 of ann | sale s9 4900 usd counts 4900 on a by ca l1 | drop r1"),
        row(
            "that came before the first lead",
            saleOf("ann", retry) { $0.at = World.noon.adding(-1) },
            "s9 of ann | sale s9 4900 usd counts 4900 on a by ca l1 | drop r1"),
        row(
            "before the first lead of that name",
            saleOf("ann", retry) { ($0.leadEventName, $0.at) = ("Demo", World.noon) },
            "s9 of ann | sale s9 4900 usd counts 4900 on b by cb l2 | ann converts on b | drop r1"
        ),
        row(
            "recorded meanwhile", saleOf("ann", retry) { $0.invoiceID = "inv1" },
            "replays first [] | drop r1"),
        row(
            "not kept any more", saleOf("ann", gone),
            "no: rejectionNotFound(r2)"),
        row(
            "nor a lead", lead("ann", by: "ca", "New") { $0.call = gone },
            "no: rejectionNotFound(r2)"),
        row(
            "given up",
            .discardRejections(
                DiscardRejections(workspaceID: World.home, ids: [ID("r1"), ID("r2"), ID("r1")])),
            "discarded 1 | drop r1"),
        row(
            "those of another workspace are not given up",
            .discardRejections(DiscardRejections(workspaceID: World.other, ids: [ID("r1")])),
            "discarded 0"),
        row(
            "nor tried again",
            sale("zoe", in: World.other) { $0.call = retry }, "no: rejectionNotFound(r1)"),
        row(
            "no command this time either", unreadable("r1", World.noon),
            "done | retry r1 malformed_body why"),
        row("nor is it kept any more", unreadable("r2", World.noon), "no: rejectionNotFound(r2)"),
        row(
            "never a command",
            unreadable("r9", nil),
            "done | keep r9 /track/lead malformed_body why - -"),
    ]

    @Test(arguments: rows) func table(row: Row) { #expect(row.actual == row.expected) }

    /// Within a batch as after it: what one call leaves behind, the next one sees.
    @Test func aSecondReplayOfTheBatchFindsItGone() {
        var facts = World().facts(for: Self.saleOf("ann", Self.retry))
        facts.rejections = [RejectionKey(World.home, ID("r1"))]
        var answers: [String] = []
        for id in ["s1", "s2"] {
            let decision = decide(Self.saleOf("ann", Self.retry) { $0.id = ID(id) }, facts)
            for change in decision.changes { facts.absorb(change) }
            answers.append(decision.outcome.words)
        }
        #expect(answers == ["s1 of ann", "no: rejectionNotFound(r1)"])
    }

    private static let key = "dub_0123456789abcdefghijABCD"

    @Test(arguments: [
        (#"{"key":"\#(key)"}"#, #"{"key":"[API key removed]"}"#),
        ("\(key)Z, \(key)", "[API key removed], [API key removed]"),
        ("dub_\(key) dub_short", "dub_[API key removed] dub_short"),
        ("é \(key)é", "é [API key removed]é"),
        (#"{"key":"\u0064ub_0123456789abcdefghijABCD"}"#, ""),
        (#"{"key":"\\u0064ub\u005F0123456789abcdefghijABC\u0044"}"#, ""),
        (String(repeating: "x", count: KeptBody.max + 1), ""),
    ])
    func whatIsNotKept(body: String, kept: String) {
        #expect(KeptBody(body) == KeptBody(text: kept, isWhole: false))
        #expect(KeptBody(bytes: Array(body.utf8)) == KeptBody(body))
    }

    /// What is sent again is what came, to the byte.
    @Test(arguments: [
        "", "{}", "dub_", "dub_id_0123456789abcdefghijABCD", "dub_pk_0123456789abcdefghijABCD",
        #"{"invoiceId":"dub_order_20261126_000000000000000001"}"#, "[API key removed]",
        "dub_0123456789abcdefghijABC", "e\u{301}", #"\u0064ub_order_1 \u \uD83D \"#,
        String(repeating: "x", count: KeptBody.max),
    ])
    func whatIsKeptWhole(body: String) {
        #expect(KeptBody(body).isWhole && isSame(KeptBody(body).text, body))
    }

    @Test func whatIsNoTextIsShownAndNotSentAgain() {
        #expect(KeptBody(bytes: [97, 0, 98]) == KeptBody(text: "a b", isWhole: false))
        #expect(KeptBody(bytes: [97, 255]) == KeptBody(text: "a\u{FFFD}", isWhole: false))
    }

    @Test func keysAreKeptNowhere() {
        let kept = Rejection(
            id: ID("r9"), workspaceID: World.home, endpoint: .sale, reason: .malformedBody,
            detail: "Duplicate key at \(Self.key)", at: World.noon, body: KeptBody(Self.key),
            customerExternalID: Self.key, invoiceID: "x\(Self.key)")
        #expect(kept.detail == "Duplicate key at [API key removed]" && !kept.isReplayable)
        #expect(kept.customerExternalID == nil && kept.invoiceID == nil)
    }
}

extension TrackCall {
    fileprivate var firstTime: TrackCall { TrackCall(id: id, endpoint: endpoint, body: body) }
}
