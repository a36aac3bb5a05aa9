import Attribution
import Foundation
import Synchronization

/// Stamps commands with time and ids at the edge, so that nothing behind it needs a clock or
/// randomness. Time never goes backwards within a process, and neither do event ids: what was
/// answered first sorts first.
package final class Stamper: Sendable {
    private struct State {
        var now = Timestamp.distantPast
        var eventRandom: UInt64 = 0
        var idTime = Timestamp.distantPast
        var idRandom: (high: UInt16, low: UInt64) = (0, 0)
        var random = Xoshiro()

        mutating func advance() -> Timestamp {
            var clock = timespec()
            clock_gettime(CLOCK_REALTIME, &clock)
            let read = Timestamp(
                milliseconds: Int64(clock.tv_sec) * 1_000 + Int64(clock.tv_nsec) / 1_000_000)
            now = max(now, read)
            return now
        }
    }
    private let state = Mutex(State())

    package init() {}

    package func now() -> Timestamp { state.withLock { $0.advance() } }

    /// An id for a click, lead or sale, and the time in it.
    package func event<Record>() -> (ID<Record>, Timestamp) {
        state.withLock { state in
            let before = state.now
            let now = state.advance()
            if now == before {
                state.eventRandom += state.random.next() & 0xF_FFFF + 1
            } else {
                state.eventRandom = state.random.next() % (IDText.eventRandomRange / 2)
            }
            return (ID(IDText.event(at: now, random: state.eventRandom)), now)
        }
    }

    package func eventID<Record>() -> ID<Record> { event().0 }

    package func id<Record>(_ prefix: String) -> ID<Record> {
        state.withLock { state in
            let now = state.advance()
            if now == state.idTime {
                // Within a millisecond ids still grow, so that lists keep the order of creation.
                let (low, isCarried) = state.idRandom.low.addingReportingOverflow(
                    state.random.next() & 0xFFFF_FFFF + 1)
                state.idRandom.low = low
                if isCarried { state.idRandom.high &+= 1 }
            } else {
                state.idTime = now
                state.idRandom.high = UInt16(truncatingIfNeeded: state.random.next())
                state.idRandom.low = state.random.next()
            }
            return ID(
                IDText.ulid(
                    prefix: prefix, at: now, state.idRandom.high, state.idRandom.low))
        }
    }

    /// A secret or key of `[0-9A-Za-z]`, from the system's secure source.
    package func secret(length: Int) -> String {
        IDText.key(length: length) { .random(in: 0 ... .max) }
    }
}

/// xoshiro256**: random numbers for ids, which must be distinct and need not be secret. Seeded by
/// the system, because asking the system for each would be a system call for each.
struct Xoshiro: RandomNumberGenerator {
    private var words: (UInt64, UInt64, UInt64, UInt64)

    init() {
        var system = SystemRandomNumberGenerator()
        words = (system.next() | 1, system.next(), system.next(), system.next())
    }

    mutating func next() -> UInt64 {
        let multiplied = words.1 &* 5
        let result = (multiplied << 7 | multiplied >> 57) &* 9
        let shifted = words.1 << 17
        words.2 ^= words.0
        words.3 ^= words.1
        words.1 ^= words.2
        words.0 ^= words.3
        words.2 ^= shifted
        words.3 = words.3 << 45 | words.3 >> 19
        return result
    }
}
