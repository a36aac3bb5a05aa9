import GRDB
import GRDBSQLite
import Ledger

/// Runs the ledger's statements on SQLite's own interface: the library prepares and caches them,
/// binding and stepping go straight to C, because that is what the server does all day.
struct SQLiteTransaction: SQLTransaction {
    let connection: Database
    var history: WriteHistory?

    private static let sqlite = Dialect(
        integerType: "INTEGER", textType: "TEXT", tableSuffix: "STRICT",
        clusteredTableSuffix: "WITHOUT ROWID, STRICT",
        columnsOfTable: "SELECT name FROM pragma_table_info(?1)")

    var dialect: Dialect { Self.sqlite }

    /// There is one writer.
    func lock(_ scope: LockScope) {}

    func run(script: String) throws { try connection.execute(sql: script) }

    func query(_ statement: SQLStatement, each arguments: [[SQLValue]]) throws -> [[SQLRow]] {
        guard !arguments.isEmpty else { return [] }
        let prepared = try prepare(statement)
        var results: [[SQLRow]] = []
        results.reserveCapacity(arguments.count)
        try run(prepared, each: arguments) {
            var rows: [SQLRow] = []
            while try step(prepared) { rows.append(row(prepared)) }
            results.append(rows)
        }
        return results
    }

    func execute(_ statement: SQLStatement, each arguments: [[SQLValue]]) throws {
        guard !arguments.isEmpty else { return }
        let prepared = try prepare(statement)
        try run(prepared, each: arguments) {
            while try step(prepared) {}
        }
    }

    /// Binds one list of arguments after the other. The bytes of a list's texts lie side by side
    /// in one buffer for as long as the statement runs, so that SQLite need not copy each.
    private func run(
        _ prepared: OpaquePointer, each arguments: [[SQLValue]], _ body: () throws -> Void
    ) throws {
        var texts: [UInt8] = []
        for list in arguments {
            texts.removeAll(keepingCapacity: true)
            for case .text(let text) in list { texts.append(contentsOf: text.utf8) }
            try texts.withUnsafeBufferPointer { bytes in
                defer { sqlite3_reset(prepared) }
                try bind(list, bytes, to: prepared)
                try body()
            }
        }
    }

    /// Runs the body in a transaction of its own. Its own statements are prepared once, like the
    /// others.
    mutating func committing<Value>(
        _ body: (inout SQLiteTransaction) throws -> Value
    ) throws -> Value {
        try execute(Self.begin, each: [[]])
        do {
            let value = try body(&self)
            try execute(Self.commit, each: [[]])
            return value
        } catch {
            // Of some errors SQLite has rolled back by itself.
            if connection.isInsideTransaction { try? execute(Self.rollback, each: [[]]) }
            throw error
        }
    }

    private static let begin = SQLStatement("BEGIN IMMEDIATE")
    private static let commit = SQLStatement("COMMIT")
    private static let rollback = SQLStatement("ROLLBACK")

    /// Another number whenever another connection has committed.
    func dataVersion() throws -> Int64 {
        try rows(Self.dataVersion).first?.integer(0) ?? -1
    }

    private static let dataVersion = SQLStatement("PRAGMA data_version")

    private func prepare(_ statement: SQLStatement) throws -> OpaquePointer {
        try connection.cachedStatement(sql: statement.sql).sqliteStatement
    }

    /// True while there are rows.
    private func step(_ prepared: OpaquePointer) throws -> Bool {
        switch sqlite3_step(prepared) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw failure()
        }
    }

    private func bind(
        _ values: [SQLValue], _ texts: UnsafeBufferPointer<UInt8>, to prepared: OpaquePointer
    ) throws {
        var offset = 0
        for index in values.indices {
            let place = Int32(index + 1)
            let code: Int32
            switch values[index] {
            case .null: code = sqlite3_bind_null(prepared, place)
            case .integer(let number): code = sqlite3_bind_int64(prepared, place, number)
            case .text(let text):
                let count = text.utf8.count
                code = bindText(texts, offset, count, prepared, place)
                offset += count
            }
            guard code == SQLITE_OK else { throw failure() }
        }
    }

    /// Without a destructor: the bytes stay where they are while the statement runs.
    private func bindText(
        _ texts: UnsafeBufferPointer<UInt8>, _ offset: Int, _ count: Int,
        _ prepared: OpaquePointer, _ place: Int32
    ) -> Int32 {
        // An empty text is not NULL; its address does not matter.
        guard let start = texts.baseAddress else {
            return sqlite3_bind_text(prepared, place, "", 0, transient)
        }
        return (start + offset).withMemoryRebound(to: CChar.self, capacity: count) {
            sqlite3_bind_text(prepared, place, $0, Int32(count), nil)
        }
    }

    private func row(_ prepared: OpaquePointer) -> SQLRow {
        let count = sqlite3_column_count(prepared)
        var values: [SQLValue] = []
        values.reserveCapacity(Int(count))
        for column in 0..<count {
            switch sqlite3_column_type(prepared, column) {
            case SQLITE_INTEGER: values.append(.integer(sqlite3_column_int64(prepared, column)))
            case SQLITE_TEXT: values.append(.text(text(prepared, column)))
            default: values.append(.null)
            }
        }
        return SQLRow(values)
    }

    private func text(_ prepared: OpaquePointer, _ column: Int32) -> String {
        guard let start = sqlite3_column_text(prepared, column) else { return "" }
        let count = Int(sqlite3_column_bytes(prepared, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    private func failure() -> SQLError {
        let error = GRDB.DatabaseError(
            resultCode: .init(rawValue: sqlite3_extended_errcode(connection.sqliteConnection)),
            message: connection.sqliteConnection.map { String(cString: sqlite3_errmsg($0)) })
        return SQLError(error)
    }
}

/// SQLite copies what is bound.
private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
