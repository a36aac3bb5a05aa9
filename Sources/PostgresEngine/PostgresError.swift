import Ledger

/// What the server or the connection said, before it is told to the ledger.
struct PostgresError: Error {
    /// Five characters; nil if the connection failed and no server said anything.
    let state: String?
    let message: String

    init(state: String?, message: String) { (self.state, self.message) = (state, message) }

    /// Whatever else was thrown on the way counts as a lost connection.
    init(_ error: any Error) {
        self = error as? PostgresError ?? PostgresError(state: nil, message: "\(error)")
    }

    /// Two writers were in each other's way: nothing was changed, and the same again may succeed.
    var isConflict: Bool {
        switch state {
        // Serialization, deadlock, and a unique key, or table, that another node has just made.
        case "40001", "40P01", "23505", "42P07", "42710": true
        default: false
        }
    }

    /// Nothing more can be done on this connection.
    var endsConnection: Bool {
        guard let state else { return true }
        // The server shuts down, or has become a standby.
        return state.hasPrefix("57P") || state.hasPrefix("08") || state == "25006"
    }

    var sqlError: SQLError {
        guard let state else { return .unavailable(message) }
        let detail = "PostgreSQL \(state): \(message)"
        switch state {
        // Out of a column's range: what adds up was too large. A text with NUL.
        case "22003", "22021": return .constraint(detail)
        case "25006", "25P03": return .unavailable(detail)
        // A lock or an answer that was waited for too long; a conflict that came again and again.
        case "40001", "40P01", "55P03", "57014": return .busy(detail)
        case "53100": return .full(detail)
        case "58030": return .failedDisk(detail)
        default: break
        }
        switch state.prefix(2) {
        case "23": return .constraint(detail)
        case "08", "53", "57", "58": return .unavailable(detail)
        case "XX": return .corrupt(detail)
        default: return .other(detail)
        }
    }
}
