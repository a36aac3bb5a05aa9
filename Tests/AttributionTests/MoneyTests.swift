import Attribution
import Testing

@Suite struct MoneyTests {
    @Test(arguments: [
        ("JPY", 0), ("KRW", 0), ("CLP", 0), ("ISK", 0), ("USD", 2), ("EUR", 2), ("usd", 2),
        ("Huf", 2), ("KWD", 3), ("BHD", 3), ("TND", 3), ("CLF", 4), ("UYW", 4), ("XAU", 0),
    ])
    func digits(code: String, digits: Int) {
        #expect(Currency(code)?.digits == digits)
        #expect(Currency(code)?.code == code.lowercased())
    }

    @Test(arguments: [
        "", "us", "usdd", "zzz", "u$d", " usd", "usd ", "btc", "usd\0", "dollar", "\u{212A}WD",
    ])
    func unknownCodes(code: String) { #expect(Currency(code) == nil) }

    @Test func currenciesAreEqualByCode() {
        #expect(Currency("USD") == .usd)
        #expect(Money(1, .usd) != Money(1, Currency("eur") ?? .usd))
    }

    @Test(
        arguments: [
            (Int64.max, 0, Int64.max), (.max, 1, nil), (.max - 1, 1, .max), (.min, -1, nil),
            (.max, .max, nil), (.min, .max, -1), (2, 3, 5),
        ] as [(Int64, Int64, Int64?)])
    func sumsNeverWrap(a: Int64, b: Int64, sum: Int64?) { #expect(a.checkedSum(b) == sum) }

    @Test func theLargestAmountIsTheLargestSafeInteger() {
        #expect(Double(Money.largestAmount) + 1 == 9_007_199_254_740_992)
        #expect(Money.largestAmount == 9_007_199_254_740_991)
    }
}
