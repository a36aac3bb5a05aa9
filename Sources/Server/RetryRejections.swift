import Attribution
import Integrations
import Ledger

/// What both the API and the command line do with kept calls.
extension Ledger {
    /// Tries the calls again, each in a command of its own; they commit together.
    package func retry(
        _ rejections: [Rejection], _ stamper: Stamper
    ) async throws(LedgerError) -> [Retry] {
        var commands: [Command] = []
        var retries: [Retry?] = []
        for rejection in rejections {
            // A body that can't be read is no better the second time.
            if let command = try? rejection.retry(stamper) {
                commands.append(command)
                retries.append(nil)
            } else {
                retries.append(Retry(refused: rejection))
            }
        }
        var outcomes = try await submit(commands).makeIterator()
        var results: [Retry] = []
        for (rejection, retry) in zip(rejections, retries) {
            if let retry {
                results.append(retry)
            } else if let outcome = outcomes.next() {
                results.append(Retry(rejection.id, try outcome.get()))
            }
        }
        return results
    }

    /// - Returns: how many there were.
    package func discard(
        _ ids: [RejectionID], of workspaceID: WorkspaceID
    ) async throws(LedgerError) -> Int {
        var count = 0
        for start in stride(from: 0, to: ids.count, by: 500) {
            let some = Array(ids[start..<min(start + 500, ids.count)])
            let command = DiscardRejections(workspaceID: workspaceID, ids: some)
            if case .discarded(let found) = try await submit(.discardRejections(command)) {
                count += found
            }
        }
        return count
    }
}
