import Attribution
import Foundation
import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Server

/// What a sale's request and answer cost in memory: everything but sockets and the commit.
final class RequestStages {
    private static let parts = 4

    private var sample: SampleSales
    private let token: String
    private let decisions: Decisions
    private var plainDecisions: PlainDecisions
    private let dates = ResponseDates()

    /// - Parameter sample: of customers who have bought before.
    init(_ sample: SampleSales, token: String, _ decisions: Decisions) throws {
        (self.sample, self.token, self.decisions) = (sample, token, decisions)
        var everybody = sample
        plainDecisions = PlainDecisions(try everybody.commands(sample.customers))
    }

    func head() -> Stage {
        var requests: [ByteBuffer] = []
        return Stage(
            "head", besides: "SwiftNIO's HTTP decoder", parts: Self.parts,
            prepare: { [self] in
                requests = sample.bodies(Stage.sales).map {
                    ByteBuffer(bytes: sample.request($0, token: token))
                }
            },
            own: { sales in
                for request in requests[sales] {
                    let head = request.withUnsafeReadableBytes(RequestHead.init)
                    guard let head, head.length + head.contentLength == request.readableBytes
                    else { throw StageFailure("a head was not taken") }
                }
            },
            other: { sales in
                let library = EmbeddedChannel()
                try library.pipeline.syncOperations.addHandler(
                    ByteToMessageHandler(HTTPRequestDecoder()))
                for request in requests[sales] {
                    try library.writeInbound(request)
                    var parts = 0
                    while try library.readInbound(as: HTTPServerRequestPart.self) != nil {
                        parts += 1
                    }
                    guard parts == 3 else { throw StageFailure("the library has \(parts) parts") }
                }
            })
    }

    func decode() -> Stage {
        var bodies: [[UInt8]] = []
        var texts: [Data] = []
        return Stage(
            "decode", besides: "JSONSerialization", parts: Self.parts,
            prepare: { [self] in
                bodies = sample.bodies(Stage.sales)
                texts = bodies.map { Data($0) }
            },
            own: { [self] sales in for body in bodies[sales] { _ = try sample.command(body) } },
            other: { sales in
                for text in texts[sales] { _ = try JSONSerialization.jsonObject(with: text) }
            })
    }

    func decide() -> Stage {
        var commands: [Command] = []
        var calls: [PlainDecisions.Call] = []
        return Stage(
            "decide", besides: "plain dictionaries", parts: Self.parts,
            prepare: { [self] in
                decisions.forgetPassing()
                plainDecisions.forgetPassing()
                commands = try sample.commands(Stage.sales)
                calls = commands.compactMap(PlainDecisions.Call.init)
            },
            own: { [self] in _ = try decisions.decide(commands[$0]) },
            other: { [self] in try plainDecisions.decide(calls[$0]) })
    }

    func reply() -> Stage {
        var receipts: [SaleReceipt] = []
        var answers: [PlainAnswer] = []
        let encoder = JSONEncoder()
        return Stage(
            "reply", besides: "JSONEncoder", parts: Self.parts,
            prepare: { [self] in
                decisions.forgetPassing()
                receipts = try decisions.decide(sample.commands(Stage.sales)[...])
                answers = try receipts.map(PlainAnswer.init)
            },
            own: { [self] sales in
                for receipt in receipts[sales] {
                    let reply = SaleOutcome.recorded(receipt).reply(HTTPFields())
                    let bytes = reply.bytes(date: dates.now())
                    guard bytes.readableBytes > 200 else { throw StageFailure("a short answer") }
                }
            },
            other: { sales in for answer in answers[sales] { _ = try encoder.encode(answer) } })
    }
}

/// The answer to a sale as a Codable value.
private struct PlainAnswer: Encodable {
    struct Customer: Encodable {
        let id: String
        let name: String?
        let email: String?
        let avatar: String?
        let externalId: String
    }
    struct Sale: Encodable {
        let amount: Int64
        let currency: String
        let paymentProcessor: String
        let invoiceId: String?
        let metadata: Metadata?
    }
    /// Of a sample's sale.
    struct Metadata: Codable {
        struct Period: Codable {
            let from: String
            let to: String
        }
        let plan: String
        let seats: Int
        let coupon: String?
        let period: Period
        let note: String
    }
    let eventName: String
    let customer: Customer
    let sale: Sale

    init(_ receipt: SaleReceipt) throws {
        let (sale, customer) = (receipt.sale, receipt.customer)
        eventName = sale.eventName
        self.customer = Customer(
            id: customer.id.text, name: customer.name, email: customer.email,
            avatar: customer.avatar, externalId: customer.externalID)
        self.sale = Sale(
            amount: sale.money.minorUnits, currency: sale.money.currency.code,
            paymentProcessor: sale.paymentProcessor.rawValue, invoiceId: sale.invoiceID,
            metadata: try sale.metadata.map {
                try JSONDecoder().decode(Metadata.self, from: Data($0.utf8))
            })
    }
}
