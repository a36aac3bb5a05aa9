import Foundation
import Ledger
import SQLiteEngine
import Simulation
import Testing

/// SQLITE_FULL.
private let sqliteFull: Int32 = 13

/// A transaction's pages go to SQLite's log in one write, and nothing is missed that was held back.
@Suite(.enabled(if: Engine.isSQLite)) struct GatheredLogTests {
    @Test func aTransactionIsOneWriteToTheLog() async throws {
        let (database, disk) = try watched()
        try database.write { try $0.run(script: "CREATE TABLE pages (id INTEGER, text TEXT)") }
        // The second write to the log would fail.
        disk.arm(DiskFault(file: .log, operations: [.write], wait: 1, effect: .fails(sqliteFull)))
        try database.write { transaction in
            try transaction.run(
                script: """
                    INSERT INTO pages SELECT value, hex(randomblob(1000)) FROM \(numbers(40))
                    """)
        }
        #expect(disk.disarm() == 0, "there was no second one")
        let count = try await database.read {
            try $0.rows(SQLStatement(once: "SELECT count(*) FROM pages"))
        }
        #expect(try count.first?.integer(0) == 40)
        try database.close()
        disk.detach()
    }

    /// A transaction that is larger than SQLite's cache writes pages before it commits, and reads
    /// them again.
    @Test func pagesThatAreHeldAreReadAgain() async throws {
        let (database, disk) = try watched()
        let count = 20_000
        try database.write { try $0.run(script: "CREATE TABLE pages (id INTEGER, text TEXT)") }
        try database.write { transaction in
            try transaction.run(
                script: """
                    PRAGMA cache_size = 20;
                    INSERT INTO pages SELECT value, hex(randomblob(100)) FROM \(numbers(count));
                    UPDATE pages SET text = text || id WHERE id % 3 = 0;
                    UPDATE pages SET text = id WHERE id % 5 = 0
                    """)
            let within = try transaction.rows(Self.sums)
            #expect(try within.first?.integer(0) == Int64(count))
        }
        let outside = try await database.read { try $0.rows(Self.sums) }
        #expect(try outside.first?.integer(0) == Int64(count))
        #expect(try outside.first?.integer(1) == Int64(count / 5))
        let check = try await database.read {
            try $0.rows(SQLStatement(once: "PRAGMA integrity_check"))
        }
        #expect(try check.first?.text(0) == "ok")
        try database.close()
        disk.detach()
    }

    /// A disk that refuses what was held fails the commit, and the transaction is undone.
    @Test func aRefusedWriteUndoesTheTransaction() async throws {
        let (database, disk) = try watched()
        try database.write { try $0.run(script: "CREATE TABLE pages (id INTEGER, text TEXT)") }
        disk.arm(DiskFault(file: .log, operations: [.write], wait: 0, effect: .fails(sqliteFull)))
        #expect(throws: SQLError.self) {
            try database.write { try $0.run(script: "INSERT INTO pages VALUES (1, 'lost')") }
        }
        #expect(disk.disarm() == 1)
        try database.write { try $0.run(script: "INSERT INTO pages VALUES (2, 'kept')") }
        let rows = try await database.read {
            try $0.rows(SQLStatement(once: "SELECT id FROM pages"))
        }
        #expect(try rows.map { try $0.integer(0) } == [2])
        try database.close()
        disk.detach()
    }

    /// What was written before a rollback never comes after what others have written in its place.
    @Test func aTransactionThatIsRolledBackLeavesNothing() async throws {
        let (database, disk) = try watched()
        let other = try SQLiteDatabase(path: disk.directory + "/t.db")
        try database.write { try $0.run(script: "CREATE TABLE pages (id INTEGER, text TEXT)") }
        for round in 0..<20 {
            #expect(throws: Rollback.self) {
                try database.write { transaction in
                    try transaction.run(
                        script: """
                            PRAGMA cache_size = 10;
                            INSERT INTO pages SELECT value, hex(randomblob(300))
                              FROM \(numbers(100 + round * 7))
                            """)
                    throw Rollback()
                }
            }
            try other.write { transaction in
                try transaction.run(
                    script: "INSERT INTO pages VALUES (-1, hex(randomblob(\(900 * round))))")
            }
            let rows = try await database.read {
                try $0.rows(SQLStatement(once: "SELECT count(*), min(id), max(id) FROM pages"))
            }
            #expect(try rows.first?.integer(0) == Int64(round + 1))
        }
        let check = try await database.read {
            try $0.rows(SQLStatement(once: "PRAGMA integrity_check"))
        }
        #expect(try check.first?.text(0) == "ok")
        try other.close()
        try database.close()
        disk.detach()
    }

    private struct Rollback: Error {}

    private static let sums = SQLStatement(
        once: "SELECT count(*), sum(text = id), sum(length(text)) FROM pages")

    private func numbers(_ count: Int) -> String {
        """
        (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n
          WHERE value < \(count)) SELECT value FROM n)
        """
    }

    private func watched() throws -> (SQLiteDatabase, Disk) {
        let directory = FileManager.default.temporaryDirectory
            .resolvingSymlinksInPath().appendingPathComponent("tribute-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let disk = Disk(directory: directory.path, seed: 1)
        return (try SQLiteDatabase(path: directory.appendingPathComponent("t.db").path), disk)
    }
}
