import Attribution
import Integrations
import Wire

/// Kept calls and what became of them, for the API and the command line.
extension JSONWriter {
    package mutating func members(_ rejection: Rejection) {
        member("id", rejection.id.text)
        member("endpoint", rejection.endpoint.rawValue)
        member("reason", rejection.reason.rawValue)
        member("detail", rejection.detail)
        member("at", rejection.at)
        member("customerExternalId", rejection.customerExternalID)
        member("invoiceId", rejection.invoiceID)
        member("hostname", rejection.hostname)
        member("attempts", rejection.attempts)
        member("lastTriedAt", rejection.lastTriedAt)
        member("replayable", rejection.isReplayable)
        member("body", rejection.body.text)
    }

    package mutating func members(_ retry: Retry) {
        member("id", retry.id.text)
        member("result", retry.result.rawValue)
        member("reason", retry.reason?.rawValue)
        member("detail", retry.detail)
    }

    mutating func write(_ retries: [Retry]) {
        for result in Retry.Result.allCases {
            name(text: result.rawValue)
            integer(Int64(retries.count { $0.result == result }))
        }
        name("results")
        array(retries) { writer, retry in
            writer.object { $0.members(retry) }
        }
    }
}
