import Ledger

/// What a canary remembers from one transaction to the next.
struct CanaryMemory {
    /// Links that sales were credited to.
    var links: [SQLValue] = []
    var forgotten: [SQLValue]?
}

/// Makes the mistake of one canary in one transaction, once.
final class Meddler {
    private let canary: Canary?
    private(set) var memory: CanaryMemory
    private(set) var hasActed = false
    private var hasWritten = false

    init(canary: Canary?, memory: CanaryMemory) {
        (self.canary, self.memory) = (canary, memory)
    }

    /// Whether the mistake is made again with each transaction.
    var staysOn: Bool {
        switch canary {
        case .forgottenInvoice, .noRollback: true
        case .swappedLink: memory.forgotten == nil
        default: false
        }
    }

    var keepsWhatFailed: Bool {
        guard canary == .noRollback, hasWritten else { return false }
        hasActed = true
        return true
    }

    var answersEarly: Bool {
        guard canary == .earlyAnswer, hasWritten else { return false }
        hasActed = true
        return true
    }

    func answer(
        _ sql: String, _ arguments: [[SQLValue]], _ rows: [[SQLRow]]
    ) -> [[SQLRow]] {
        guard canary == .forgottenInvoice, sql.contains("s.invoice_id = ?2") else { return rows }
        var rows = rows
        for (index, list) in arguments.enumerated() where !rows[index].isEmpty {
            if memory.forgotten == nil { memory.forgotten = list }
            if memory.forgotten == list {
                rows[index] = []
                hasActed = true
            }
        }
        return rows
    }

    func arguments(_ sql: String, _ arguments: [[SQLValue]]) -> [[SQLValue]] {
        hasWritten = hasWritten || !arguments.isEmpty
        guard let canary, !hasActed || staysOn, let first = arguments.first else {
            return arguments
        }
        switch canary {
        case .lostConversion: return without(first, arguments, "INSERT INTO conversion", sql)
        case .doubleLead: return without(first, arguments, "INSERT INTO lead_claim", sql)
        case .lostCounter: return without(first, arguments, "UPDATE link SET clicks =", sql)
        case .keptForEver:
            return without(first, arguments, "DELETE FROM rejection WHERE id", sql)
        case .centTooMuch: return withMore(arguments, sql)
        case .swappedLink: return withAnotherLink(arguments, sql)
        default: return arguments
        }
    }

    private func without(
        _ first: [SQLValue], _ arguments: [[SQLValue]], _ beginning: String, _ sql: String
    ) -> [[SQLValue]] {
        guard sql.hasPrefix(beginning) else { return arguments }
        hasActed = true
        return Array(arguments.dropFirst())
    }

    private func withMore(_ arguments: [[SQLValue]], _ sql: String) -> [[SQLValue]] {
        guard sql.hasPrefix("INSERT INTO sale "), case .integer(let amount) = arguments[0][8],
            amount < .max
        else { return arguments }
        hasActed = true
        var arguments = arguments
        arguments[0][8] = .integer(amount + 1)
        if arguments[0][10] != .null { arguments[0][10] = .integer(amount + 1) }
        return arguments
    }

    /// The link of an earlier sale, once there was one.
    private func withAnotherLink(_ arguments: [[SQLValue]], _ sql: String) -> [[SQLValue]] {
        guard sql.hasPrefix("INSERT INTO sale "), memory.forgotten == nil else { return arguments }
        hasActed = true
        let link = arguments[0][3]
        if let other = memory.links.first(where: { $0 != link }) {
            memory.forgotten = []
            var arguments = arguments
            arguments[0][3] = other
            return arguments
        }
        memory.links.append(link)
        return arguments
    }
}
