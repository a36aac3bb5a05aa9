import Attribution
import Hummingbird
import Integrations
import Ledger
import NIOCore
import Wire

/// Many sales in one request. Each goes the way of a single call and has the answer of one; they
/// wait in the queue side by side and are told together, when all are durable.
extension API {
    func trackSales(_ request: Request, _ caller: Caller) async throws -> Response {
        let isGzip = try request.isGzip
        let body = try await request.collect(settings.limits)
        let calls = try body.withUnsafeReadableBytes { bytes in
            let bytes = bytes.bindMemory(to: UInt8.self)
            guard isGzip else { return try take(bytes, request.itemForm, caller) }
            return try inflated(bytes, max: settings.limits.inflatedMax) {
                try take($0, request.itemForm, caller)
            }
        }
        let results = try await submit(calls)
        return caller.reply(capacity: 64 + results.count * 480) { $0.write(results) }
    }

    /// All of them, or what is wrong with the whole. Nothing has happened yet.
    private func take(
        _ text: UnsafeBufferPointer<UInt8>, _ form: ItemForm, _ caller: Caller
    ) throws -> [TakenCall] {
        let items: [UnsafeBufferPointer<UInt8>]
        do throws(ItemFormError) { items = try itemTexts(text, form, max: salesMax) } catch {
            throw APIError.brokenArray(at: error.index)
        }
        guard !items.isEmpty else {
            throw APIError(
                .unprocessable, "No sales recorded – you must provide at least one sale.")
        }
        guard items.count <= salesMax else {
            throw APIError(
                .unprocessable, "You can only record up to \(salesMax) sales at a time.")
        }
        return try items.enumerated().map { index, item in
            let call = try take(item, caller)
            // Behind a broken one nobody can tell where the next begins. Lines are told apart.
            if form == .array, !call.isJSON { throw APIError.brokenArray(at: index) }
            return call
        }
    }

    private func take(
        _ item: UnsafeBufferPointer<UInt8>, _ caller: Caller
    ) throws(APIError) -> TakenCall {
        let max = settings.limits.bodyMax
        guard item.count <= max else {
            return TakenCall(
                command: rejection(nil, nil, .sale, .bodyTooLarge, nil, caller),
                refusal: .bodyTooLarge(max))
        }
        return try take(item, .sale, nil, caller)
    }

    private func submit(_ calls: [TakenCall]) async throws -> [SaleResult] {
        let retryAfter = settings.limits.retryAfterSeconds
        let outcomes: [Result<Outcome, LedgerError>]
        do throws(LedgerError) { outcomes = try await ledger.submit(calls.map(\.command)) } catch {
            throw APIError(error, retryAfter: retryAfter)
        }
        // With nothing committed there is nothing to tell of single ones.
        let failures = outcomes.compactMap(\.failure)
        if let first = failures.first, failures.count == outcomes.count {
            throw APIError(first, retryAfter: retryAfter)
        }
        return zip(calls, outcomes).map { call, outcome in
            if call.refusal != nil, outcome.failure != nil { metrics.noteLostRejection() }
            return SaleResult(call, outcome, retryAfter: retryAfter)
        }
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}

extension APIError {
    /// - Parameter index: the first item that can't be read; nil: there is no array.
    fileprivate static func brokenArray(at index: Int?) -> APIError {
        let place = index.map { " at [\($0)]" } ?? ""
        return APIError(
            .badRequest,
            "Invalid JSON format in request body\(place). Please ensure the request body is a valid JSON array. NDJSON needs Content-Type: application/x-ndjson."
        )
    }
}
