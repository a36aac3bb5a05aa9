import Ledger
import Synchronization

/// Runs the ledger's statements in one transaction of a session. What is only executed is sent
/// along with the next question, or with the commit: a batch takes as many round trips as the
/// ledger has questions that depend on each other, whatever its size.
final class PostgresTransaction: SQLTransaction {
    private let connection: PostgresConnection
    private let forms: StatementForms

    init(_ connection: PostgresConnection, _ forms: StatementForms) {
        (self.connection, self.forms) = (connection, forms)
    }

    private static let postgres = Dialect(
        integerType: "BIGINT",
        // By bytes, as SQLite compares: neither the order of pages nor what is the same name
        // depends on where the server stands.
        textType: "TEXT COLLATE \"C\"",
        tableSuffix: "", clusteredTableSuffix: "",
        columnsOfTable: """
            SELECT column_name FROM information_schema.columns
            WHERE table_name = ?1 AND table_schema = current_schema() ORDER BY ordinal_position
            """)

    var dialect: Dialect { Self.postgres }

    func run(script: String) throws {
        for statement in script.split(separator: ";") {
            _ = try connection.askOnce(String(statement))
        }
        try connection.roundTrip()
    }

    func lock(_ scope: LockScope) throws {
        switch scope {
        case .schema:
            try takeTime()
            _ = try connection.askOnce("LOCK TABLE schema_migration IN EXCLUSIVE MODE")
        case .everything:
            try takeTime()
            // Every writer locks one of these first.
            _ = try connection.askOnce("LOCK TABLE registry, workspace IN EXCLUSIVE MODE")
        case .workspaces(let names):
            // In one order for everybody, so that two writers never wait for each other.
            if names.registry { _ = try connection.ask(Self.lockRegistry, []) }
            let lists = [names.ids, names.slugs, names.linkIDs].map { names in
                Argument.array(
                    ArrayArgument(element: .text, values: names.map { [.text($0)] }, column: 0))
            }
            _ = try connection.ask(Self.lockWorkspaces, lists)
            let marked = try connection.ask("SELECT 1 WHERE \(Self.isMarked)", [])
            // Whoever holds them may take a while: the ledger goes on when they are its own.
            try connection.roundTrip()
            if !marked.rows.isEmpty { throw Self.moved }
        }
    }

    /// Indexes of large tables, and copies of them, are made in a day at most.
    private func takeTime() throws {
        let seconds = 24 * 60 * 60
        connection.answerSeconds = seconds
        for name in ["statement_timeout", "idle_in_transaction_session_timeout"] {
            _ = try connection.askOnce("SET LOCAL \(name) = '\(seconds)s'")
        }
    }

    /// Whether the table of `MoveMark` is there.
    static let isMarked = "to_regclass(quote_ident(current_schema()) || '.move') IS NOT NULL"
    static let moved = SQLError.unavailable(
        "a move has marked this database; start `tribute serve` anew, and it says what to do")

    private static let lockRegistry = "SELECT 1 FROM registry FOR UPDATE"
    private static let lockWorkspaces = """
        SELECT 1 FROM workspace WHERE id IN (
          SELECT unnest($1::text[])
          UNION ALL SELECT id FROM workspace WHERE slug IN (SELECT unnest($2::text[]))
          UNION ALL SELECT workspace_id FROM link WHERE id IN (SELECT unnest($3::text[])))
        ORDER BY id FOR UPDATE
        """

    func query(_ statement: SQLStatement, each arguments: [[SQLValue]]) throws -> [[SQLRow]] {
        try query([SQLQuestion(statement: statement, arguments: arguments)])[0]
    }

    func query(_ questions: [SQLQuestion]) throws -> [[[SQLRow]]] {
        let asked = try questions.map { question in
            try self.ask(question.statement, each: question.arguments.map { $0.map(sought) })
        }
        try connection.roundTrip()
        return try asked.map { try $0.results() }
    }

    /// What was asked with the same statement, answered after the round trip.
    private enum Asked {
        case together(PostgresConnection.RowBox, count: Int)
        case alone([PostgresConnection.RowBox])

        /// The rows of each run.
        func results() throws -> [[SQLRow]] {
            switch self {
            case .alone(let boxes): return boxes.map(\.rows)
            case .together(let box, let count):
                var results = Array(repeating: [SQLRow](), count: count)
                for row in box.rows {
                    let index = Int(try row.integer(0)) - 1
                    results[index].append(SQLRow(Array(row.values.dropFirst())))
                }
                return results
            }
        }
    }

    private func ask(_ statement: SQLStatement, each arguments: [[SQLValue]]) throws -> Asked {
        if arguments.count > 1, let form = try form(statement) {
            let box = try connection.ask(form.sql, form.arguments(arguments))
            return .together(box, count: arguments.count)
        }
        return .alone(try arguments.map { try ask(statement, $0) })
    }

    func execute(_ statement: SQLStatement, each arguments: [[SQLValue]]) throws {
        _ = try ask(statement, each: arguments)
    }

    /// The server has no texts with NUL and refuses to look for one: what can't be there is looked
    /// for under a name that nothing has.
    private func sought(_ value: SQLValue) -> SQLValue {
        guard case .text(let text) = value, text.utf8.contains(0) else { return value }
        return .text(Self.nothing)
    }
    private static let nothing = "\u{1}\(UInt64.random(in: .min ... .max))"

    private func ask(
        _ statement: SQLStatement, _ arguments: [SQLValue]
    ) throws -> PostgresConnection.RowBox {
        let sql = forms.numbered(statement)
        let arguments = arguments.map(Argument.init)
        return try statement.isConstant
            ? connection.ask(sql, arguments) : connection.askOnce(sql, arguments)
    }

    private func form(_ statement: SQLStatement) throws -> SetForm? {
        if let known = forms.known(statement) { return known }
        let box = try connection.askTypes(of: forms.numbered(statement))
        try connection.roundTrip()
        return forms.learn(statement, types: box.types)
    }
}

/// How the ledger's statements are spelled here. The same for every session.
final class StatementForms: Sendable {
    private struct State {
        var numbered: [String: String] = [:]
        var sets: [String: SetForm?] = [:]
    }
    private let state = Mutex(State())

    /// With `$1` for `?1`.
    func numbered(_ statement: SQLStatement) -> String {
        guard statement.isConstant else { return spelled(statement.sql) }
        return state.withLock { state in
            if let known = state.numbered[statement.sql] { return known }
            let sql = spelled(statement.sql)
            state.numbered[statement.sql] = sql
            return sql
        }
    }

    private func spelled(_ sql: String) -> String {
        sql.replacing(" LIKE ", with: " ILIKE ").replacingPlaces { "$\($0)" }
    }

    /// nil: not known yet. `.some(nil)`: it has no form for many rows.
    func known(_ statement: SQLStatement) -> SetForm?? {
        if statement.kind == .other || !statement.isConstant { return .some(nil) }
        return state.withLock { $0.sets[statement.sql] }
    }

    func learn(_ statement: SQLStatement, types: [UInt32]) -> SetForm? {
        let form = SetForm(statement, types: types)
        state.withLock { $0.sets[statement.sql] = .some(form) }
        return form
    }
}
