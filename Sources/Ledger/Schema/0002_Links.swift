extension Migration {
    /// Everything else that stands around a link: targets, passwords, tests, tags, folders; what is
    /// known of a visitor; what can be said of a customer.
    ///
    /// Keys are found whatever their case. Of older links whose keys differ in case only, the one
    /// in lower case, else the oldest, keeps the address; the others are found by their exact key.
    static let links = Migration(
        version: 2, name: "links",
        script: """
            ALTER TABLE link ADD COLUMN lookup_key TEXT NOT NULL DEFAULT '';
            UPDATE link SET lookup_key = lower(key);
            CREATE INDEX link_by_lookup_key ON link (domain, lookup_key);
            UPDATE link SET lookup_key = key
            WHERE deleted_at IS NULL AND key <> lower(key) AND EXISTS (
              SELECT 1 FROM link other
              WHERE other.domain = link.domain AND other.lookup_key = lower(link.key)
                AND other.deleted_at IS NULL AND other.id <> link.id
                AND (other.key = lower(other.key) OR other.id < link.id));
            DROP INDEX link_by_lookup_key;
            DROP INDEX link_by_address;
            CREATE UNIQUE INDEX link_by_address ON link (domain, lookup_key)
              WHERE deleted_at IS NULL;

            ALTER TABLE link ADD COLUMN password TEXT;
            ALTER TABLE link ADD COLUMN ios TEXT;
            ALTER TABLE link ADD COLUMN android TEXT;
            ALTER TABLE link ADD COLUMN geo TEXT;
            ALTER TABLE link ADD COLUMN folder_id TEXT;
            ALTER TABLE link ADD COLUMN test_variants TEXT;
            ALTER TABLE link ADD COLUMN test_started_at BIGINT;
            ALTER TABLE link ADD COLUMN test_completed_at BIGINT;
            ALTER TABLE link ADD COLUMN proxy BIGINT NOT NULL DEFAULT 0 CHECK (proxy IN (0, 1));
            ALTER TABLE link ADD COLUMN rewrite BIGINT NOT NULL DEFAULT 0
              CHECK (rewrite IN (0, 1));
            CREATE INDEX link_by_folder ON link (folder_id) WHERE folder_id IS NOT NULL;
            CREATE INDEX link_by_url ON link (workspace_id, substr(url, 1, 190));

            CREATE TABLE tag (
              id TEXT NOT NULL PRIMARY KEY,
              workspace_id TEXT NOT NULL REFERENCES workspace (id),
              name TEXT NOT NULL CHECK (length(name) >= 1),
              color TEXT NOT NULL,
              created_at BIGINT NOT NULL,
              UNIQUE (workspace_id, name)
            ) STRICT;
            CREATE TABLE link_tag (
              link_id TEXT NOT NULL REFERENCES link (id),
              tag_id TEXT NOT NULL REFERENCES tag (id),
              position BIGINT NOT NULL,
              PRIMARY KEY (link_id, position)
            ) CLUSTERED STRICT;
            CREATE UNIQUE INDEX link_tag_by_tag ON link_tag (tag_id, link_id);
            CREATE TABLE folder (
              id TEXT NOT NULL PRIMARY KEY,
              workspace_id TEXT NOT NULL REFERENCES workspace (id),
              name TEXT NOT NULL CHECK (length(name) >= 1),
              description TEXT,
              access_level TEXT,
              created_at BIGINT NOT NULL,
              updated_at BIGINT NOT NULL,
              UNIQUE (workspace_id, name)
            ) STRICT;

            ALTER TABLE domain ADD COLUMN asset_links TEXT;
            ALTER TABLE domain ADD COLUMN apple_app_site_association TEXT;

            ALTER TABLE customer ADD COLUMN stripe_customer_id TEXT;
            ALTER TABLE customer ADD COLUMN subscription_canceled_at BIGINT;
            ALTER TABLE customer ADD COLUMN deleted_at BIGINT;
            CREATE UNIQUE INDEX customer_by_stripe_id ON customer (workspace_id, stripe_customer_id)
              WHERE stripe_customer_id IS NOT NULL;

            ALTER TABLE click ADD COLUMN continent TEXT;
            ALTER TABLE click ADD COLUMN region TEXT;
            ALTER TABLE click ADD COLUMN city TEXT;
            ALTER TABLE click ADD COLUMN device TEXT;
            ALTER TABLE click ADD COLUMN browser TEXT;
            ALTER TABLE click ADD COLUMN os TEXT;
            ALTER TABLE click ADD COLUMN is_bot BIGINT NOT NULL DEFAULT 0
              CHECK (is_bot IN (0, 1));
            ALTER TABLE click ADD COLUMN store_visit TEXT;
            CREATE INDEX click_by_store_visit ON click (store_visit, at)
              WHERE store_visit IS NOT NULL;
            """)
}
