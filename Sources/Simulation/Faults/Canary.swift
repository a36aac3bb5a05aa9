/// Mistakes that are made on purpose, one at a time, between the ledger and the auditor: a
/// simulation that does not find one is no use.
package enum Canary: String, Sendable, CaseIterable {
    case lostConversion = "lost-conversion"
    case centTooMuch = "cent-too-much"
    case swappedLink = "swapped-link"
    case forgottenInvoice = "forgotten-invoice"
    case doubleLead = "double-lead"
    case lostCounter = "lost-counter"
    case keptForEver = "kept-for-ever"
    case earlyAnswer = "early-answer"
    case noRollback = "no-rollback"
    case swappedAnswers = "swapped-answers"
    case lyingDisk = "lying-disk"

    /// Whether it makes no difference as long as nothing fails.
    package var needsFaults: Bool { self == .noRollback || self == .lyingDisk }

    package var summary: String {
        switch self {
        case .lostConversion: "one INSERT INTO conversion is left out"
        case .centTooMuch: "one sale is written with one minor unit more"
        case .swappedLink: "one sale is credited to another link"
        case .forgottenInvoice: "one invoice that is known is not found"
        case .doubleLead: "one lead's name is forgotten: it can be recorded again"
        case .lostCounter: "the counters of one link are not moved"
        case .keptForEver: "one call that was tried again or given up stays kept"
        case .earlyAnswer: "one batch is answered and not committed"
        case .noRollback: "a transaction that failed is committed as far as it came"
        case .swappedAnswers: "two commands of a batch get each other's answers"
        case .lyingDisk: "no fsync makes anything durable"
        }
    }
}
