extension Migration {
    /// Track calls that recorded nothing. They stand in the order in which they came; a workspace
    /// has so few that everything but that order is looked for among them.
    static let rejections = Migration(
        version: 4, name: "rejections",
        script: """
            CREATE TABLE rejection (
              workspace_id TEXT NOT NULL REFERENCES workspace (id),
              number BIGINT NOT NULL,
              id TEXT NOT NULL UNIQUE,
              endpoint TEXT NOT NULL,
              reason TEXT NOT NULL,
              detail TEXT,
              at BIGINT NOT NULL,
              body TEXT NOT NULL,
              customer_external_id TEXT,
              invoice_id TEXT,
              attempts BIGINT NOT NULL CHECK (attempts > 0),
              last_tried_at BIGINT NOT NULL,
              PRIMARY KEY (workspace_id, number)
            ) CLUSTERED STRICT;
            CREATE INDEX rejection_by_time ON rejection (workspace_id, at);
            """)
}
