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
            "never a command",
            .recordRejection(
                RecordRejection(
                    rejection: Rejection(
                        id: ID("r9"), workspaceID: World.home, endpoint: .lead,
                        reason: .malformedBody, detail: "why", at: World.noon, body: "{"))),
            "done | keep r9 /track/lead malformed_body why - -"),
    ]

    @Test(arguments: rows) func table(row: Row) { #expect(row.actual == row.expected) }

    /// Within a batch as after it: what one call leaves behind, the next one sees.
    @Test func aSecondReplayOfTheBatchFindsItGone() {
        var facts = World().facts(for: sale("ann"))
        facts.rejections = [RejectionKey(World.home, ID("r1"))]
        var answers: [String] = []
        for id in ["s1", "s2"] {
            let decision = decide(Self.saleOf("ann", Self.retry) { $0.id = ID(id) }, facts)
            for change in decision.changes { facts.absorb(change) }
            answers.append(decision.outcome.words)
        }
        #expect(answers == ["s1 of ann", "no: rejectionNotFound(r1)"])
    }

    @Test(arguments: [
        (#"{"key":"dub_0123456789abcdefghij"}"#, #"{"key":"dub_…"}"#),
        ("Bearer dub_pk_0123456789abcdef, dub_id", "Bearer dub_…, dub_id"),
        ("dub_short dub_dub_0123456789abcdefghij", "dub_short dub_…"),
        ("dub_", "dub_"), ("a\0b", "a b"), ("é dub_0123456789abcdefghijé", "é dub_…é"),
    ])
    func keysAreNotKept(body: String, kept: String) {
        #expect(rejection(body).body == kept)
    }

    @Test func aLongBodyIsNotKept() {
        let longest = String(repeating: "x", count: Rejection.bodyMax)
        #expect(rejection(longest).body == longest)
        #expect(rejection(longest + "x").body == "")
    }

    private func rejection(_ body: String) -> Rejection {
        Rejection(
            id: ID("r9"), workspaceID: World.home, endpoint: .sale, reason: .invalidBody,
            at: World.noon, body: body)
    }
}

extension TrackCall {
    fileprivate var firstTime: TrackCall { TrackCall(id: id, endpoint: endpoint, body: body) }
}
