extension Migration {
    /// Track calls that recorded nothing, those that need no secret apart. They stand in the order
    /// in which they came; a workspace has so few that all else is looked for among them.
    static let rejections = Migration(
        version: 4, name: "rejections",
        script: """
            CREATE TABLE rejection (
              workspace_id TEXT NOT NULL REFERENCES workspace (id),
              is_public BIGINT NOT NULL CHECK (is_public IN (0, 1)),
              number BIGINT NOT NULL,
              id TEXT NOT NULL UNIQUE,
              endpoint TEXT NOT NULL,
              reason TEXT NOT NULL,
              detail TEXT,
              at BIGINT NOT NULL,
              body TEXT NOT NULL,
              customer_external_id TEXT,
              invoice_id TEXT,
              hostname TEXT,
              attempts BIGINT NOT NULL CHECK (attempts > 0),
              last_tried_at BIGINT NOT NULL,
              is_whole BIGINT NOT NULL CHECK (is_whole IN (0, 1)),
              PRIMARY KEY (workspace_id, is_public, number)
            ) CLUSTERED STRICT;
            CREATE INDEX rejection_by_time ON rejection (workspace_id, at);
            """)
}
