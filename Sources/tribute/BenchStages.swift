import Attribution
import Foundation
import Integrations
import Ledger
import Synchronization

/// Times the stages of a sale one by one, in this process: what a request costs besides HTTP.
struct BenchStages {
    let token: String
    let customers: Int
    let seconds: Int
    let sizes: [Int]

    /// One stage's processor time and time by the clock, for one sale.
    struct Line {
        let name: String
        let processor: Duration
        let clock: Duration
    }

    func commits(_ ledger: Ledger, workspaceID: WorkspaceID) async throws -> [Line] {
        var lines: [Line] = []
        for size in sizes {
            lines.append(try await commits(ledger, workspaceID, size: size))
        }
        return lines
    }

    private func commits(
        _ ledger: Ledger, _ workspaceID: WorkspaceID, size: Int
    ) async throws -> Line {
        let stamper = Stamper()
        var (processor, clock, count) = (Duration.zero, Duration.zero, 0)
        while count < seconds * 1_000 {
            let commands = try (0..<size).map { _ in
                try command(Int.random(in: 0..<customers), workspaceID, stamper)
            }
            let (cpu, now) = (processorTime(), ContinuousClock.now)
            for result in try await ledger.submit(commands) {
                guard case .success(.sale(.recorded)) = result else {
                    throw Failure("a sale was not recorded: \(result)")
                }
            }
            processor += processorTime() - cpu
            clock += ContinuousClock.now - now
            count += size
        }
        return Line(name: "commit of \(size)", processor: processor / count, clock: clock / count)
    }

    private func command(
        _ customer: Int, _ workspaceID: WorkspaceID, _ stamper: Stamper
    ) throws -> Command {
        let body = """
            {"customerExternalId":"bench_\(customer)","amount":4900,"currency":"usd",\
            "eventName":"Invoice paid","paymentProcessor":"stripe",\
            "invoiceId":"in_\(UInt64.random(in: 0 ... .max))","leadEventName":null,\
            "metadata":{"plan":"pro","seats":12,"coupon":null,"period":{"from":"2026-01-01",\
            "to":"2026-02-01"},"note":"renewal of the team plan"}}
            """
        let command = try Array(body.utf8).withUnsafeBufferPointer {
            try TrackEndpoint.sale.command($0, workspaceID, stamper, hostname: nil)
        }
        guard let command else { throw Failure("a sale's body is no command") }
        return command
    }

    /// Of all threads of this process.
    private func processorTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
