import Foundation

/// How often a long command tells how far it is: often to somebody who watches, every five seconds
/// to a file.
struct Pace {
    let isTerminal = isatty(2) == 1
    private let interval: Duration
    private var lastShown = ContinuousClock.now

    init(onTerminal interval: Duration) {
        self.interval = isTerminal ? interval : .seconds(5)
    }

    mutating func isDue() -> Bool {
        guard ContinuousClock.now - lastShown >= interval else { return false }
        lastShown = .now
        return true
    }
}
