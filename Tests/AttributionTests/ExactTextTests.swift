import Attribution
import Testing

/// Texts are keys: equal only to the same bytes, however long.
@Suite struct ExactTextTests {
    @Test func aTextIsSameAsItselfOfAnyLength() {
        for length in 0...40 {
            let text = String(repeating: "x", count: length)
            #expect(isSame(text, String(text.utf8.map { Character(UnicodeScalar($0)) })))
        }
    }

    @Test func oneOtherByteAtAnyPlaceIsAnotherText() {
        for length in 1...40 {
            for place in 0..<length {
                var bytes = [UInt8](repeating: UInt8(ascii: "x"), count: length)
                bytes[place] = UInt8(ascii: "y")
                #expect(
                    !isSame(
                        String(repeating: "x", count: length),
                        String(decoding: bytes, as: UTF8.self)))
            }
        }
    }

    @Test func theBeginningOfATextIsAnotherText() {
        #expect(!isSame("inv_12345678", "inv_123456789"))
        #expect(!isSame("", "x"))
        #expect(!isSame("x", ""))
    }

    @Test func spellingsOfALetterAreToldApart() {
        #expect("caf\u{E9}" == "cafe\u{301}")
        #expect(!isSame("caf\u{E9}", "cafe\u{301}"))
        #expect(ExactText("caf\u{E9}") != ExactText("cafe\u{301}"))
    }

    @Test func noTextIsOnlyNoText() {
        #expect(isSame(String?.none, nil))
        #expect(!isSame(nil, ""))
        #expect(isSame("a" as String?, "a"))
    }
}
