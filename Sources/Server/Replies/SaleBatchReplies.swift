import Attribution
import HTTPTypes
import Ledger
import Wire

/// What became of one sale of a batch.
struct SaleResult: Sendable {
    /// In the words of calls that are tried again.
    enum Kind: String, CaseIterable { case recorded, replayed, refused }
    /// What the single call would have answered.
    enum Answer {
        case sale(SaleOutcome)
        case error(APIError)
    }

    let kind: Kind
    /// As what the call is kept; nil: it is not.
    let rejection: (reason: RejectionReason, detail: String?)?
    let answer: Answer

    init(_ call: TakenCall, _ outcome: Result<Outcome, LedgerError>, retryAfter: Int) {
        switch (call.command, outcome) {
        case (.recordRejection(let record), .success):
            rejection = (record.rejection.reason, record.rejection.detail)
        case (_, let outcome): rejection = (try? outcome.get())?.rejection
        }
        if let refusal = call.refusal {
            (kind, answer) = (.refused, .error(refusal))
            return
        }
        switch outcome {
        case .success(.sale(let sale)):
            kind =
                switch sale {
                case .recorded: .recorded
                case .replayed: .replayed
                case .ignored: .refused
                }
            answer = .sale(sale)
        case .success(.refused(let refusal)):
            (kind, answer) = (.refused, .error(APIError(refusal)))
        case .success: (kind, answer) = (.refused, .error(.internalError))
        case .failure(let error):
            (kind, answer) = (.refused, .error(APIError(error, retryAfter: retryAfter)))
        }
    }

    fileprivate var status: Int {
        switch answer {
        case .sale: 200
        case .error(let error): error.status.code
        }
    }
}

extension JSONWriter {
    mutating func write(_ results: [SaleResult]) {
        object { writer in
            for kind in SaleResult.Kind.allCases {
                writer.name(text: kind.rawValue)
                writer.integer(Int64(results.count { $0.kind == kind }))
            }
            writer.name("results")
            writer.array(results.enumerated()) { $0.write($1.element, at: $1.offset) }
        }
    }

    private mutating func write(_ result: SaleResult, at index: Int) {
        object {
            $0.member("index", Int64(index))
            $0.member("result", result.kind.rawValue)
            $0.member("status", Int64(result.status))
            $0.member("reason", result.rejection?.reason.rawValue)
            $0.member("detail", result.rejection?.detail)
            $0.name("response")
            switch result.answer {
            case .sale(let outcome): $0.write(outcome)
            case .error(let error): $0.write(error)
            }
        }
    }
}
