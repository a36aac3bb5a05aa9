import Attribution
import Foundation
import Integrations
import Testing
import Wire

@Suite struct JSONWriterTests {
    @Test func commasAndNames() {
        var writer = JSONWriter()
        writer.object {
            $0.member("a", "x")
            $0.member("b", Int64(-1))
            $0.member("c", true)
            $0.member("d", nil as String?)
            $0.null("e")
            $0.object("f") { _ in }
            $0.object("g") { $0.member("h", false) }
            $0.name("i")
            $0.array([1, 2]) { $0.integer($1) }
            $0.name("j")
            $0.array([Int64]()) { $0.integer($1) }
            $0.member("k", json: #"{"l": 1.0}"#)
            $0.member("m", json: nil)
            $0.member("n", Timestamp(milliseconds: 0))
            $0.name(text: "o\"")
            $0.string("p")
        }
        #expect(
            writer.text == #"{"a":"x","b":-1,"c":true,"d":null,"e":null,"f":{},"g":{"h":false},"#
                + #""i":[1,2],"j":[],"k":{"l": 1.0},"m":null,"n":"1970-01-01T00:00:00.000Z","#
                + #""o\"":"p"}"#)
    }

    @Test(arguments: [
        ("", #""""#), ("a\"b", #""a\"b""#), ("\\", #""\\""#), ("/", #""/""#),
        ("\n\r\t\u{8}\u{C}", #""\n\r\t\b\f""#), ("\u{0}\u{1F}", #""\u0000\u001f""#),
        ("\u{7F}é€😀\u{2028}", "\"\u{7F}é€😀\u{2028}\""),
    ])
    func escapes(text: String, expected: String) {
        var writer = JSONWriter()
        writer.string(text)
        #expect(writer.text == expected)
    }

    @Test func foundationReadsWhatItWrites() throws {
        var random = SplitMix(seed: 21)
        for _ in 0..<2_000 {
            var text = ""
            for _ in 0..<random.int(0..<20) {
                let scalar = Unicode.Scalar(UInt32(random.int(0..<0x300))) ?? "x"
                text.unicodeScalars.append(random.chance(10) ? "\u{1F600}" : scalar)
            }
            var writer = JSONWriter()
            writer.array([text]) { $0.string($1) }
            let read = try JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String]
            guard read?.first.map({ Array($0.utf16) }) == Array(text.utf16) else {
                Issue.record("\(text.debugDescription): \(writer.text)")
                return
            }
        }
    }
}
