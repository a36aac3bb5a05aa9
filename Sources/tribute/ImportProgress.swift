import Foundation

/// A bar on the terminal, with the rate and the time that remains; a line now and then elsewhere.
struct ImportProgress {
    private let fileSize: Int
    private let start = ContinuousClock.now
    private var pace = Pace(onTerminal: .milliseconds(100))
    private var passes = 1
    private var bytes = 0
    private var rows = 0

    init(fileSize: Int) { self.fileSize = fileSize }

    mutating func begin(passes: Int) { self.passes = max(1, passes) }

    mutating func advance(bytes: Int, rows: Int) {
        self.bytes += bytes
        self.rows = rows
        if pace.isDue() { show() }
    }

    mutating func finish() {
        guard pace.isTerminal else { return }
        show()
        printError("")
    }

    private func show() {
        let done = min(1, Double(bytes) / Double(max(1, fileSize * passes)))
        let elapsed = ContinuousClock.now - start
        let seconds = max(
            0.001,
            Double(elapsed.components.seconds)
                + Double(elapsed.components.attoseconds) / 1e18)
        let remaining = done > 0 ? Int(seconds / done - seconds) : 0
        let filled = Int(done * 30)
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
        let line =
            "[\(bar)] \(Int(done * 100))%  \(rows) rows  \(Int(Double(rows) / seconds))/s  "
            + "\(remaining / 60)m \(remaining % 60)s left"
        if pace.isTerminal {
            FileHandle.standardError.write(Data("\r\(line)\u{1B}[K".utf8))
        } else {
            printError(line)
        }
    }
}
