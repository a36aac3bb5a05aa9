import GRDB
import GRDBSQLite
import Ledger

extension SQLiteFile {
    /// What is wrong with the file as SQLite sees it: pages, indexes against their tables,
    /// references, texts that are no texts. Empty if nothing is. Reads all of the file.
    package func damages() async throws -> [String] {
        try await reading { connection in
            let pages = try Self.brokenPages(connection)
            let references = try String.fetchAll(
                connection,
                sql: """
                    SELECT 'a row of ' || "table" || ' names one of ' || parent
                      || ' that is not there' FROM pragma_foreign_key_check() LIMIT 100
                    """)
            let found = pages + references
            return found.isEmpty ? try Self.brokenTexts(connection) : found
        }
    }

    /// What SQLite finds, up to a hundred things.
    ///
    /// Version 3.40 takes values for NULL in tables whose rows stand in the order of a primary key
    /// that is not at their beginning (`link_tag`): what it says of NULL is looked at again.
    private static func brokenPages(_ connection: Database) throws -> [String] {
        let prefix = "NULL value in "
        var (found, places) = ([String](), Set<String>())
        let lines = try String.fetchCursor(
            connection, sql: "PRAGMA integrity_check(\(Int32.max))")
        while found.count < 100, let line = try lines.next() {
            if line.hasPrefix(prefix) {
                places.insert(String(line.dropFirst(prefix.count)))
            } else if line != "ok" {
                found.append(line)
            }
        }
        for place in places.sorted() {
            let parts = place.split(separator: ".").map(String.init)
            guard parts.count == 2 else { continue }
            let (table, column) = (parts[0].quotedDatabaseIdentifier, parts[1])
            // `IS NULL` would be taken for false: the column is declared to have none.
            let count = try Int.fetchOne(
                connection,
                sql: """
                    SELECT count(*) FROM \(table) NOT INDEXED
                    WHERE typeof(\(column.quotedDatabaseIdentifier)) = 'null'
                    """)
            if let count, count > 0 { found.append("\(count) values of \(place) are missing") }
        }
        return found
    }

    /// A byte that was changed within a text often leaves it no text: SQLite itself does not look.
    private static func brokenTexts(_ connection: Database) throws -> [String] {
        let tables = try String.fetchAll(
            connection,
            sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return try tables.flatMap { table in
            try brokenTexts(connection, table: table).map { column, count in
                "\(count) values of \(table).\(column) are not valid text"
            }
        }
    }

    private static func brokenTexts(
        _ connection: Database, table: String
    ) throws -> [(column: String, count: Int)] {
        let statement = try connection.makeStatement(sql: "SELECT * FROM \"\(table)\"")
        let columns = statement.columnNames
        let json = columns.firstIndex(of: "metadata")
        var counts = [Int](repeating: 0, count: columns.count)
        let rows = try Row.fetchCursor(statement)
        while try rows.next() != nil {
            for column in columns.indices {
                let isText = isText(statement.sqliteStatement, Int32(column))
                if !isText { counts[column] += 1 }
            }
        }
        if let json, counts[json] == 0 {
            counts[json] =
                try Int.fetchOne(
                    connection,
                    sql: """
                        SELECT count(*) FROM "\(table)"
                        WHERE metadata IS NOT NULL AND NOT json_valid(metadata)
                        """) ?? 0
        }
        return zip(columns, counts).filter { $0.1 > 0 }.map { ($0.0, $0.1) }
    }

    /// Whether a value that should be a text is one; other values are what they are.
    private static func isText(_ statement: OpaquePointer, _ column: Int32) -> Bool {
        guard sqlite3_column_type(statement, column) == SQLITE_TEXT,
            let start = sqlite3_column_text(statement, column)
        else { return true }
        let count = Int(sqlite3_column_bytes(statement, column))
        let bytes = UnsafeBufferPointer(start: start, count: count)
        return String(validating: bytes, as: UTF8.self) != nil
    }
}
