import Dispatch
import Ledger
import Synchronization

/// Has the server look at tables that it has never looked at. Until it does, it guesses which index
/// finds a row, keeps to the guess, and a lookup by key may walk through all of a workspace. The
/// server does so by itself a minute later, and again whenever a tenth of a table has changed: this
/// is only for the first minute of a young database.
final class FirstStatistics: Sendable {
    private let isStarted = Atomic<Bool>(false)
    private let isClosed = Atomic<Bool>(false)
    private let wake = DispatchSemaphore(value: 0)
    private let open: @Sendable () throws -> PostgresConnection

    init(open: @escaping @Sendable () throws -> PostgresConnection) { self.open = open }

    /// Called with each write; the first one starts a thread.
    func begin() {
        if isStarted.exchange(true, ordering: .relaxed) { return }
        startThread(named: "statistics") { [self] in work() }
    }

    /// Tables without statistics, and which of them have some size. One that was looked at while
    /// its first large transaction was still open has not even a row a page: it is looked at again.
    private static let missing = """
        SELECT relname, size > 65536
        FROM (SELECT relname, reltuples, pg_relation_size(oid) AS size FROM pg_class
              WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r') AS tables
        WHERE reltuples < 0 OR (size > 65536 AND reltuples < size / 8192)
        """

    private func work() {
        let session = ReadSession(open: open)
        // Until every table has something in it, ten minutes at most.
        for _ in 0..<600 {
            _ = wake.wait(timeout: .now() + .seconds(1))
            if isClosed.load(ordering: .relaxed) { return }
            if (try? session.run(look)) == true { return }
        }
    }

    /// - Returns: whether all is done.
    private func look(_ connection: PostgresConnection) throws -> Bool {
        let box = try connection.askOnce(Self.missing)
        try connection.roundTrip()
        let tables = try box.rows.filter { try $0.flag(1) }.map { try $0.text(0) }
        for table in tables { _ = try connection.askOnce("ANALYZE \(table)") }
        try connection.roundTrip()
        return box.rows.isEmpty
    }

    func close() {
        isClosed.store(true, ordering: .relaxed)
        wake.signal()
    }
}
