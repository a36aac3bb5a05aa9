import Attribution

/// The whole seam between the ledger and a database engine. Whatever implements it runs the same
/// statements; there is one store, not one for each engine.
package protocol SQLDatabase: Sendable {
    /// Runs the body in one transaction, and returns once it is durable. Of what it has locked,
    /// nobody else changes anything until then. The body may be run again, from its start, if
    /// another writer was in its way. Blocks; called on a thread of the ledger's own (and by
    /// migrations at start).
    ///
    /// - Throws: `SQLError`, or what the body throws: nothing was changed. `unavailable` may also
    ///   mean that nobody knows.
    func write<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value
    /// Runs the body on a consistent snapshot, away from the caller's thread.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLTransaction) throws -> Value
    ) async throws -> Value
    /// A number that changes whenever tokens, workspaces, domains or links did, whichever process
    /// changed them: what was answered before the question is counted. Asked for each request.
    func registryRevision() async throws -> Int64
    /// The same without waiting, or nil if it can't be told at once; no function: it never can.
    var registryNow: (@Sendable () -> Int64?)? { get }
    /// Whether other nodes serve the same records: they may be asked about what this one is about
    /// to commit.
    var hasOtherNodes: Bool { get }
    /// The same database, if it has one writer.
    var singleWriter: (any SingleWriterDatabase)? { get }
    /// Ends what is open; nothing is asked afterwards.
    func close() throws
}

extension SQLDatabase {
    package var singleWriter: (any SingleWriterDatabase)? { nil }
    package var registryNow: (@Sendable () -> Int64?)? { nil }
    package var hasOtherNodes: Bool { false }
}

/// An engine with one writer: what was written before a transaction is known, and what is there
/// can be looked at while another one is being written.
package protocol SingleWriterDatabase: SQLDatabase {
    /// Runs the body on a consistent snapshot of what has been committed, on the caller's thread.
    func readHere<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value
}

/// Runs statements within one transaction. Synchronous on purpose: nothing else can come between
/// two statements.
package protocol SQLTransaction {
    var dialect: Dialect { get }
    /// nil if the engine can't tell whether others have written.
    var history: WriteHistory? { get }
    /// Waits until nobody else writes to this, and keeps others from it until the transaction ends.
    /// Asked first, and once: what is read afterwards stays so.
    ///
    /// - Throws: `SQLError.unavailable` for workspaces where a move's mark is (`MoveMark`) and
    ///   others may be at work: one that was started before, or beside it, must not go on.
    func lock(_ scope: LockScope) throws
    /// One list of rows for each list of arguments, in their order. An engine with a network in
    /// between sends them all at once.
    func query(_ statement: SQLStatement, each arguments: [[SQLValue]]) throws -> [[SQLRow]]
    /// Several at once, of which none depends on another: the results in their order.
    func query(_ questions: [SQLQuestion]) throws -> [[[SQLRow]]]
    func execute(_ statement: SQLStatement, each arguments: [[SQLValue]]) throws
    /// Runs statements without arguments: schema changes.
    func run(script: String) throws
}

/// What was written to a database before a transaction.
package struct WriteHistory: Equatable, Sendable {
    /// Changes whenever others have written.
    package let others: Int64
    /// How many transactions this program has begun to write, the present one included.
    package let own: Int64
    package init(others: Int64, own: Int64) { (self.others, self.own) = (others, own) }

    /// Whether nothing was written between the two.
    package func follows(_ other: WriteHistory) -> Bool {
        others == other.others && own == other.own + 1
    }
}

/// A statement and a list of arguments for each of its runs.
package struct SQLQuestion {
    package let statement: SQLStatement
    package let arguments: [[SQLValue]]
    package init(statement: SQLStatement, arguments: [[SQLValue]]) {
        (self.statement, self.arguments) = (statement, arguments)
    }
}

extension SQLTransaction {
    package var history: WriteHistory? { nil }

    package func query(_ questions: [SQLQuestion]) throws -> [[[SQLRow]]] {
        try questions.map { try query($0.statement, each: $0.arguments) }
    }

    package func rows(_ statement: SQLStatement, _ arguments: [SQLValue] = []) throws -> [SQLRow] {
        try query(statement, each: [arguments]).first ?? []
    }
}

/// What a transaction may change. An engine with one writer has nothing to do.
package enum LockScope: Sendable {
    /// The tables themselves.
    case schema
    /// All records, for as long as it takes.
    case everything
    /// Records of workspaces, by their ids, their slugs and the ids of their links.
    case workspaces(WorkspaceNames)
}

package struct WorkspaceNames: Equatable, Sendable {
    package var ids: Set<String> = []
    package var slugs: Set<String> = []
    package var linkIDs: Set<String> = []
    /// And what all workspaces share: domains, addresses of links, slugs, tokens.
    package var registry = false
    package init() {}
}

