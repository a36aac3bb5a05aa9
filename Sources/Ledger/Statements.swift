import Attribution

/// Every statement of the commit path, each beside the index that serves it.
enum Statements {
    // Facts.
    /// Primary key.
    static let workspaceState = SQLStatement(
        "SELECT id, allowed_hostnames, conflict_policy, sale_amount FROM workspace WHERE id = ?1")
    /// Primary key.
    static let linkState = SQLStatement(
        """
        SELECT id, workspace_id, domain, key, url, external_id, tenant_id, disabled_at, deleted_at,
          sale_amount
        FROM link WHERE id = ?1
        """)
    /// Primary key.
    static let click = SQLStatement("SELECT \(Click.columns) FROM click WHERE id = ?1")
    /// Both primary keys.
    static let repeatedClick = SQLStatement(
        """
        SELECT \(Click.columns) FROM click
        WHERE id = (SELECT click_id FROM repeat_click WHERE repeat_click.id = ?1)
        """)
    /// click_by_identity.
    static let lastClick = SQLStatement(
        """
        SELECT id, at FROM click
        WHERE identity = ?1 AND link_id = ?2 AND at > ?3 AND is_bot = ?4
        ORDER BY at DESC LIMIT 1
        """)
    /// Primary key.
    static let customer = SQLStatement(
        """
        SELECT \(Customer.columns("c")) FROM customer c
        WHERE c.workspace_id = ?1 AND c.external_id = ?2 AND c.deleted_at IS NULL
        """)
    /// lead_by_customer. The newest lead up to a moment.
    static let newestLead = SQLStatement(
        """
        SELECT id, link_id, click_id, at FROM lead WHERE customer_id = ?1 AND at <= ?2
        ORDER BY at DESC, id DESC LIMIT 1
        """)
    /// The same, of one name.
    static let newestNamedLead = SQLStatement(
        """
        SELECT id, link_id, click_id, at FROM lead
        WHERE customer_id = ?1 AND at <= ?2 AND event_name = ?3
        ORDER BY at DESC, id DESC LIMIT 1
        """)
    /// lead_by_customer.
    static let oldestLead = SQLStatement(
        """
        SELECT id, link_id, click_id, at FROM lead WHERE customer_id = ?1
        ORDER BY at, id LIMIT 1
        """)
    /// The same, of one name.
    static let oldestNamedLead = SQLStatement(
        """
        SELECT id, link_id, click_id, at FROM lead WHERE customer_id = ?1 AND event_name = ?2
        ORDER BY at, id LIMIT 1
        """)
    /// Primary key.
    static let leadClaim = SQLStatement(
        "SELECT 1 FROM lead_claim WHERE customer_id = ?1 AND event_name = ?2")
    /// sale_by_invoice alone: most invoices are new, and the index is all that is looked at.
    static let saleOfInvoice = SQLStatement(
        """
        SELECT s.id FROM sale s
        WHERE s.workspace_id = ?1 AND s.invoice_id = ?2 AND s.invoice_id <> ''
        """)
    /// Primary key.
    static let saleByID = SQLStatement(
        """
        SELECT \(Sale.columns("s")), \(Customer.columns("c")) FROM sale s
        JOIN customer c ON c.id = s.customer_id
        WHERE s.id = ?1
        """)
    /// Primary key.
    static let conversions = SQLStatement(
        "SELECT link_id FROM conversion WHERE customer_id = ?1")

    // Changes.
    static let insertClick = SQLStatement(
        """
        INSERT INTO click (\(Click.columns))
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
          ?19, ?20)
        """)
    static let insertRepeat = SQLStatement(
        "INSERT INTO repeat_click (id, click_id) VALUES (?1, ?2)")
    static let insertCustomer = SQLStatement(
        """
        INSERT INTO customer (id, workspace_id, external_id, name, email, avatar, country, link_id,
          click_id, clicked_at, created_at, stripe_customer_id, subscription_canceled_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        """)
    static let attachCustomer = SQLStatement(
        """
        UPDATE customer SET link_id = ?3, click_id = ?4, clicked_at = ?5
        WHERE workspace_id = ?1 AND external_id = ?2
        """)
    static let insertLead = SQLStatement(
        """
        INSERT INTO lead (id, workspace_id, customer_id, link_id, click_id, event_name, at,
          metadata)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        """)
    static let claimLead = SQLStatement(
        "INSERT INTO lead_claim (customer_id, event_name, lead_id) VALUES (?1, ?2, ?3)")
    static let insertSale = SQLStatement(
        """
        INSERT INTO sale (id, workspace_id, customer_id, link_id, click_id, lead_id, event_name, at,
          amount, currency, base_amount, payment_processor, invoice_id, metadata, previous_sale_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
        """)
    static let insertConversion = SQLStatement(
        "INSERT INTO conversion (customer_id, link_id, sale_id) VALUES (?1, ?2, ?3)")
    static let countLink = SQLStatement(
        updateOfOwnRow: """
            UPDATE link SET clicks = clicks + ?2, leads = leads + ?3,
              conversions = conversions + ?4, sales = sales + ?5, sale_amount = sale_amount + ?6,
              last_clicked = CASE WHEN last_clicked >= ?7 THEN last_clicked
                ELSE coalesce(?7, last_clicked) END,
              last_lead_at = CASE WHEN last_lead_at >= ?8 THEN last_lead_at
                ELSE coalesce(?8, last_lead_at) END,
              last_conversion_at = CASE WHEN last_conversion_at >= ?9 THEN last_conversion_at
                ELSE coalesce(?9, last_conversion_at) END
            WHERE id = ?1
            """)
    static let countCustomer = SQLStatement(
        updateOfOwnRow: """
            UPDATE customer SET sales = sales + ?2, sale_amount = sale_amount + ?3,
              first_sale_at = CASE WHEN first_sale_at <= ?4 THEN first_sale_at ELSE ?4 END,
              last_sale_id = ?5
            WHERE workspace_id = ?1 AND external_id = ?6
            """)
    static let countWorkspace = SQLStatement(
        updateOfOwnRow: """
            UPDATE workspace SET clicks = clicks + ?2, leads = leads + ?3, sales = sales + ?4,
              sale_amount = sale_amount + ?5
            WHERE id = ?1
            """)
}
