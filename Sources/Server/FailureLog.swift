import Ledger
import Logging
import Synchronization

/// Tells the operator that the database can't be written or read, and when that is over, without a
/// line for each of the thousands of requests in between.
final class FailureLog: Sendable {
    private let logger: Logger
    private let failure: String
    private let end: String?
    /// When the last failure was told; nil: all is well.
    private let told = Mutex<ContinuousClock.Instant?>(nil)
    private static let pause = Duration.seconds(10)

    /// - Parameter failure: what is told of a failure.
    /// - Parameter end: what is told when it is over; nil: nobody notes that.
    init(logger: Logger, failure: String, end: String? = nil) {
        (self.logger, self.failure, self.end) = (logger, failure, end)
    }

    func note(_ error: any Error) {
        let isDue = told.withLock { told in
            let now = ContinuousClock.now
            if let last = told, now - last < Self.pause { return false }
            told = now
            return true
        }
        guard isDue else { return }
        var details: Logger.Metadata = ["error": "\((error as? SQLError)?.detail ?? "\(error)")"]
        if case SQLError.corrupt = error {
            details["advice"] = "check the file with tribute verify --deep"
        }
        logger.error("\(failure)", metadata: details)
    }

    /// Whether the last that is known is a failure.
    var isFailing: Bool { told.withLock { $0 != nil } }

    func noteSuccess() {
        let wasTold = told.withLock { told in
            defer { told = nil }
            return told != nil
        }
        if wasTold, let end { logger.notice("\(end)") }
    }
}
