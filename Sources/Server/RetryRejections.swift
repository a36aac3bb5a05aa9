import Attribution
import Integrations
import Ledger

/// What both the API and the command line do with kept calls.
extension Ledger {
    /// Tries calls of the workspace again, each in a command of its own; they commit together.
    package func retry(
        _ rejections: [Rejection], of workspace: Workspace, _ stamper: Stamper
    ) async throws(LedgerError) -> [Retry] {
        let commands = rejections.map {
            $0.retry(stamper, allowedHostnames: workspace.allowedHostnames)
        }
        var outcomes = try await submit(commands.compactMap(\.self)).makeIterator()
        var results: [Retry] = []
        for (rejection, command) in zip(rejections, commands) {
            if command == nil {
                results.append(Retry(impossible: rejection))
            } else if let outcome = outcomes.next() {
                // Why it is refused this time, if it is no command either.
                let tried =
                    if case .recordRejection(let record) = command { record.rejection } else {
                        rejection
                    }
                results.append(Retry(tried, try outcome.get()))
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
