import Attribution
import Testing

/// Every case of Outcome and Refusal has a row in some table. A new case does not compile here
/// until it has a name; in the list of names, it fails until a row shows it.
@Suite struct CoverageTests {
    private static let tables: [[Row]] = [
        ClickRuleTests.rows, LeadRuleTests.rows, LeadRuleTests.customers, SaleRuleTests.replays,
        SaleRuleTests.credits, SaleRuleTests.fallbacks, SaleRuleTests.direct, SaleRuleTests.money,
        RegistryRuleTests.links, RegistryRuleTests.updates, RegistryRuleTests.rest,
        LinkRuleTests.rows, RecordRuleTests.rows, RejectionRuleTests.rows,
    ]

    @Test func everyOutcomeHasARow() {
        let found = Set(Self.tables.joined().map { Self.name($0.decision.outcome) })
        #expect(Self.outcomes.subtracting(found).isEmpty)
        #expect(found.subtracting(Self.outcomes).isEmpty)
    }

    @Test func everyRefusalHasARow() {
        let found = Self.tables.joined().compactMap { row -> String? in
            guard case .refused(let refusal) = row.decision.outcome else { return nil }
            return Self.name(refusal)
        }
        #expect(Self.refusals.subtracting(found).isEmpty)
        #expect(Set(found).subtracting(Self.refusals).isEmpty)
    }

    /// But for what is kept of the call.
    @Test func aRefusalChangesNothing() {
        for row in Self.tables.joined() {
            guard case .refused = row.decision.outcome else { continue }
            let changes = row.decision.changes.filter { change in
                switch change {
                case .insertRejection, .retryRejection: false
                default: true
                }
            }
            #expect(changes.isEmpty, "\(row.name)")
        }
    }

    private static let outcomes: Set = [
        "click", "repeat", "tracked", "deferred", "duplicate", "recorded", "replayed", "ignored",
        "customer", "link", "deleted", "tag", "folder", "domain",
        "done", "discarded", "workspace", "token", "writable", "refused",
    ]
    private static let refusals: Set = [
        "clickRequired", "clickNotFound", "clickIDTaken", "linkOfClickNotFound",
        "linkOfClickForeign",
        "linkOfClickDisabled", "hostnameDenied", "linkOfCustomerNotFound",
        "linkOfCustomerDisabled", "leadNotFound", "invoiceConflict", "totalTooLarge",
        "linkNotFound", "linkForeign", "keyTaken", "externalIDTaken", "rootLinkKept",
        "rootLinkStays",
        "domainTaken", "domainForeign", "slugTaken", "workspaceNotFound", "tokenNotFound",
        "tokenLimitReached",
        "customerNotFound",
        "destinationMissing",
        "customerExists",
        "stripeCustomerTaken",
        "missingFeature",
        "linkLimitReached",
        "linkLoop",
        "testNeedsConversions",
        "testEndsBeforeStart",
        "tagIDsNotFound",
        "tagNamesNotFound",
        "tagNotFound",
        "tagNameTaken",
        "folderNotFound",
        "folderNameTaken",
        "domainNotFound",
        "rejectionNotFound",
    ]

    private static func name(_ outcome: Outcome) -> String {
        switch outcome {
        case .click(let recorded): recorded.isRepeat ? "repeat" : "click"
        case .lead(.tracked(_, let isRecorded)): isRecorded ? "tracked" : "deferred"
        case .lead(.duplicate): "duplicate"
        case .sale(.recorded): "recorded"
        case .sale(.replayed): "replayed"
        case .sale(.ignored): "ignored"
        case .customer: "customer"
        case .link: "link"
        case .deleted: "deleted"
        case .domain: "domain"
        case .tag: "tag"
        case .folder: "folder"
        case .done: "done"
        case .discarded: "discarded"
        case .workspace: "workspace"
        case .token: "token"
        case .writable: "writable"
        case .refused: "refused"
        }
    }

    private static func name(_ refusal: Refusal) -> String {
        switch refusal {
        case .clickRequired: "clickRequired"
        case .clickNotFound: "clickNotFound"
        case .clickIDTaken: "clickIDTaken"
        case .linkOfClickNotFound: "linkOfClickNotFound"
        case .linkOfClickForeign: "linkOfClickForeign"
        case .linkOfClickDisabled: "linkOfClickDisabled"
        case .hostnameDenied: "hostnameDenied"
        case .linkOfCustomerNotFound: "linkOfCustomerNotFound"
        case .linkOfCustomerDisabled: "linkOfCustomerDisabled"
        case .leadNotFound: "leadNotFound"
        case .invoiceConflict: "invoiceConflict"
        case .totalTooLarge: "totalTooLarge"
        case .linkNotFound: "linkNotFound"
        case .linkForeign: "linkForeign"
        case .keyTaken: "keyTaken"
        case .externalIDTaken: "externalIDTaken"
        case .rootLinkKept: "rootLinkKept"
        case .rootLinkStays: "rootLinkStays"
        case .domainTaken: "domainTaken"
        case .domainForeign: "domainForeign"
        case .slugTaken: "slugTaken"
        case .workspaceNotFound: "workspaceNotFound"
        case .tokenNotFound: "tokenNotFound"
        case .tokenLimitReached: "tokenLimitReached"
        case .customerNotFound: "customerNotFound"
        case .destinationMissing: "destinationMissing"
        case .customerExists: "customerExists"
        case .stripeCustomerTaken: "stripeCustomerTaken"
        case .missingFeature: "missingFeature"
        case .linkLimitReached: "linkLimitReached"
        case .linkLoop: "linkLoop"
        case .testNeedsConversions: "testNeedsConversions"
        case .testEndsBeforeStart: "testEndsBeforeStart"
        case .tagIDsNotFound: "tagIDsNotFound"
        case .tagNamesNotFound: "tagNamesNotFound"
        case .tagNotFound: "tagNotFound"
        case .tagNameTaken: "tagNameTaken"
        case .folderNotFound: "folderNotFound"
        case .folderNameTaken: "folderNameTaken"
        case .domainNotFound: "domainNotFound"
        case .rejectionNotFound: "rejectionNotFound"
        }
    }
}
