import Dispatch
import Foundation
import Ledger
import Synchronization

/// Tells the registry's revision, which any node may advance. Each question is answered by a look
/// that began after it was asked, so that what another node has answered is never unknown here.
/// One look serves everybody who asked by then.
final class RegistryWatch: Sendable {
    private typealias Waiter = CheckedContinuation<Int64, any Error>

    private struct State {
        var waiters: [Waiter] = []
        var isStarted = false
        var isClosed = false
    }
    private let state = Mutex(State())
    private let open: @Sendable () throws -> PostgresConnection
    private let wake = DispatchSemaphore(value: 0)
    /// From one look to the next: under load more share one, and the server has less to do.
    private static let pause: UInt32 = 1_000

    init(open: @escaping @Sendable () throws -> PostgresConnection) { self.open = open }

    /// - Throws: `SQLError`.
    func revision() async throws -> Int64 {
        try await withCheckedThrowingContinuation { waiter in
            let (isFirst, isClosed) = state.withLock { state in
                if !state.isClosed { state.waiters.append(waiter) }
                defer { state.isStarted = true }
                return (!state.isStarted, state.isClosed)
            }
            if isClosed { return waiter.resume(throwing: SQLError.unavailable("closed")) }
            if isFirst { startThread(named: "registry") { [self] in work() } }
            wake.signal()
        }
    }

    private func work() {
        let session = ReadSession(open: open)
        while true {
            wake.wait()
            // Those who have signalled since then are served by the same look.
            while wake.wait(timeout: .now()) == .success {}
            let (waiters, isClosed) = state.withLock { state in
                defer { state.waiters = [] }
                return (state.waiters, state.isClosed)
            }
            if !waiters.isEmpty {
                let result = look(session)
                for waiter in waiters { waiter.resume(with: result) }
                usleep(Self.pause)
            }
            if isClosed { return }
        }
    }

    private static let question = "SELECT revision, \(PostgresTransaction.isMarked) FROM registry"

    private func look(_ session: ReadSession) -> Result<Int64, any Error> {
        do {
            let rows = try session.run { connection in
                let box = try connection.ask(Self.question, [])
                try connection.roundTrip()
                return box.rows
            }
            guard let row = rows.first else {
                return .failure(SQLError.corrupt("the registry is empty"))
            }
            if try row.flag(1) { return .failure(PostgresTransaction.moved) }
            return .success(try row.integer(0))
        } catch { return .failure(PostgresError(error).sqlError) }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        wake.signal()
    }
}
