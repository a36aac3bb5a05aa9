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
                state.eventRandom += .random(in: 1...0xF_FFFF)
            } else {
                state.eventRandom = .random(in: 0..<IDText.eventRandomRange / 2)
            }
            return (ID(IDText.event(at: now, random: state.eventRandom)), now)
        }
    }

    package func eventID<Record>() -> ID<Record> { event().0 }

    package func id<Record>(_ prefix: String) -> ID<Record> {
        ID(
            IDText.ulid(
                prefix: prefix, at: now(), .random(in: 0 ... .max), .random(in: 0 ... .max)))
    }

    /// A secret or key of `[0-9A-Za-z]`, from the system's secure source.
    package func secret(length: Int) -> String {
        IDText.key(length: length) { .random(in: 0 ... .max) }
    }

    /// Three words for a customer whose name nobody knows.
    package func spareName() -> String {
        [Self.sizes, Self.colors, Self.animals].map { $0.randomElement() ?? "" }
            .joined(separator: " ")
    }

    private static let sizes = [
        "Big", "Small", "Swift", "Calm", "Bright", "Brave", "Kind", "Quiet",
    ]
    private static let colors = [
        "Red", "Blue", "Green", "Amber", "White", "Violet", "Golden", "Grey",
    ]
    private static let animals = [
        "Caribou", "Heron", "Otter", "Lynx", "Falcon", "Badger", "Dolphin", "Ibex", "Marten",
        "Plover", "Seal", "Wren",
    ]
}
