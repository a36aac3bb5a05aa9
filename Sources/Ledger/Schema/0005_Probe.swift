extension Migration {
    /// A number that a probe changes: writing what is there already, SQLite writes nothing.
    static let probe = Migration(
        version: 5, name: "probe",
        script: """
            ALTER TABLE registry ADD COLUMN probe BIGINT NOT NULL DEFAULT 0;
            """)
}
