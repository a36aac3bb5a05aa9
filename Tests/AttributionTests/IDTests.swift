import Attribution
import Integrations
import Testing

@Suite struct IDTests {
    private static let base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    /// What seven digits hold: until August 2081.
    private static let eventTimeRange = (0..<7).reduce(Int64(1)) { product, _ in product * 62 }
    private static let crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

    @Test func aULIDHoldsItsTimeAndRandomBits() {
        var random = SplitMix(seed: 2)
        for _ in 0..<10_000 {
            let at = Timestamp(milliseconds: .random(in: 0..<1 << 45, using: &random))
            let high = UInt16(truncatingIfNeeded: random.next())
            let low = random.next()
            let text = IDText.ulid(prefix: "cus_", at: at, high, low)
            let expected =
                UInt128(at.milliseconds) << 80 | UInt128(high) << 64 | UInt128(low)
            guard text.hasPrefix("cus_"), text.count == 4 + 25,
                number(text.dropFirst(4), in: Self.crockford) == expected
            else {
                Issue.record("\(at.milliseconds) \(high) \(low): \(text)")
                return
            }
        }
    }

    @Test func ULIDsOfLaterMomentsSortLater() {
        let early = IDText.ulid(prefix: "ws_", at: World.noon, .max, .max)
        let late = IDText.ulid(prefix: "ws_", at: World.noon.adding(1), 0, 0)
        #expect(early < late)
    }

    @Test func anEventIDHoldsItsTimeAndRandomNumber() {
        var random = SplitMix(seed: 3)
        let range = UInt128(IDText.eventRandomRange)
        for _ in 0..<10_000 {
            let milliseconds = Int64.random(in: 0..<Self.eventTimeRange, using: &random)
            let word = random.next()
            let text = IDText.event(at: Timestamp(milliseconds: milliseconds), random: word)
            let expected = UInt128(milliseconds) * range + UInt128(word) % range
            guard text.utf8.count == 16, number(text[...], in: Self.base62) == expected else {
                Issue.record("\(milliseconds) \(word): \(text)")
                return
            }
        }
        #expect(range == (0..<9).reduce(1) { product, _ in product * 62 })
    }

    @Test func eventIDsSortByTimeThenNumber() {
        let range = IDText.eventRandomRange
        let moments: [(Int64, UInt64)] = [
            (0, 0), (0, 1), (0, 61), (0, 62), (0, range - 1), (1, 0), (61, 5), (62, 0),
            (1_790_000_000_000, 0), (1_790_000_000_000, range - 1), (1_790_000_000_001, 0),
        ]
        let ids = moments.map { IDText.event(at: .init(milliseconds: $0.0), random: $0.1) }
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == ids.count)
        #expect(
            ids.map { Array($0.utf8) }
                == ids.map { Array($0.utf8) }.sorted {
                    $0.lexicographicallyPrecedes($1)
                })
    }

    @Test func keysUseEveryCharacter() {
        var word: UInt64 = 0
        let key = IDText.key(length: 62) {
            defer { word += 1 }
            return word
        }
        #expect(key == Self.base62)
    }

    private func number(_ text: Substring, in alphabet: String) -> UInt128? {
        let digits = Array(alphabet)
        return text.reduce(UInt128(0) as UInt128?) { number, character in
            guard let number, let digit = digits.firstIndex(of: character) else { return nil }
            return number * UInt128(digits.count) + UInt128(digit)
        }
    }
}
