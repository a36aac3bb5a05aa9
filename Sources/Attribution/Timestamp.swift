/// A moment: milliseconds since 1970-01-01T00:00:00Z.
package struct Timestamp: Hashable, Comparable, Sendable {
    package var milliseconds: Int64
    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (a: Self, b: Self) -> Bool { a.milliseconds < b.milliseconds }
    package static let distantPast = Timestamp(milliseconds: 0)
    package static let distantFuture = Timestamp(milliseconds: 253_402_300_799_999)  // year 9999

    package static let second: Int64 = 1_000
    package static let hour: Int64 = 3_600_000
    package static let day: Int64 = 86_400_000

    package func adding(_ milliseconds: Int64) -> Timestamp {
        Timestamp(milliseconds: self.milliseconds + milliseconds)
    }
}

/// A date of the Gregorian calendar, UTC.
package struct CivilDate: Equatable, Sendable {
    package var year: Int64
    package var month: Int64
    package var day: Int64

    package init(year: Int64, month: Int64, day: Int64) {
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// Days since 1970-01-01, counted in 400-year eras that begin on March 1st.
    package var daysSinceEpoch: Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            - 719_468
    }

    package init(daysSinceEpoch: Int64) {
        let shifted = daysSinceEpoch + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    package static func daysInMonth(year: Int64, month: Int64) -> Int64 {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return switch month {
        case 2: leap ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension CivilDate {
    /// The first moment of the day, UTC.
    package var midnight: Timestamp {
        Timestamp(milliseconds: daysSinceEpoch * Timestamp.day)
    }
}

extension Timestamp {
    /// The first moments of its day and of its calendar month, UTC.
    package var midnight: Timestamp { date.midnight }
    package var startOfMonth: Timestamp {
        CivilDate(year: date.year, month: date.month, day: 1).midnight
    }

    package var date: CivilDate {
        var days = milliseconds / Self.day
        if milliseconds % Self.day < 0 { days -= 1 }
        return CivilDate(daysSinceEpoch: days)
    }

    /// ISO 8601 in UTC with milliseconds and `Z`, as the API spells every moment.
    package var iso8601: String {
        let date = self.date
        let ofDay = milliseconds - date.daysSinceEpoch * Self.day
        return String(unsafeUninitializedCapacity: 24) { buffer in
            var end = 0
            func put(_ value: Int64, digits: Int) {
                var rest = value
                for position in stride(from: end + digits - 1, through: end, by: -1) {
                    buffer[position] = UInt8(48 + rest % 10)
                    rest /= 10
                }
                end += digits
            }
            func put(_ scalar: Unicode.Scalar) {
                buffer[end] = UInt8(ascii: scalar)
                end += 1
            }
            put(date.year, digits: 4)
            put("-")
            put(date.month, digits: 2)
            put("-")
            put(date.day, digits: 2)
            put("T")
            put(ofDay / Self.hour, digits: 2)
            put(":")
            put(ofDay / 60_000 % 60, digits: 2)
            put(":")
            put(ofDay / 1_000 % 60, digits: 2)
            put(".")
            put(ofDay % 1_000, digits: 3)
            put("Z")
            return end
        }
    }

    /// Reads `2026-08-21`, `2026-08-21T10:00`, `…:00.123Z`, `…+02:00` (a space may stand for `T`;
    /// without an offset it is UTC), or a whole number of milliseconds (ten or fewer digits:
    /// seconds). Years 1970 to 9999.
    package init?(text: String) {
        var scan = DigitScan(Array(text.utf8))
        if let number = Int64(text) {
            guard number >= 0 else { return nil }
            let milliseconds = text.utf8.count <= 10 ? number * 1_000 : number
            guard milliseconds <= Self.distantFuture.milliseconds else { return nil }
            self.init(milliseconds: milliseconds)
            return
        }
        guard let year = scan.number(4), scan.take("-"), let month = scan.number(2),
            scan.take("-"), let day = scan.number(2), year >= 1970, (1...12).contains(month),
            (1...CivilDate.daysInMonth(year: year, month: month)).contains(day)
        else { return nil }
        let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
        guard let ofDay = scan.timeOfDay(), scan.atEnd else { return nil }
        let milliseconds = days * Self.day + ofDay
        guard (0...Self.distantFuture.milliseconds).contains(milliseconds) else { return nil }
        self.init(milliseconds: milliseconds)
    }
}

private struct DigitScan {
    let bytes: [UInt8]
    var position = 0
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var atEnd: Bool { position == bytes.count }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: scalar) else { return false }
        position += 1
        return true
    }

    mutating func number(_ digits: Int) -> Int64? {
        guard position + digits <= bytes.count else { return nil }
        var value: Int64 = 0
        for byte in bytes[position..<position + digits] {
            guard (48...57).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - 48)
        }
        position += digits
        return value
    }

    /// Milliseconds after midnight UTC of what follows the date; 0 if nothing does.
    mutating func timeOfDay() -> Int64? {
        if atEnd { return 0 }
        guard take("T") || take("t") || take(" "), let hour = number(2), take(":"),
            let minute = number(2), hour < 24, minute < 60
        else { return nil }
        var value = hour * Timestamp.hour + minute * 60_000
        if take(":") {
            guard let second = number(2), second < 60 else { return nil }
            value += second * 1_000
            if take(".") {
                guard let fraction = fraction() else { return nil }
                value += fraction
            }
        }
        guard let offset = offset() else { return nil }
        return value - offset
    }

    private mutating func fraction() -> Int64? {
        var value: Int64 = 0
        var digits = 0
        while digits < 9, let digit = number(1) {
            if digits < 3 { value = value * 10 + digit }
            digits += 1
        }
        guard digits > 0 else { return nil }
        while digits < 3 {
            value *= 10
            digits += 1
        }
        return value
    }

    private mutating func offset() -> Int64? {
        if atEnd || take("Z") || take("z") { return 0 }
        let sign: Int64
        if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
        guard let hours = number(2), hours < 24 else { return nil }
        let hasColon = take(":")
        let minutes = atEnd && !hasColon ? 0 : number(2)
        guard let minutes, minutes < 60 else { return nil }
        return sign * (hours * Timestamp.hour + minutes * 60_000)
    }
}
