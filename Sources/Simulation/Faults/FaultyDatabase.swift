import Ledger
import Synchronization

/// What goes wrong between the ledger and the engine.
package enum DatabaseFault: Sendable {
    /// The transaction does not begin.
    case before
    /// It ends after so many statements.
    case within(Int)
    /// It ends after so many statements that write.
    case withinWrites(Int)
    /// It is committed, and nobody is told.
    case after
}

/// The engine, with faults and canaries in between.
package final class FaultyDatabase: SingleWriterDatabase {
    private struct State {
        var fault: DatabaseFault?
        var hits = 0
        var canary: Canary?
        var memory = CanaryMemory()
    }

    private let engine: any SQLDatabase
    private let state: Mutex<State>

    package init(engine: any SQLDatabase) {
        self.engine = engine
        state = Mutex(State())
    }

    /// For the next transaction.
    package func arm(_ fault: DatabaseFault?) { state.withLock { $0.fault = fault } }

    /// Disarms, and says how often a fault struck since it was last asked.
    package func disarm() -> Int {
        state.withLock { state in
            defer { (state.hits, state.fault) = (0, nil) }
            return state.hits
        }
    }

    /// The mistake is made at the next occasion; most are made once.
    package func release(_ canary: Canary?) { state.withLock { $0.canary = canary } }

    /// The mistake that is still to be made.
    var canary: Canary? { state.withLock { $0.canary } }

    package func write<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value {
        let (fault, canary, memory) = state.withLock { state in
            defer { state.fault = nil }
            return (state.fault, state.canary, state.memory)
        }
        if case .before = fault { throw struck("before the transaction") }
        let meddler = Meddler(canary: canary, memory: memory)
        let value = try transact(body, fault, meddler)
        if meddler.hasActed {
            // What was undone with its transaction is tried again with another.
            state.withLock { state in
                if !meddler.staysOn { state.canary = nil }
                state.memory = meddler.memory
            }
        }
        if case .after = fault { throw struck("after the transaction") }
        return value
    }

    private func transact<Value>(
        _ body: (any SQLTransaction) throws -> Value, _ fault: DatabaseFault?, _ meddler: Meddler
    ) throws -> Value {
        var undone: Value?
        let result: Result<Value, any Error>
        do {
            result = try engine.write { base in
                let transaction = FaultyTransaction(
                    base: base, owner: self, fault: fault, meddler: meddler)
                do {
                    let value = try body(transaction)
                    if meddler.answersEarly {
                        undone = value
                        throw SQLError.other("not committed")
                    }
                    return .success(value)
                } catch  where meddler.keepsWhatFailed {
                    return .failure(error)
                }
            }
        } catch {
            guard let undone else { throw error }
            return undone
        }
        return try result.get()
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLTransaction) throws -> Value
    ) async throws -> Value {
        try await engine.read(body)
    }

    package var singleWriter: (any SingleWriterDatabase)? {
        engine.singleWriter == nil ? nil : self
    }

    package func readHere<Value>(
        _ body: (any SQLTransaction) throws -> Value
    ) throws -> Value {
        guard let engine = engine.singleWriter else {
            throw SQLError.other("the engine has several writers")
        }
        let meddler = state.withLock { Meddler(canary: $0.canary, memory: $0.memory) }
        return try engine.readHere { base in
            try body(FaultyTransaction(base: base, owner: self, fault: nil, meddler: meddler))
        }
    }

    package func registryRevision() async throws -> Int64 { try await engine.registryRevision() }

    package func close() throws { try engine.close() }

    fileprivate func struck(_ place: String) -> SQLError {
        state.withLock { $0.hits += 1 }
        return .unavailable("simulated: \(place)")
    }
}

private final class FaultyTransaction: SQLTransaction {
    private let base: any SQLTransaction
    private let owner: FaultyDatabase
    private let meddler: Meddler
    /// How many statements still succeed, and which of them count.
    private var left: Int?
    private var countsWritesOnly = false

    init(
        base: any SQLTransaction, owner: FaultyDatabase, fault: DatabaseFault?, meddler: Meddler
    ) {
        (self.base, self.owner, self.meddler) = (base, owner, meddler)
        switch fault {
        case .within(let count): left = count
        case .withinWrites(let count): (left, countsWritesOnly) = (count, true)
        default: break
        }
    }

    var dialect: Dialect { base.dialect }
    var history: WriteHistory? { base.history }

    func lock(_ scope: LockScope) throws { try base.lock(scope) }

    func query(_ statement: SQLStatement, each arguments: [[SQLValue]]) throws -> [[SQLRow]] {
        if !countsWritesOnly { try count() }
        return meddler.answer(
            statement.sql, arguments, try base.query(statement, each: arguments))
    }

    func execute(_ statement: SQLStatement, each arguments: [[SQLValue]]) throws {
        if !countsWritesOnly || !arguments.isEmpty { try count() }
        try base.execute(statement, each: meddler.arguments(statement.sql, arguments))
    }

    func run(script: String) throws {
        try count()
        try base.run(script: script)
    }

    private func count() throws {
        guard let left else { return }
        if left == 0 { throw owner.struck("within the transaction") }
        self.left = left - 1
    }
}
