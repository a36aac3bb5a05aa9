import Attribution
import HTTPTypes
import Synchronization

/// Counts requests in two adjoining windows and weighs the older one by how much of it still
/// lies within the last window length: a sliding window that needs two numbers.
struct SlidingWindow: Sendable, Equatable {
    private var start: Int64 = 0
    private var count = 0
    private var previousCount = 0

    struct Verdict: Equatable {
        var isAdmitted: Bool
        var remaining: Int
        /// When the present window ends.
        var resetAt: Timestamp
    }

    mutating func admit(limit: Int, length: Int64, now: Timestamp) -> Verdict {
        let current = now.milliseconds / length * length
        if current != start {
            previousCount = current == start + length ? count : 0
            (start, count) = (current, 0)
        }
        let overlap = length - (now.milliseconds - start)
        let used = count + Int(Int64(previousCount) * overlap / length)
        let resetAt = Timestamp(milliseconds: start + length)
        guard used < limit else {
            return Verdict(isAdmitted: false, remaining: 0, resetAt: resetAt)
        }
        count += 1
        return Verdict(isAdmitted: true, remaining: limit - used - 1, resetAt: resetAt)
    }

    /// Whether the window says nothing any more.
    func isStale(length: Int64, now: Timestamp) -> Bool {
        now.milliseconds - start > 2 * length
    }
}

/// Limits requests per key as the plans of the hosted product do; off unless asked for.
final class RateLimiter: Sendable {
    private let policy: RateLimitPolicy
    private let windows = Mutex<[String: SlidingWindow]>([:])
    private static let keysMax = 100_000

    init(policy: RateLimitPolicy) { self.policy = policy }

    /// - Returns: the headers that tell the caller where it stands.
    /// - Throws: 429 with `Retry-After` in seconds.
    func admit(_ key: String, plan: Plan, path: String, now: Timestamp) throws -> HTTPFields {
        if path.contains("/analytics") || path.contains("/events") {
            return try admit(
                "q" + key, limit: plan.queriesPerSecond, length: Timestamp.second, now: now)
        }
        return try admit(key, perMinute: plan.requestsPerMinute, now: now)
    }

    /// Whether `key` would be refused now. Counts nothing.
    func isExhausted(_ key: String, perMinute limit: Int, now: Timestamp) -> Bool {
        guard policy == .plan, var window = windows.withLock({ $0[key] }) else { return false }
        return !window.admit(limit: limit, length: 60 * Timestamp.second, now: now).isAdmitted
    }

    func admit(_ key: String, perMinute limit: Int, now: Timestamp) throws -> HTTPFields {
        try admit(key, limit: limit, length: 60 * Timestamp.second, now: now)
    }

    private func admit(
        _ key: String, limit: Int, length: Int64, now: Timestamp
    ) throws -> HTTPFields {
        guard policy == .plan else { return [:] }
        let verdict = windows.withLock { windows in
            if windows.count >= Self.keysMax {
                windows = windows.filter { !$0.value.isStale(length: length, now: now) }
            }
            return windows[key, default: SlidingWindow()]
                .admit(limit: limit, length: length, now: now)
        }
        let seconds = max(1, (verdict.resetAt.milliseconds - now.milliseconds + 999) / 1_000)
        var headers: HTTPFields = [
            .rateLimit: String(limit), .rateRemaining: String(verdict.remaining),
            .rateReset: String(verdict.resetAt.milliseconds), .retryAfter: String(seconds),
        ]
        guard verdict.isAdmitted else {
            var error = APIError(.rateLimited, "Too many requests.")
            error.headers = headers
            throw error
        }
        headers[.retryAfter] = nil
        return headers
    }
}
