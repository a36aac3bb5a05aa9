extension Migration {
    /// Ids that were told to visitors who came again, before it was known that they did. Each
    /// stands for the click that counts; as with a sale's click, that it is there was seen by the
    /// transaction that wrote it.
    static let repeats = Migration(
        version: 6, name: "repeats",
        script: """
            CREATE TABLE repeat_click (
              id TEXT NOT NULL PRIMARY KEY,
              click_id TEXT NOT NULL
            ) CLUSTERED STRICT;
            """)
}
