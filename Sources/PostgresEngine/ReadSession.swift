import Foundation

/// A session that one thread reads with. It opens when it is first needed, and again after it was
/// lost.
final class ReadSession {
    private var connection: PostgresConnection?
    private let open: @Sendable () throws -> PostgresConnection

    init(open: @escaping @Sendable () throws -> PostgresConnection) { self.open = open }

    /// Runs the body on an open connection. One that was lost since it was last used is opened
    /// again, once.
    ///
    /// - Throws: `PostgresError`, or what the body throws.
    func run<Value>(_ body: (PostgresConnection) throws -> Value) throws -> Value {
        let isFresh = connection == nil
        do { return try attempt(body) } catch let error as PostgresError
            where error.endsConnection && !isFresh
        { return try attempt(body) }
    }

    private func attempt<Value>(_ body: (PostgresConnection) throws -> Value) throws -> Value {
        let connection = try self.connection ?? open()
        self.connection = connection
        defer { if !connection.isUsable { self.connection = nil } }
        return try body(connection)
    }
}

/// The library blocks, so whoever asks it has a thread.
func startThread(named name: String, _ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.name = name
    thread.start()
}
