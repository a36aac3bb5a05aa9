extension Migration {
    /// Indexes for what is asked of links and customers, in the order in which it is answered.
    static let indexes = Migration(
        version: 3, name: "indexes",
        script: """
            DROP INDEX link_by_workspace;
            CREATE INDEX link_by_workspace ON link (workspace_id, created_at, id, key);
            DROP INDEX link_by_url;
            CREATE INDEX link_by_url ON link (workspace_id, substr(url, 1, 190), created_at, id)
              WHERE deleted_at IS NULL;
            DROP INDEX customer_by_workspace;
            CREATE INDEX customer_by_workspace ON customer (workspace_id, created_at, id);
            CREATE INDEX tag_by_name ON tag (workspace_id, lower(name));
            CREATE INDEX customer_by_email ON customer (workspace_id, email, created_at, id)
              WHERE email IS NOT NULL;
            """)
}
