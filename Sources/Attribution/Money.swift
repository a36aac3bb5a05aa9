/// A currency of ISO 4217, by its lower-case alphabetic code.
package struct Currency: Hashable, Sendable {
    package let code: String
    /// How many decimal digits the minor unit has: 0 (JPY) to 4 (CLF).
    package let digits: Int

    /// Any spelling of the case is read; nil if the code is not one of ISO 4217.
    package init?(_ code: String) {
        // Three bytes: letters beyond ASCII that fold to one of these are no code.
        let lower = code.lowercased()
        guard code.utf8.count == 3, let digits = Self.digitsByCode[lower] else { return nil }
        self.code = lower
        self.digits = digits
    }

    private init(code: String, digits: Int) { (self.code, self.digits) = (code, digits) }

    package static let usd = Currency(code: "usd", digits: 2)
}

/// An amount in the minor unit of its currency. There is no floating point on the way of money:
/// 49.00 USD is 4900, 4900 JPY is 4900.
package struct Money: Hashable, Sendable {
    package var minorUnits: Int64
    package var currency: Currency

    package init(_ minorUnits: Int64, _ currency: Currency) {
        (self.minorUnits, self.currency) = (minorUnits, currency)
    }

    /// The largest amount of one sale: what JSON numbers carry exactly in every client, 2⁵³ − 1.
    package static let largestAmount: Int64 = 9_007_199_254_740_991
}

extension Int64 {
    /// The sum, or nil if it does not fit: totals never wrap around.
    package func checkedSum(_ other: Int64) -> Int64? {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? nil : sum
    }
}
