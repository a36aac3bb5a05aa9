import Attribution

extension SQLTransaction {
    /// Values that are of their type and yet can't be: nobody writes them. One line for each kind
    /// that is found, with an example.
    package func brokenValues() throws -> [String] {
        try valueChecks.compactMap(brokenValue)
            + [brokenScopes(), brokenClaims()].compactMap(\.self)
    }

    private func brokenValue(_ check: ValueCheck) throws -> String? {
        let statement = SQLStatement(
            once: """
                SELECT \(check.column), count(*), min(id) FROM \(check.table)
                WHERE \(check.column) IS NOT NULL GROUP BY \(check.column)
                """)
        var found = BrokenValues()
        for row in try rows(statement) where !check.isKnown(try row.text(0)) {
            found.add(try row.integer(1), try row.text(2))
        }
        return found.line("values of \(check.table).\(check.column) that are none of its own")
    }

    private func brokenScopes() throws -> String? {
        var found = BrokenValues()
        for row in try rows(SQLStatement(once: "SELECT scopes, id FROM token")) {
            let scopes = try row.text(0).split(separator: " ")
            if scopes.contains(where: { Scope(rawValue: String($0)) == nil }) {
                found.add(1, try row.text(1))
            }
        }
        return found.line("values of token.scopes that are none of its own")
    }

    /// A claim has the name of its lead, normalised by the rules: databases know other lower case.
    private func brokenClaims() throws -> String? {
        var found = BrokenValues()
        var (customer, name) = ("", "")
        let count = try rows(SQLStatement(once: "SELECT count(*) FROM lead_claim"))[0].integer(0)
        // No more pages than there can be: in a damaged file they may lead in a circle.
        for _ in 0...count / claimsPage {
            let page = try rows(claimsAfter, [.text(customer), .text(name)])
            for row in page {
                (customer, name) = (try row.text(0), try row.text(1))
                if !isSame(LeadClaim.normalized(try row.text(2)), name) { found.add(1, customer) }
            }
        }
        return found.line("claims by another name than their lead's")
    }
}

/// So many claims are held in memory at once.
private let claimsPage: Int64 = 10_000

private let claimsAfter = SQLStatement(
    """
    SELECT c.customer_id, c.event_name, l.event_name
    FROM lead_claim c JOIN lead l ON l.id = c.lead_id
    WHERE (c.customer_id, c.event_name) > (?1, ?2)
    ORDER BY c.customer_id, c.event_name LIMIT \(claimsPage)
    """)

private struct BrokenValues {
    private var count: Int64 = 0
    private var example = ""

    mutating func add(_ number: Int64, _ id: String) {
        if count == 0 { example = id }
        count += number
    }

    func line(_ what: String) -> String? { count == 0 ? nil : "\(count) \(what), e.g. \(example)" }
}

/// A column that holds one of a few words.
private struct ValueCheck {
    let table: String
    let column: String
    let isKnown: (String) -> Bool

    init(_ table: String, _ column: String, _ isKnown: @escaping (String) -> Bool) {
        (self.table, self.column, self.isKnown) = (table, column, isKnown)
    }

    init<Value: RawRepresentable<String>>(_ table: String, _ column: String, _: Value.Type) {
        self.init(table, column) { Value(rawValue: $0) != nil }
    }
}

/// What the schema itself holds to a few words (triggers of clicks, policies) is not here.
private var valueChecks: [ValueCheck] {
    [
        ValueCheck("workspace", "plan", Plan.self),
        ValueCheck("tag", "color", TagColor.self),
        ValueCheck("folder", "access_level", Folder.AccessLevel.self),
        ValueCheck("sale", "payment_processor", PaymentProcessor.self),
        ValueCheck("sale", "currency") { Currency($0)?.code == $0 },
        ValueCheck("rejection", "endpoint", TrackEndpoint.self),
        ValueCheck("rejection", "reason", RejectionReason.self),
    ]
}
