import Attribution
import Testing

@Suite struct LeadRuleTests {
    static let rows: [Row] = [
        // A click is needed.
        Row("a new customer without a click", lead("zoe", by: nil), "no: clickRequired"),
        Row("a customer without a click", lead("bob", by: nil), "no: clickRequired"),
        // The same lead again changes nothing.
        Row("the same lead", lead("ann", by: "ca"), "duplicate of ann by ca"),
        Row("the same lead, its click kept", lead("ann", by: nil), "duplicate of ann by ca"),
        Row("… by a click that is not there", lead("ann", by: "c0"), "duplicate of ann by c0"),
        Row("… in other letters", lead("ann", by: "ca", "SIGN UP"), "duplicate of ann by ca"),
        Row("… with dashes", lead("ann", by: "ca", "sign-up"), "duplicate of ann by ca"),
        Row(
            "an underscore is another name", lead("ann", by: "ca", "sign_up"),
            """
            lead of ann by ca on a | claim sign_up of ann by l9 | lead l9 sign_up of ann on a
            """),
        // The click must be usable.
        Row("an unknown click", lead("zoe", by: "c0"), "no: clickNotFound(c0)"),
        Row("a click without its link", lead("zoe", by: "clost"), "no: linkOfClickNotFound(clost)"),
        Row("a deleted link", lead("zoe", by: "cgone"), "no: linkOfClickNotFound(cgone)"),
        Row("a foreign link", lead("zoe", by: "cx"), "no: linkOfClickForeign(x, cx)"),
        Row(
            "a disabled link", lead("zoe", by: "coff"),
            "no: linkOfClickDisabled(off, coff, Attribution.Refusal.EventKind.lead)"),
        // Recorded.
        Row(
            "a new customer", lead("zoe", by: "ca"),
            """
            lead of zoe by ca on a | customer zoe on a | claim sign-up of zoe by l9 \
            | lead l9 Sign up of zoe on a
            """),
        Row(
            "a known customer by another click", lead("ann", by: "cb", "Trial"),
            "lead of ann by cb on b | claim trial of ann by l9 | lead l9 Trial of ann on b"),
        Row(
            "a known customer by the first click", lead("cat", by: nil),
            "lead of cat by ca on a | claim sign-up of cat by l9 | lead l9 Sign up of cat on a"),
        Row(
            "a customer without a link gets one", lead("bob", by: "cb"),
            """
            lead of bob by cb on b | bob on b | claim sign-up of bob by l9 \
            | lead l9 Sign up of bob on b
            """),
        Row(
            "wait records like async", lead("cat", by: "ca") { $0.mode = .wait },
            "lead of cat by ca on a | claim sign-up of cat by l9 | lead l9 Sign up of cat on a"),
        Row(
            "a quantity is one claim and as many leads",
            lead("cat", by: "ca") { $0.ids = [ID("l7"), ID("l8"), ID("l9")] },
            """
            lead of cat by ca on a | claim sign-up of cat by l7 | lead l7 Sign up of cat on a \
            | lead l8 Sign up of cat on a | lead l9 Sign up of cat on a
            """),
        // Deferred: the customer only.
        Row(
            "deferred", lead("zoe", by: "ca") { $0.mode = .deferred },
            "deferred of zoe by ca on a | customer zoe on a"),
        Row(
            "deferred, customer known", lead("cat", by: "cb") { $0.mode = .deferred },
            "deferred of cat by cb on b"),
        Row(
            "deferred looks at no claim", lead("ann", by: "ca") { $0.mode = .deferred },
            "deferred of ann by ca on a"),
        Row(
            "deferred needs a usable click",
            lead("zoe", by: "c0") { $0.mode = .deferred }, "no: clickNotFound(c0)"),
    ]

    static let customers: [Row] = [
        Row("without a click", customer("zoe", by: nil), "zoe is new | customer zoe on -"),
        Row("with a click", customer("zoe", by: "ca"), "zoe is new | customer zoe on a"),
        Row("a second time", customer("ann", by: "cb"), "ann is known"),
        Row("an unknown click", customer("zoe", by: "c0"), "no: clickNotFound(c0)"),
    ]

    @Test(arguments: rows) func decides(_ row: Row) { #expect(row.actual == row.expected) }
    @Test(arguments: customers) func addsCustomers(_ row: Row) {
        #expect(row.actual == row.expected)
    }

    @Test func newCustomersAreNamed() {
        func name(_ name: String?, _ email: String?) -> String? {
            CustomerProfile(id: ID("cus_1"), name: name, email: email).customer(
                CustomerKey(workspaceID: World.home, externalID: "zoe"), from: nil,
                at: World.noon
            ).name
        }
        #expect(name("Zoe", "zoe@a.test") == "Zoe")
        #expect(name(nil, "zoe@a.test") == "zoe@a.test")
        #expect(name("", "zoe@a.test") == "zoe@a.test")
        #expect(name(nil, nil)?.split(separator: " ").count == 3)
        #expect(name("", "") == name(nil, nil), "the spare name follows from the id alone")
    }

    @Test func countryComesWithTheImportOrTheClick() throws {
        var world = World()
        world.facts.clicks[ID("ca")]?.visitor.country = "DE"
        func country(_ command: Command) throws -> String? {
            guard case .insertCustomer(let customer) = decide(command, world.facts).changes.first
            else { throw Missing() }
            return customer.country
        }
        #expect(try country(customer("zoe", by: "ca")) == "DE")
        #expect(try country(customer("zoe", by: "ca", country: "FR")) == "FR")
        #expect(try country(customer("zoe", by: nil)) == nil)
    }
}
