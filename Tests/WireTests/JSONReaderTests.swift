import Foundation
import Integrations
import Testing
import Wire

@Suite struct JSONReaderTests {
    /// Texts as programs write them: accepted, with the values that Foundation reads.
    @Test func readsWhatFoundationReads() {
        var texts = JSONTexts(seed: 11)
        for _ in 0..<15_000 {
            let text = texts.next().sent
            guard let found = try? members(text), isEqual(found, foundation(Array(text.utf8)))
            else {
                Issue.record("\(text.debugDescription)")
                return
            }
        }
    }

    /// Damaged texts: accepted if and only if Foundation accepts them, unless the reader is
    /// stricter for a reason that it names.
    @Test func refusesWhatFoundationRefuses() {
        var texts = JSONTexts(seed: 12)
        var damage = SplitMix(seed: 13)
        var counts = (accepted: 0, refused: 0, stricter: 0)
        for _ in 0..<30_000 {
            var bytes = Array(texts.next().sent.utf8)
            for _ in 0...damage.int(0..<2) { damage.damage(&bytes) }
            if Self.isReadOtherwise(bytes) { continue }
            let expected = foundation(bytes)
            let isAsExpected: Bool
            do throws(JSONError) {
                isAsExpected = isEqual(try members(bytes), expected)
                counts.accepted += 1
            } catch {
                if Self.stricter.contains(error.kind) {
                    counts.stricter += 1
                    continue
                }
                isAsExpected = expected == nil
                counts.refused += 1
            }
            guard isAsExpected else {
                Issue.record("\(bytes), Foundation: \(expected == nil ? "refused" : "accepted")")
                return
            }
        }
        #expect(counts.accepted > 1_000 && counts.refused > 5_000, "\(counts)")
        #expect(counts.stricter < 3_000, "\(counts)")
    }

    /// What the reader refuses on purpose and Foundation takes, or refuses under another name.
    private static let stricter: Set<JSONError.Kind> = [
        .duplicateKey, .loneSurrogate, .nulCharacter, .tooDeep, .tooManyKeys, .notAnObject,
    ]

