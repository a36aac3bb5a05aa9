import Attribution
import Foundation
import Integrations
import Testing

@Suite struct TimestampTests {
    private static let samples: [Int64] = {
        var random = SplitMix(seed: 1)
        let last = Timestamp.distantFuture.milliseconds
        return [0, 1, 999, 1_000, last, last - 1, 951_782_400_000, 4_107_542_400_000]
            + (0..<10_000).map { _ in .random(in: 0...last, using: &random) }
            + (0..<10_000).map { _ in .random(in: 0...4_102_444_800_000, using: &random) }
    }()

    @Test func spellsWhatFoundationSpells() {
        let formatter = ISO8601DateFormatter()
        for milliseconds in Self.samples {
            let seconds = milliseconds / 1_000
            let text = formatter.string(from: Date(timeIntervalSince1970: TimeInterval(seconds)))
            let fraction = String(1_000 + milliseconds % 1_000).dropFirst()
            let expected = "\(text.dropLast()).\(fraction)Z"
            let moment = Timestamp(milliseconds: milliseconds)
            guard moment.iso8601 == expected, Timestamp(text: expected) == moment else {
                Issue.record("\(milliseconds): \(moment.iso8601), not \(expected)")
                return
            }
        }
    }

    @Test func countsDaysAsFoundationDoes() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        for milliseconds in Self.samples {
            let seconds = TimeInterval(milliseconds / 1_000)
            let parts = calendar.dateComponents(
                [.year, .month, .day], from: Date(timeIntervalSince1970: seconds))
            let date = Timestamp(milliseconds: milliseconds).date
            let expected = [parts.year, parts.month, parts.day].map { Int64($0 ?? -1) }
            guard [date.year, date.month, date.day] == expected,
                date.daysSinceEpoch == milliseconds / Timestamp.day,
                CivilDate(daysSinceEpoch: date.daysSinceEpoch) == date
            else {
                Issue.record("\(milliseconds): \(date), not \(expected)")
                return
            }
        }
    }

    @Test func daysBeforeTheEpochCountBackwards() {
        for day in Int64(-800_000)...0 {
            let date = CivilDate(daysSinceEpoch: day)
            guard date.daysSinceEpoch == day else {
                Issue.record("\(day): \(date)")
                return
            }
        }
        let before = CivilDate(daysSinceEpoch: -1)
        #expect(before == CivilDate(year: 1969, month: 12, day: 31))
        #expect(Timestamp(milliseconds: -1).date == before)
    }

    @Test(arguments: [
        ("2026-08-21", "2026-08-21T00:00:00.000Z"),
        ("2026-08-21T10:00", "2026-08-21T10:00:00.000Z"),
        ("2026-08-21 10:00:01", "2026-08-21T10:00:01.000Z"),
        ("2026-08-21T10:00:01Z", "2026-08-21T10:00:01.000Z"),
        ("2026-08-21t10:00:01z", "2026-08-21T10:00:01.000Z"),
        ("2026-08-21T10:00:01.5Z", "2026-08-21T10:00:01.500Z"),
        ("2026-08-21T10:00:01.0456789Z", "2026-08-21T10:00:01.045Z"),
        ("2026-08-21T10:00:01.999999999Z", "2026-08-21T10:00:01.999Z"),
        ("2026-08-21T00:30:00+02:00", "2026-08-20T22:30:00.000Z"),
        ("2026-08-21T00:30:00+0200", "2026-08-20T22:30:00.000Z"),
        ("2026-08-21T00:30:00+02", "2026-08-20T22:30:00.000Z"),
        ("2026-08-21T23:30:00-05:30", "2026-08-22T05:00:00.000Z"),
        ("2000-02-29", "2000-02-29T00:00:00.000Z"),
        ("1970-01-01", "1970-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ("0", "1970-01-01T00:00:00.000Z"),
        ("1790000000", "2026-09-21T14:13:20.000Z"),
        ("1790000000123", "2026-09-21T14:13:20.123Z"),
    ])
    func reads(text: String, expected: String) {
        #expect(Timestamp(text: text)?.iso8601 == expected)
    }

    @Test(arguments: [
        "", " ", "now", "2026-8-21", "2026-08", "2026-00-10", "2026-13-01", "2026-04-31",
        "2026-02-29", "2100-02-29", "1969-12-31", "0000-01-01", "10000-01-01", "2026-08-21T",
        "2026-08-21T10", "2026-08-21T24:00", "2026-08-21T10:60", "2026-08-21T10:00:60",
        "2026-08-21T10:00:00.", "2026-08-21T10:00:00.Z", "2026-08-21T10:00:00ZZ",
        "2026-08-21T10:00:00+24:00", "2026-08-21T10:00:00+02:60", "2026-08-21T10:00:00+2",
        "2026-08-21T10:00:00+02:", "2026-08-21T10:00:00 +02:00", "2026/08/21", "21.08.2026",
        "2026-08-21Z", "-1", "1.5", "1e12", "253402300800000", "99999999999999999999",
        "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "２０２６-08-21",
    ])
    func refuses(text: String) { #expect(Timestamp(text: text) == nil) }

    @Test func adds() {
        #expect(World.noon.adding(-1) < World.noon)
        #expect(
            World.noon.adding(Timestamp.day).date.daysSinceEpoch
                == World.noon.date.daysSinceEpoch + 1)
    }
}