/// A statement with `?1`, `?2` for its arguments, spelled so that every engine understands it.
/// `LIKE` takes no notice of the case of ASCII letters.
package final class SQLStatement: Sendable {
    package enum Kind: Sendable {
        case read
        /// One row of values, and nothing about others.
        case plainInsert
        /// Each list of arguments of an `each` is about a row of its own.
        case updateOfOwnRow
        case other
    }

    package let sql: String
    package let kind: Kind
    /// Engines prepare it once per connection.
    package let isConstant: Bool

    package init(_ sql: String) {
        (self.sql, isConstant) = (sql, true)
        kind = Self.kind(of: sql)
    }

    /// An update whose lists of arguments are about a row each, so that an engine may run them
    /// together.
    package init(updateOfOwnRow sql: String) {
        (self.sql, isConstant, kind) = (sql, true, .updateOfOwnRow)
    }

    /// A statement that was put together for one question.
    package init(once sql: String) {
        (self.sql, isConstant, kind) = (sql, false, .other)
    }

    private static func kind(of sql: String) -> Kind {
        if sql.hasPrefix("SELECT") { return .read }
        return sql.hasPrefix("INSERT") && sql.contains("VALUES (") ? .plainInsert : .other
    }
}

/// Where the engines' languages differ.
package struct Dialect: Sendable {
    /// The column type of 64-bit integers.
    package let integerType: String
    /// The column type of texts, which are compared by their bytes.
    package let textType: String
    /// What follows a table's closing parenthesis.
    package let tableSuffix: String
    /// The same for a table whose rows stand in the order of its primary key.
    package let clusteredTableSuffix: String
    /// Asks for the names of a table's columns, in their order.
    package let columnsOfTable: SQLStatement
    package init(
        integerType: String, textType: String, tableSuffix: String, clusteredTableSuffix: String,
        columnsOfTable: String
    ) {
        (self.integerType, self.textType) = (integerType, textType)
        (self.tableSuffix, self.clusteredTableSuffix) = (tableSuffix, clusteredTableSuffix)
        self.columnsOfTable = SQLStatement(columnsOfTable)
    }
}

package enum SQLValue: Equatable, Sendable {
    case null
    case integer(Int64)
    case text(String)
}

extension SQLValue {
    package init(_ text: String?) { self = text.map(SQLValue.text) ?? .null }
    package init(_ moment: Timestamp?) {
        self = moment.map { .integer($0.milliseconds) } ?? .null
    }
    package init<Record>(_ id: ID<Record>?) { self = id.map { .text($0.text) } ?? .null }
    package init(_ flag: Bool) { self = .integer(flag ? 1 : 0) }
}

/// One row of a result; columns count from 0. A column of another type than asked for means that
/// the file is not what this program wrote.
package struct SQLRow: Sendable {
    package let values: [SQLValue]
    package init(_ values: [SQLValue]) { self.values = values }

    package func text(_ column: Int) throws -> String {
        guard case .text(let text) = values[column] else { throw mismatch(column, "text") }
        return text
    }
    package func optionalText(_ column: Int) throws -> String? {
        values[column] == .null ? nil : try text(column)
    }
    package func integer(_ column: Int) throws -> Int64 {
        guard case .integer(let number) = values[column] else { throw mismatch(column, "integer") }
        return number
    }
    package func optionalInteger(_ column: Int) throws -> Int64? {
        values[column] == .null ? nil : try integer(column)
    }
    package func moment(_ column: Int) throws -> Timestamp {
        Timestamp(milliseconds: try integer(column))
    }
    package func optionalMoment(_ column: Int) throws -> Timestamp? {
        try optionalInteger(column).map(Timestamp.init(milliseconds:))
    }
    package func flag(_ column: Int) throws -> Bool { try integer(column) != 0 }
    package func id<Record>(_ column: Int) throws -> ID<Record> { ID(try text(column)) }
    package func optionalID<Record>(_ column: Int) throws -> ID<Record>? {
        try optionalText(column).map { ID($0) }
    }
    /// A column that holds one of an enumeration's raw values.
    package func option<Value: RawRepresentable<String>>(
        _ column: Int, _ type: Value.Type = Value.self
    ) throws -> Value {
        guard let value = Value(rawValue: try text(column)) else {
            throw mismatch(column, "\(type)")
        }
        return value
    }

    private func mismatch(_ column: Int, _ type: String) -> SQLError {
        .corrupt("column \(column) is not \(type)")
    }
}

/// What an engine throws. The details are for the log; answers never carry them.
package enum SQLError: Error, Equatable {
    /// A constraint of the schema refused a row: the paired check of a rule that failed.
    case constraint(String)
    /// The database can't be used now: not writable, connection lost.
    case unavailable(String)
    /// There is no room for what was to be written.
    case full(String)
    /// Others have used it for longer than a write waits.
    case busy(String)
    /// The disk could not read or write: what was not committed before may or may not be there.
    case failedDisk(String)
    /// The file holds what this program did not write.
    case corrupt(String)
    case other(String)

    /// Whether the same request may succeed later.
    package var isPassing: Bool {
        switch self {
        // A read that the disk has failed may look like damage.
        case .unavailable, .full, .busy, .failedDisk, .corrupt: true
        case .constraint, .other: false
        }
    }

    /// What the engine said.
    package var detail: String {
        switch self {
        case .constraint(let detail), .unavailable(let detail), .full(let detail),
            .busy(let detail), .failedDisk(let detail), .corrupt(let detail), .other(let detail):
            detail
        }
    }
}
