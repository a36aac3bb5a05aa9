import Attribution
import Integrations

/// Sales as `bench/sale.lua` posts them: each of another customer than the one before, with an
/// invoice and a body of its own.
struct SampleSales {
    let workspaceID: WorkspaceID
    let customers: Int
    /// Makes invoices distinct between samples.
    let run: String
    private var number = 0
    private let stamper = Stamper()

    init(workspaceID: WorkspaceID, customers: Int, run: String) {
        (self.workspaceID, self.customers, self.run) = (workspaceID, customers, run)
    }

    mutating func bodies(_ count: Int) -> [[UInt8]] { (0..<count).map { _ in body() } }

    mutating func commands(_ count: Int) throws -> [Command] {
        try bodies(count).map { try command($0) }
    }

    func command(_ body: [UInt8]) throws -> Command {
        let command = try body.withUnsafeBufferPointer {
            try TrackEndpoint.sale.command($0, workspaceID, stamper, hostname: nil)
        }
        guard let command else { throw StageFailure("a sale's body made no command") }
        return command
    }

    private mutating func body() -> [UInt8] {
        number += 1
        let text = """
            {"customerExternalId":"bench_\(number * 7919 % customers)",\
            "amount":\(1_000 + number % 9_000),"currency":"usd","eventName":"Invoice paid",\
            "paymentProcessor":"stripe","invoiceId":"in_\(run)_\(number)","leadEventName":null,\
            "metadata":{"plan":"pro","seats":\(number % 50),"coupon":null,\
            "period":{"from":"2026-01-01","to":"2026-02-01"},"note":"renewal of the team plan"}}
            """
        return Array(text.utf8)
    }

    /// The whole request around a body, as wrk writes it.
    func request(_ body: [UInt8], token: String) -> [UInt8] {
        let head = [
            "POST /track/sale HTTP/1.1", "Authorization: Bearer \(token)",
            "Content-Type: application/json", "Host: 127.0.0.1:8080",
            "Content-Length: \(body.count)", "", "",
        ]
        return Array(head.joined(separator: "\r\n").utf8) + body
    }
}

/// A stage did not do its work, so that its time would say nothing.
package struct StageFailure: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}
