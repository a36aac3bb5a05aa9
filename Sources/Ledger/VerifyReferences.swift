import Attribution

extension SQLTransaction {
    /// What an event says of other records that they don't say themselves: the schema leaves these
    /// to the rules, for speed. One line for each kind that is found, with an example.
    package func brokenReferences() throws -> [String] {
        try referenceChecks.compactMap { check in
            let sql = "SELECT count(*), min(e.id) FROM \(check.sql)"
            guard let row = try rows(SQLStatement(once: sql)).first, try row.integer(0) > 0 else {
                return nil
            }
            return "\(try row.integer(0)) \(check.what), e.g. \(try row.text(1))"
        }
    }
}

private let referenceChecks: [(what: String, sql: String)] = [
    (
        "clicks in another workspace than their link",
        "click e JOIN link l ON l.id = e.link_id WHERE l.workspace_id <> e.workspace_id"
    ),
    (
        "ids of repeated clicks that stand for none",
        "repeat_click e LEFT JOIN click k ON k.id = e.click_id WHERE k.id IS NULL"
    ),
    (
        "leads in another workspace than their link or customer",
        """
        lead e JOIN link l ON l.id = e.link_id JOIN customer c ON c.id = e.customer_id
        WHERE l.workspace_id <> e.workspace_id OR c.workspace_id <> e.workspace_id
        """
    ),
    (
        "sales in another workspace than their link or customer",
        """
        sale e JOIN link l ON l.id = e.link_id JOIN customer c ON c.id = e.customer_id
        WHERE l.workspace_id <> e.workspace_id OR c.workspace_id <> e.workspace_id
        """
    ),
    (
        "sales whose click is not there or led to another link",
        """
        sale e LEFT JOIN click k ON k.id = e.click_id
        WHERE e.click_id IS NOT NULL AND (k.id IS NULL OR k.link_id <> e.link_id)
        """
    ),
    (
        "sales whose lead is another customer's or link's",
        """
        sale e JOIN lead l ON l.id = e.lead_id
        WHERE l.customer_id <> e.customer_id OR l.link_id <> e.link_id
        """
    ),
    (
        "leads whose click led to another link",
        "lead e JOIN click k ON k.id = e.click_id WHERE k.link_id <> e.link_id"
    ),
    (
        "customers whose click led to another link or was at another moment",
        """
        customer e LEFT JOIN click k ON k.id = e.click_id
        WHERE coalesce(e.clicked_at, -1) <> coalesce(k.at, -1)
          OR (k.id IS NOT NULL AND coalesce(e.link_id, '') <> k.link_id)
        """
    ),
    (
        "claims of another customer's lead",
        """
        (SELECT c.customer_id AS id FROM lead_claim c JOIN lead l ON l.id = c.lead_id
          WHERE l.customer_id <> c.customer_id) e
        """
    ),
    (
        "conversions of another customer's or link's sale",
        """
        (SELECT v.customer_id AS id FROM conversion v LEFT JOIN sale s ON s.id = v.sale_id
          WHERE s.id IS NULL OR s.customer_id <> v.customer_id OR s.link_id <> v.link_id) e
        """
    ),
]
