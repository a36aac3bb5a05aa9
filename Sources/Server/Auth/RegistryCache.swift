import Ledger
import Synchronization

/// Remembers what a key stands for (token, host, publishable key) until anything of the kind
/// changes, in this process or in another: the registry's revision is asked for each time, so a
/// revoked token or a disabled link is not served once more.
final class RegistryCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct State {
        var revision: Int64 = -1
        var values: [Key: Value] = [:]
    }
    private let state = Mutex(State())
    private let database: any SQLDatabase
    private let load: @Sendable (any SQLTransaction, Key) throws -> Value
    private let capacity: Int

    init(
        database: any SQLDatabase, capacity: Int = 10_000,
        load: @escaping @Sendable (any SQLTransaction, Key) throws -> Value
    ) {
        (self.database, self.capacity, self.load) = (database, capacity, load)
    }

    /// What is remembered of a key, and the revision at which that holds; nil if nothing is.
    func remembered(_ key: Key) -> (value: Value, revision: Int64)? {
        state.withLock { state in state.values[key].map { ($0, state.revision) } }
    }

    /// What is remembered of a key and holds at a revision; nil if nothing is.
    func remembered(_ key: Key, at revision: Int64) -> Value? {
        state.withLock { $0.revision == revision ? $0.values[key] : nil }
    }

    func value(for key: Key) async throws -> Value {
        let revision = try await database.registryRevision()
        let known: Value? = state.withLock { state in
            if state.revision != revision {
                state.revision = revision
                state.values.removeAll(keepingCapacity: true)
            }
            return state.values[key]
        }
        if let known { return known }
        let value = try await database.read { [load] transaction in try load(transaction, key) }
        state.withLock { state in
            // What was read is at least as new as `revision`; a newer one empties the cache.
            guard state.revision == revision else { return }
            if state.values.count >= capacity { state.values.removeAll(keepingCapacity: true) }
            state.values[key] = value
        }
        return value
    }
}
