import Attribution
import Ledger
import SQLiteEngine
import Testing

@Suite struct MigrationTests {
    @Test func aFreshFileGetsTheWholeSchema() throws {
        let scratch = try Scratch()
        let versions = try scratch.rows("SELECT version FROM schema_migration ORDER BY version")
        #expect(try versions.map { try $0.integer(0) } == Migration.all.map(\.version))
        #expect(Migration.all.map(\.version) == Array(1...Int64(Migration.all.count)))
        #expect(try scratch.number("SELECT count(*) FROM sale") == 0)
    }

    /// A table that is not listed would be left behind by a move.
    @Test func everyTableIsListed() throws {
        let scratch = try Scratch()
        let found = try scratch.rows(
            Engine.isSQLite
                ? """
                SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                """
                : """
                SELECT table_name FROM information_schema.tables
                WHERE table_schema = current_schema()
                """)
        #expect(Set(try found.map { try $0.text(0) }) == Set(Schema.tables))
        #expect(found.count == Schema.tables.count)
    }

    @Test func migratingAgainChangesNothing() throws {
        let scratch = try Scratch()
        try scratch.run("INSERT INTO registry (revision) VALUES (7)")
        let before = try scratch.dump()
        try scratch.database.migrate()
        #expect(try scratch.dump() == before)
        #expect(try scratch.number("SELECT sum(revision) FROM registry") == 7)
    }

    /// Of keys that differ in case only, one keeps the address and the others are found by their
    /// exact key.
    @Test func olderLinksAreFoundWhateverTheirCase() throws {
        let scratch = try Scratch(isMigrated: false)
        try scratch.database.migrate(Array(Migration.all.prefix(1)))
        try scratch.run(
            """
            INSERT INTO workspace (id, slug, name, plan, allowed_hostnames, conflict_policy,
              created_at) VALUES ('w', 'w', 'W', 'pro', '', 'replay', 0)
            """)
        for (id, key) in [
            ("1", "Launch"), ("2", "launch"), ("3", "LAUNCH"), ("4", "Sale"), ("5", "SALE"),
            ("6", "aB3xY9z"), ("7", "_root"),
        ] {
            try scratch.run(
                """
                INSERT INTO link (id, workspace_id, domain, key, url, created_at, updated_at,
                  track_conversion, archived, do_index, public_stats)
                VALUES ('\(id)', 'w', 'go.test', '\(key)', 'https://a.test', 0, 0, 0, 0, 0, 0)
                """)
        }
        try scratch.database.migrate()
        for (key, id) in [
            ("Launch", "1"), ("launch", "2"), ("LAUNCH", "3"), ("lAUNCH", "2"), ("Sale", "4"),
            ("SALE", "5"), ("sale", "4"), ("sALE", "4"), ("aB3xY9z", "6"), ("ab3xy9z", "6"),
            ("_root", "7"),
        ] {
            let link = try scratch.database.write {
                try $0.link(.address(domain: "go.test", key: key))
            }
            #expect(link?.id.text == id, "\(key)")
        }
    }

    @Test func aNewerSchemaIsRefusedInClearText() throws {
        let scratch = try Scratch()
        try scratch.run("INSERT INTO schema_migration VALUES (999, 'later', 0)")
        let known = Int64(Migration.all.count)
        let error = #expect(throws: MigrationError.self) { try scratch.database.migrate() }
        #expect(error == .newerSchema(found: 999, known: known))
        #expect(error?.description.contains("schema version 999") == true)
        #expect(error?.description.contains("newer version of tribute") == true)
    }

    @Test func anEditedStepIsRefusedInClearText() throws {
        let scratch = try Scratch()
        try scratch.run("UPDATE schema_migration SET checksum = checksum + 1 WHERE version = 1")
        let error = #expect(throws: MigrationError.self) { try scratch.database.migrate() }
        #expect(error == .editedStep(version: 1, name: "start"))
        #expect(error?.description.contains("Migration 1 (start)") == true)
    }

    @Test(.enabled(if: Engine.isSQLite)) func aFileThatIsNoDatabaseIsRefused() throws {
        let scratch = try Scratch(isMigrated: false)
        #expect(throws: SQLError.self) { try SQLiteDatabase(path: "\(scratch.path)/none/t.db") }
    }

    /// Without FULL a commit does not reach the disk before it is answered.
    @Test(.enabled(if: Engine.isSQLite)) func theWriterSyncsEachCommit() throws {
        let scratch = try Scratch()
        let database = try #require(scratch.database as? SQLiteDatabase)
        #expect(try database.synchronousMode() == 2)
        try scratch.run("INSERT INTO registry (revision) VALUES (7)")
        #expect(try database.synchronousMode() == 2)
        #expect(try scratch.rows("PRAGMA journal_mode").first?.text(0) == "wal")
        #expect(try scratch.number("PRAGMA foreign_keys") == 1)
    }
}
