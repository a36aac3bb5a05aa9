import Attribution
import GRDBSQLite
import Ledger

/// The statements of a sale on SQLite's own interface, prepared once, in one transaction: what
/// storing sales costs without facts, decisions or this program's engine.
final class RawSales {
    /// The arguments of a sale's statements, laid out beforehand.
    struct Row {
        fileprivate enum Value {
            case null
            case integer(Int64)
            /// In `texts`.
            case text(offset: Int, count: Int)
        }
        fileprivate private(set) var texts: [UInt8] = []
        fileprivate private(set) var statements: [[Value]] = []
    }

    private let connection: OpaquePointer?
    private var statements: [OpaquePointer?] = []

    /// - Parameter path: of a file with the schema, which nobody else writes to.
    init(path: String) throws {
        var connection: OpaquePointer?
        let code = sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE, nil)
        self.connection = connection
        try check(code)
        // As the server has them; the log is moved between two rounds.
        try run(
            """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
            PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0
            """)
        statements = try Self.texts.map { text in
            var statement: OpaquePointer?
            try check(sqlite3_prepare_v2(connection, text, -1, &statement, nil))
            return statement
        }
    }

    deinit {
        for statement in statements { sqlite3_finalize(statement) }
        sqlite3_close_v2(connection)
    }

    private static let texts = [
        """
        INSERT INTO sale (id, workspace_id, customer_id, link_id, click_id, lead_id, event_name,
          at, amount, currency, base_amount, payment_processor, invoice_id, metadata,
          previous_sale_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
        """,
        """
        UPDATE customer SET sales = sales + 1, sale_amount = sale_amount + ?3, last_sale_id = ?4
        WHERE workspace_id = ?1 AND external_id = ?2
        """,
        "UPDATE link SET sales = sales + 1, sale_amount = sale_amount + ?2 WHERE id = ?1",
        "UPDATE workspace SET sales = sales + 1, sale_amount = sale_amount + ?2 WHERE id = ?1",
    ]

    func commit(_ rows: ArraySlice<Row>) throws {
        try run("BEGIN IMMEDIATE")
        for row in rows {
            try row.texts.withUnsafeBufferPointer { texts in
                for (statement, values) in zip(statements, row.statements) {
                    try run(statement, values, texts)
                }
            }
        }
        try run("COMMIT")
    }

    private func run(
        _ statement: OpaquePointer?, _ values: [Row.Value], _ texts: UnsafeBufferPointer<UInt8>
    ) throws {
        for (index, value) in values.enumerated() {
            let place = Int32(index + 1)
            switch value {
            case .null: try check(sqlite3_bind_null(statement, place))
            case .integer(let number): try check(sqlite3_bind_int64(statement, place, number))
            case .text(let offset, let count):
                // The texts stay where they are while the statement runs.
                try UnsafeRawBufferPointer(texts)[offset..<offset + count]
                    .withMemoryRebound(to: CChar.self) {
                        try check(
                            sqlite3_bind_text(
                                statement, place, $0.baseAddress, Int32(count), nil))
                    }
            }
        }
        guard sqlite3_step(statement) == SQLITE_DONE, sqlite3_changes(connection) == 1 else {
            throw failure()
        }
        try check(sqlite3_reset(statement))
    }

    /// Moves the log into the file, so that the next transaction begins it anew.
    func moveLog() throws {
        try check(
            sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil))
    }

    private func run(_ script: String) throws {
        try check(sqlite3_exec(connection, script, nil, nil, nil))
    }

    private func check(_ code: Int32) throws { if code != SQLITE_OK { throw failure() } }

    private func failure() -> StageFailure {
        StageFailure("SQLite: \(String(cString: sqlite3_errmsg(connection)))")
    }
}

extension RawSales.Row {
    init(_ receipt: SaleReceipt) {
        let (sale, amount) = (receipt.sale, SQLValue.integer(receipt.sale.money.minorUnits))
        add([
            .init(sale.id), .init(sale.workspaceID), .init(sale.customerID), .init(sale.linkID),
            .init(sale.clickID), .init(sale.leadID), .text(sale.eventName), .init(sale.at),
            amount, .text(sale.money.currency.code), amount,
            .text(sale.paymentProcessor.rawValue), .init(sale.invoiceID), .init(sale.metadata),
            .init(sale.previousSaleID),
        ])
        add([
            .init(sale.workspaceID), .text(receipt.customer.externalID), amount, .init(sale.id),
        ])
        add([.init(sale.linkID), amount])
        add([.init(sale.workspaceID), amount])
    }

    private mutating func add(_ values: [SQLValue]) {
        statements.append(
            values.map { value in
                switch value {
                case .null: return .null
                case .integer(let number): return .integer(number)
                case .text(let text):
                    texts += text.utf8
                    return .text(offset: texts.count - text.utf8.count, count: text.utf8.count)
                }
            })
    }
}
