extension Migration {
    /// The first schema. Money and counts are 64-bit integers, moments are milliseconds, flags are
    /// 0 or 1; `BIGINT`, `STRICT` and `CLUSTERED` (rows stand in the order of the primary key,
    /// which is the order of time for events) are spelled as each engine has them. An event refers
    /// to its customer and link; its workspace and a sale's click were read in the transaction
    /// that wrote it.
    ///
    /// A customer's sales are a chain: the customer names the last, each sale the one before. The
    /// customer's row is written with every sale anyway; an index by customer would be one more
    /// page, at a random place, for each.
    static let start = Migration(
        version: 1, name: "start",
        script: """
            CREATE TABLE workspace (
              id TEXT NOT NULL PRIMARY KEY,
              slug TEXT NOT NULL UNIQUE CHECK (length(slug) BETWEEN 1 AND 190),
              name TEXT NOT NULL,
              plan TEXT NOT NULL,
              allowed_hostnames TEXT NOT NULL,
              publishable_key TEXT UNIQUE,
              conflict_policy TEXT NOT NULL CHECK (conflict_policy IN ('replay', 'refuse')),
              created_at BIGINT NOT NULL,
              clicks BIGINT NOT NULL DEFAULT 0 CHECK (clicks >= 0),
              leads BIGINT NOT NULL DEFAULT 0 CHECK (leads >= 0),
              sales BIGINT NOT NULL DEFAULT 0 CHECK (sales >= 0),
              sale_amount BIGINT NOT NULL DEFAULT 0 CHECK (sale_amount >= 0)
            ) STRICT;

            CREATE TABLE token (
              id TEXT NOT NULL PRIMARY KEY,
              workspace_id TEXT NOT NULL REFERENCES workspace (id),
              name TEXT NOT NULL,
              digest TEXT NOT NULL UNIQUE CHECK (length(digest) = 64),
              scopes TEXT NOT NULL,
              created_at BIGINT NOT NULL,
              expires_at BIGINT,
              revoked_at BIGINT
            ) STRICT;
            CREATE INDEX token_by_workspace ON token (workspace_id);

            CREATE TABLE domain (
              id TEXT NOT NULL PRIMARY KEY,
              workspace_id TEXT NOT NULL REFERENCES workspace (id),
              slug TEXT NOT NULL UNIQUE,
              is_primary BIGINT NOT NULL CHECK (is_primary IN (0, 1)),
              is_archived BIGINT NOT NULL CHECK (is_archived IN (0, 1)),
              placeholder TEXT,
              expired_url TEXT,
              not_found_url TEXT,
              logo TEXT,
              created_at BIGINT NOT NULL,
              updated_at BIGINT NOT NULL
            ) STRICT;
            CREATE INDEX domain_by_workspace ON domain (workspace_id);

            CREATE TABLE link (
              id TEXT NOT NULL PRIMARY KEY,
              workspace_id TEXT NOT NULL REFERENCES workspace (id),
              domain TEXT NOT NULL,
              key TEXT NOT NULL,
              url TEXT NOT NULL,
              created_at BIGINT NOT NULL,
              updated_at BIGINT NOT NULL,
              deleted_at BIGINT,
              external_id TEXT,
              tenant_id TEXT,
              title TEXT,
              description TEXT,
              image TEXT,
              video TEXT,
              comments TEXT,
              expires_at BIGINT,
              expired_url TEXT,
              disabled_at BIGINT,
              utm_source TEXT,
              utm_medium TEXT,
              utm_campaign TEXT,
              utm_term TEXT,
              utm_content TEXT,
              track_conversion BIGINT NOT NULL CHECK (track_conversion IN (0, 1)),
              archived BIGINT NOT NULL CHECK (archived IN (0, 1)),
              do_index BIGINT NOT NULL CHECK (do_index IN (0, 1)),
              public_stats BIGINT NOT NULL CHECK (public_stats IN (0, 1)),
              clicks BIGINT NOT NULL DEFAULT 0 CHECK (clicks >= 0),
              leads BIGINT NOT NULL DEFAULT 0 CHECK (leads >= 0),
              conversions BIGINT NOT NULL DEFAULT 0 CHECK (conversions >= 0),
              sales BIGINT NOT NULL DEFAULT 0 CHECK (sales >= conversions),
              sale_amount BIGINT NOT NULL DEFAULT 0 CHECK (sale_amount >= 0),
              last_clicked BIGINT,
              last_lead_at BIGINT,
              last_conversion_at BIGINT
            ) STRICT;
            CREATE UNIQUE INDEX link_by_address ON link (domain, key) WHERE deleted_at IS NULL;
            CREATE UNIQUE INDEX link_by_external_id ON link (workspace_id, external_id)
              WHERE deleted_at IS NULL AND external_id IS NOT NULL;
            CREATE INDEX link_by_workspace ON link (workspace_id, created_at);

            CREATE TABLE click (
              id TEXT NOT NULL PRIMARY KEY,
              workspace_id TEXT NOT NULL,
              link_id TEXT NOT NULL REFERENCES link (id),
              at BIGINT NOT NULL,
              url TEXT NOT NULL,
              trigger_kind TEXT NOT NULL
                CHECK (trigger_kind IN ('link', 'qr', 'pageview', 'deeplink')),
              ip TEXT,
              user_agent TEXT,
              country TEXT,
              referer TEXT,
              referer_url TEXT,
              identity TEXT
            ) CLUSTERED STRICT;
            CREATE INDEX click_by_workspace ON click (workspace_id, at, id);
            CREATE INDEX click_by_link ON click (link_id, at, id);
            CREATE INDEX click_by_identity ON click (identity, link_id, at)
              WHERE identity IS NOT NULL;

            CREATE TABLE customer (
              id TEXT NOT NULL UNIQUE,
              workspace_id TEXT NOT NULL REFERENCES workspace (id),
              external_id TEXT NOT NULL,
              name TEXT,
              email TEXT,
              avatar TEXT,
              country TEXT,
              link_id TEXT REFERENCES link (id),
              click_id TEXT REFERENCES click (id),
              clicked_at BIGINT,
              created_at BIGINT NOT NULL,
              first_sale_at BIGINT,
              last_sale_id TEXT,
              sales BIGINT NOT NULL DEFAULT 0 CHECK (sales >= 0),
              sale_amount BIGINT NOT NULL DEFAULT 0 CHECK (sale_amount >= 0),
              CHECK ((sales = 0) = (first_sale_at IS NULL)),
              CHECK ((sales = 0) = (last_sale_id IS NULL)),
              PRIMARY KEY (workspace_id, external_id)
            ) CLUSTERED STRICT;
            CREATE INDEX customer_by_workspace ON customer (workspace_id, created_at);
            CREATE INDEX customer_by_link ON customer (link_id) WHERE link_id IS NOT NULL;

            CREATE TABLE lead (
              id TEXT NOT NULL PRIMARY KEY,
              workspace_id TEXT NOT NULL,
              customer_id TEXT NOT NULL REFERENCES customer (id),
              link_id TEXT NOT NULL REFERENCES link (id),
              click_id TEXT REFERENCES click (id),
              event_name TEXT NOT NULL,
              at BIGINT NOT NULL,
              metadata TEXT
            ) CLUSTERED STRICT;
            CREATE INDEX lead_by_customer ON lead (customer_id, at, id);
            CREATE INDEX lead_by_workspace ON lead (workspace_id, at, id);
            CREATE INDEX lead_by_link ON lead (link_id, at, id);

            CREATE TABLE lead_claim (
              customer_id TEXT NOT NULL REFERENCES customer (id),
              event_name TEXT NOT NULL,
              lead_id TEXT NOT NULL REFERENCES lead (id),
              PRIMARY KEY (customer_id, event_name)
            ) CLUSTERED STRICT;

            CREATE TABLE sale (
              id TEXT NOT NULL PRIMARY KEY,
              workspace_id TEXT NOT NULL,
              customer_id TEXT NOT NULL REFERENCES customer (id),
              link_id TEXT NOT NULL REFERENCES link (id),
              click_id TEXT,
              lead_id TEXT REFERENCES lead (id),
              event_name TEXT NOT NULL,
              at BIGINT NOT NULL,
              amount BIGINT NOT NULL CHECK (amount > 0),
              currency TEXT NOT NULL CHECK (length(currency) = 3),
              base_amount BIGINT CHECK (base_amount >= 0),
              payment_processor TEXT NOT NULL,
              invoice_id TEXT,
              metadata TEXT,
              previous_sale_id TEXT
            ) CLUSTERED STRICT;
            CREATE UNIQUE INDEX sale_by_invoice ON sale (workspace_id, invoice_id)
              WHERE invoice_id <> '';
            CREATE INDEX sale_by_workspace ON sale (workspace_id, at, id);
            CREATE INDEX sale_by_link ON sale (link_id, at, id);

            CREATE TABLE conversion (
              customer_id TEXT NOT NULL,
              link_id TEXT NOT NULL,
              sale_id TEXT NOT NULL REFERENCES sale (id),
              PRIMARY KEY (customer_id, link_id)
            ) CLUSTERED STRICT;

            CREATE TABLE registry (revision BIGINT NOT NULL) STRICT;
            INSERT INTO registry (revision) VALUES (0);
            """)
}
