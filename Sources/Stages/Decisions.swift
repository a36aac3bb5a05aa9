import Attribution
import Ledger

/// The facts of a sample's customers in memory, and the decisions that are made on them.
final class Decisions {
    private var facts: Facts

    private init(_ facts: Facts) { self.facts = facts }

    /// - Parameter commands: one of each customer there will be.
    static func loaded(_ commands: [Command], _ database: any SQLDatabase) async throws -> Decisions
    {
        Decisions(try await database.read { try FactsLoader.load(commands[...], $0) })
    }

    /// What the ledger does with each command of a batch between reading and writing.
    func decide(_ commands: ArraySlice<Command>) throws -> [SaleReceipt] {
        // Moved, so that they are changed in place.
        var facts = Facts()
        swap(&facts, &self.facts)
        defer { swap(&facts, &self.facts) }
        return try commands.map { command in
            let decision = Attribution.decide(command, facts)
            for change in decision.changes { facts.absorb(change) }
            guard case .sale(.recorded(let receipt)) = decision.outcome else {
                throw StageFailure("a sale was not recorded: \(decision.outcome)")
            }
            return receipt
        }
    }

    /// As between two batches: the invoices go, the customers stay.
    func forgetPassing() { facts.forgetPassing(countMax: .max) }
}

/// The least that a decision needs, with plain dictionaries: the customer is found, the invoice is
/// new, totals are kept, and there is something to answer with.
struct PlainDecisions {
    struct Call {
        let customer: String
        let invoice: String
        let amount: Int64

        init?(_ command: Command) {
            guard case .recordSale(let sale) = command, let invoice = sale.invoiceID else {
                return nil
            }
            (customer, self.invoice) = (sale.customer.externalID, invoice)
            amount = sale.money.minorUnits
        }
    }

    private final class Receipt {
        let call: Call
        let total: Int64
        init(_ call: Call, total: Int64) { (self.call, self.total) = (call, total) }
    }

    private var totals: [String: Int64] = [:]
    private var invoices: [String: Receipt] = [:]
    private var lastReceipts: [String: Receipt] = [:]

    init(_ commands: [Command]) {
        for case .recordSale(let sale) in commands { totals[sale.customer.externalID] = 0 }
    }

    mutating func decide(_ calls: ArraySlice<Call>) throws {
        for call in calls {
            guard let total = totals[call.customer], invoices[call.invoice] == nil else {
                throw StageFailure("a customer is not known, or an invoice is")
            }
            let receipt = Receipt(call, total: total + call.amount)
            invoices[call.invoice] = receipt
            lastReceipts[call.customer] = receipt
            totals[call.customer] = receipt.total
        }
    }

    mutating func forgetPassing() { invoices.removeAll(keepingCapacity: true) }
}
