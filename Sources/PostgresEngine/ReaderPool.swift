import Dispatch
import Ledger
import Synchronization

/// Sessions for reading, each on a thread of its own.
final class ReaderPool: Sendable {
    private struct Job: Sendable {
        let arrival = ContinuousClock.now
        /// nil: it has waited for too long.
        let run: @Sendable (_ session: ReadSession?) -> Void
    }

    private struct State {
        var jobs: [Job] = []
        var idle = 0
        var threads = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let open: @Sendable () throws -> PostgresConnection
    private let sessionsMax: Int
    /// Reads that wait for a session; above it they are refused.
    private let waitingMax = 10_000
    /// How long they wait.
    private let waitMax = Duration.seconds(10)

    init(sessionsMax: Int, open: @escaping @Sendable () throws -> PostgresConnection) {
        (self.sessionsMax, self.open) = (sessionsMax, open)
    }

    /// - Throws: `SQLError`, or what the body throws.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let isAccepted = submit(
                Job { session in
                    guard let session else {
                        let late = SQLError.busy("no session was free in time")
                        return continuation.resume(throwing: late)
                    }
                    continuation.resume(with: Result { try session.run(body) })
                })
            if !isAccepted {
                continuation.resume(throwing: SQLError.busy("too many reads wait"))
            }
        }
    }

    private func submit(_ job: Job) -> Bool {
        let startsThread: Bool? = state.withLock { state in
            if state.isClosed || state.jobs.count >= waitingMax { return nil }
            state.jobs.append(job)
            if state.idle > state.jobs.count - 1 || state.threads == sessionsMax { return false }
            state.threads += 1
            return true
        }
        guard let startsThread else { return false }
        if startsThread { startThread(named: "read") { [self] in work() } }
        wake.signal()
        return true
    }

    private func work() {
        let session = ReadSession(open: open)
        while true {
            state.withLock { $0.idle += 1 }
            wake.wait()
            let job: Job? = state.withLock { state in
                state.idle -= 1
                return state.jobs.isEmpty ? nil : state.jobs.removeFirst()
            }
            guard let job else { return }
            job.run(ContinuousClock.now - job.arrival < waitMax ? session : nil)
        }
    }

    /// Ends the threads when they have nothing to do.
    func close() {
        let threads = state.withLock { state in
            state.isClosed = true
            return state.threads
        }
        for _ in 0..<threads { wake.signal() }
    }
}
