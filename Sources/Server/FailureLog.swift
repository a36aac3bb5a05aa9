import Logging
import Synchronization

/// Tells the operator that nothing can be written, and when that is over, without a line for each
/// of the thousands of requests in between.
final class FailureLog: Sendable {
    private let logger: Logger
    /// When the last failure was told; nil: all is well.
    private let told = Mutex<ContinuousClock.Instant?>(nil)
    private static let pause = Duration.seconds(10)

    init(logger: Logger) { self.logger = logger }

    func note(_ error: any Error) {
        let isDue = told.withLock { told in
            let now = ContinuousClock.now
            if let last = told, now - last < Self.pause { return false }
            told = now
            return true
        }
        if isDue { logger.error("a batch was not committed", metadata: ["error": "\(error)"]) }
    }

    func noteSuccess() {
        let wasTold = told.withLock { told in
            defer { told = nil }
            return told != nil
        }
        if wasTold { logger.notice("batches are committed again") }
    }
}