    /// Foundation guesses other encodings from a byte order mark or from NUL bytes, lets a comma
    /// end an object, and refuses numbers that no Double holds.
    private static func isReadOtherwise(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        return bytes.starts(with: [0xEF, 0xBB, 0xBF]) || bytes.starts(with: [0xFF])
            || bytes.starts(with: [0xFE]) || bytes.contains(0)
            || text.contains(/,\s*\}/) || text.contains(/[eE][-+]?\d{3}/)
    }

    @Test func metadataStaysAsItWasSent() throws {
        var texts = JSONTexts(seed: 14)
        for _ in 0..<5_000 {
            let (sent, compact) = texts.next()
            let body = "{ \"a\" : 1 ,\"metadata\" :\(sent), \"z\":[1]}"
            guard case .object(let raw) = try members(body)[1].value else {
                Issue.record("\(sent.debugDescription)")
                return
            }
            let trimmed = sent.trimmingCharacters(in: .whitespacesAndNewlines)
            guard Array(raw.text.utf8) == Array(trimmed.utf8),
                raw.compactLength == compact.utf16.count
            else {
                Issue.record("\(sent.debugDescription): \(raw.compactLength)")
                return
            }
        }
    }

    @Test(arguments: [
        ("{}", 2), (" { } ", 2), ("[]", 2), ("{\"a\" : 1.50}", 10), ("[ 1 , 2 ]", 5),
        (#"{"a":"\u00e9"}"#, 9), (#"{"a":"\u0001"}"#, 14), (#"{"a":"\/"}"#, 9),
        (#"{"a":"\ud83d\ude00"}"#, 10), (#"{"a":"😀"}"#, 10), (#"{"\n":null}"#, 11),
    ])
    func compactLengths(json: String, length: Int) throws {
        switch try value(json) {
        case .object(let raw), .array(let raw): #expect(raw.compactLength == length)
        default: Issue.record("not a container")
        }
    }

    @Test(
        arguments: [
            ("", .syntax, ""), ("   ", .syntax, ""), ("{", .syntax, ""), ("{}}", .syntax, ""),
            ("{} {}", .syntax, ""), ("{\"a\":1,}", .syntax, ""), ("{\"a\"}", .syntax, "a"),
            ("{'a':1}", .syntax, ""), ("{a:1}", .syntax, ""), ("{\"a\":01}", .syntax, ""),
            ("{\"a\":+1}", .syntax, "a"), ("{\"a\":.5}", .syntax, "a"),
            ("{\"a\":1.}", .syntax, "a"),
            ("{\"a\":1e}", .syntax, "a"), ("{\"a\":-}", .syntax, "a"),
            ("{\"a\":NaN}", .syntax, "a"),
            ("{\"a\":Infinity}", .syntax, "a"), ("{\"a\":tru}", .syntax, "a"),
            ("{\"a\":truee}", .syntax, ""), ("{\"a\":\"\n\"}", .syntax, "a"),
            (#"{"a":"\x"}"#, .syntax, "a"), (#"{"a":"\u12g4"}"#, .syntax, "a"),
            (#"{"a":"\u12"}"#, .syntax, "a"), (#"{"a":"x}"#, .syntax, "a"),
            ("/**/{}", .syntax, ""), ("{\"a\":[1,]}", .syntax, "a"),
            ("{\"a\":[1 2]}", .syntax, "a"),
            ("[1]", .notAnObject, ""), ("\"a\"", .notAnObject, ""), ("7", .notAnObject, ""),
            ("null", .notAnObject, ""),
            (#"{"a":1,"a":2}"#, .duplicateKey, "a"), (#"{"a":1,"\u0061":2}"#, .duplicateKey, "a"),
            (#"{"m":{"b":{"c":1,"c":2}}}"#, .duplicateKey, "m.b.c"),
            (#"{"m":[{"c":1,"c":2}]}"#, .duplicateKey, "m.c"),
            (#"{"a":"\ud800"}"#, .loneSurrogate, "a"), (#"{"a":"\udc00"}"#, .loneSurrogate, "a"),
            (#"{"a":"\ud800\ud800"}"#, .loneSurrogate, "a"),
            (#"{"a":"\ud800\n"}"#, .loneSurrogate, "a"),
            (#"{"m":{"\ude00":1}}"#, .loneSurrogate, "m"),
            (#"{"m":{"a":"\u0000"}}"#, .nulCharacter, "m.a"),
            ("{\"a\":\"\0\"}", .nulCharacter, "a"),
        ] as [(String, JSONError.Kind, String)])
    func errorsNameTheirPlace(text: String, kind: JSONError.Kind, path: String) {
        let error = failure(text)
        #expect(error?.kind == kind)
        #expect(error?.path == path)
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0x80], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80],
            [0xF4, 0x90, 0x80, 0x80],
            [0x80], [0xF8, 0x88, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func invalidUTF8NamesItsPlace(bytes: [UInt8]) {
        for tail in ["\"}}", "\\n\"}}"] {
            let body = Array(#"{"metadata":{"a":"x"#.utf8) + bytes + Array(tail.utf8)
            #expect(failure(body)?.kind == .invalidUTF8)
            #expect(failure(body)?.path == "metadata.a")
        }
    }

    @Test func depthIsBounded() {
        func nested(_ depth: Int) -> String {
            "{\"a\":" + String(repeating: "[", count: depth - 1)
                + String(repeating: "]", count: depth - 1) + "}"
        }
        #expect(failure(nested(JSONReader.depthMax)) == nil)
        #expect(failure(nested(JSONReader.depthMax + 1))?.kind == .tooDeep)
        #expect(failure(nested(200_000))?.kind == .tooDeep)
        #expect(failure(String(repeating: "{\"a\":", count: 200_000))?.kind == .tooDeep)
    }

    @Test func keysAreBounded() {
        func keys(_ count: Int) -> String {
            "{" + (0..<count).map { "\"k\($0)\":1" }.joined(separator: ",") + "}"
        }
        #expect(failure(keys(JSONReader.keysMax)) == nil)
        #expect(failure(keys(JSONReader.keysMax + 1))?.kind == .tooManyKeys)
        #expect(failure("{\"m\":\(keys(JSONReader.keysMax + 1))}")?.path == "m")
    }

    @Test func keysThatLookAlikeAreDifferent() {
        #expect(failure("{\"caf\u{E9}\":1,\"cafe\u{301}\":2}") == nil)
        #expect(failure("{\"m\":{\"caf\u{E9}\":1,\"cafe\u{301}\":2}}") == nil)
    }

    @Test func aByteOrderMarkWithinAStringStays() throws {
        #expect(try value("\"\u{FEFF}a\\n\u{FEFF}b\"") == .string("\u{FEFF}a\n\u{FEFF}b"))
    }

    @Test func elementsAreRead() throws {
        guard case .array(let raw) = try value(#"[1.0, "a", {"b": 2}, []]"#) else {
            throw JSONTextMissing()
        }
        #expect(try raw.elements().map(\.typeName) == ["number", "string", "object", "array"])
        #expect(try raw.elements().first == .number("1.0"))
    }
}

extension SplitMix {
    /// Changes a few bytes.
    fileprivate mutating func damage(_ bytes: inout [UInt8]) {
        let place = int(0..<bytes.count)
        let alphabet =
            Array("{}[]:,\"\\ \n\t0123456789-+.eEtrufalsn/'\u{1}".utf8) + [0x80, 0xC3, 0xF0]
        switch int(0..<5) {
        case 0 where bytes.count > 1: bytes.remove(at: place)
        case 1: bytes.insert(pick(alphabet), at: place)
        case 2: bytes[place] = pick(alphabet)
        case 3 where bytes.count > 1: bytes.removeLast(int(1..<min(bytes.count, 4)))
        default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 3)], at: place)
        }
    }
}

/// What Foundation reads; nil if it refuses the text.
private func foundation(_ bytes: [UInt8]) -> [String: Any]? {
    (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any]
}

private func isEqual(_ found: [JSONMember], _ expected: [String: Any]?) -> Bool {
    guard let expected, found.count == expected.count else { return false }
    return found.allSatisfy { member in
        expected[member.name].map { isEqual(member.value, $0) } ?? false
    }
}

private func isEqual(_ found: JSONValue, _ expected: Any) -> Bool {
    switch found {
    case .null: return expected is NSNull
    case .bool(let flag): return expected as? Bool == flag
    case .number(let text):
        // Foundation goes through Decimal, whose last bit may differ.
        guard let number = Double(text), let other = (expected as? NSNumber)?.doubleValue else {
            return false
        }
        return abs(number - other) <= abs(number) * 1e-14
    case .string(let text):
        return (expected as? String).map { Array($0.utf16) == Array(text.utf16) } ?? false
    case .object(let raw):
        guard let members = try? raw.members() else { return false }
        return isEqual(members, expected as? [String: Any])
    case .array(let raw):
        guard let elements = try? raw.elements(), let list = expected as? [Any],
            elements.count == list.count
        else { return false }
        return zip(elements, list).allSatisfy { isEqual($0, $1) }
    }
}
