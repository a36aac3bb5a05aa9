import Attribution

/// The whole seam between the ledger and a database engine. Whatever implements it runs the same
/// statements; there is one store, not one for each engine.
package protocol SQLDatabase: Sendable {
    /// Runs the body in one transaction that excludes other writers, and returns once it is
    /// durable. Blocks; called on the ledger's own commit thread (and by migrations at start).
    func write<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value
    /// Runs the body on a consistent snapshot, away from the caller's thread.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLTransaction) throws -> Value
    ) async throws -> Value
    /// A number that changes whenever tokens, workspaces, domains or links did, whichever process
    /// changed them. Takes microseconds: it is asked for each request.
    func registryRevision() throws -> Int64
}

/// Runs statements within one transaction. Synchronous on purpose: nothing else can come between
/// two statements.
package protocol SQLTransaction {
    var dialect: Dialect { get }
    /// One list of rows for each list of arguments, in their order. An engine with a network in
    /// between sends them all at once.
    func query(_ statement: SQLStatement, each arguments: [[SQLValue]]) throws -> [[SQLRow]]
    func execute(_ statement: SQLStatement, each arguments: [[SQLValue]]) throws
    /// Runs statements without arguments: schema changes.
    func run(script: String) throws
}

extension SQLTransaction {
    package func rows(_ statement: SQLStatement, _ arguments: [SQLValue] = []) throws -> [SQLRow] {
        try query(statement, each: [arguments]).first ?? []
    }
}

/// A statement with `?1`, `?2` for its arguments, spelled so that every engine understands it.
/// Engines prepare each once per connection: make it a constant.
package final class SQLStatement: Sendable {
    package let sql: String
    package init(_ sql: String) { self.sql = sql }
}

/// Where the engines' languages differ.
package struct Dialect: Sendable {
    /// The column type of 64-bit integers.
    package let integerType: String
    /// What follows a table's closing parenthesis.
    package let tableSuffix: String
    /// The same for a table whose rows stand in the order of its primary key.
    package let clusteredTableSuffix: String
    package init(integerType: String, tableSuffix: String, clusteredTableSuffix: String) {
        (self.integerType, self.tableSuffix) = (integerType, tableSuffix)
        self.clusteredTableSuffix = clusteredTableSuffix
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
