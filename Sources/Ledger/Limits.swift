/// Every bound of the commit path.
package struct Limits: Sendable {
    /// Commands that may wait to be committed; one more is told to come back.
    package var queueDepthMax = 4_096
    /// Up to so many waiting ones, a command is accepted that nobody waits for.
    package var unawaitedMax: Int { max(1, queueDepthMax / 2) }
    /// Commands in one transaction.
    package var batchMax = 512
    /// Commands that nobody waits for are committed when so many have come, after so long, or with
    /// the next one that is waited for.
    package var gatheredMax: Int { min(batchMax, unawaitedMax) / 2 }
    package var gatheringTime = Duration.milliseconds(5)
    /// How long a command may wait before it is dropped, uncommitted, with an answer that says so.
    package var waitMax: Duration = .seconds(10)

    /// Customers, and links, of whom the facts stay in memory between two batches: about a kilobyte
    /// each.
    package var keptFactsMax = 50_000

    package init() {}
}
