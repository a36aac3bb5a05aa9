import Testing
import Wire

@Suite struct ItemTextsTests {
    /// The items, or the place where the text falls apart.
    private enum Found: Equatable {
        case items([String])
        case broken(Int?)
    }

    private func find(_ text: String, _ form: ItemForm, max: Int = 1_000) -> Found {
        Array(text.utf8).withUnsafeBufferPointer { bytes in
            do throws(ItemFormError) {
                let items = try itemTexts(bytes, form, max: max)
                return .items(items.map { String(decoding: $0, as: UTF8.self) })
            } catch { return .broken(error.index) }
        }
    }

    @Test(
        arguments: [
            ("[]", []), (" [ ] ", []), ("\u{FEFF}[1]", ["1"]), ("[1]\r\n", ["1"]),
            ("[ {\"a\":1} ,\n {\"b\":[2,{}]} ]", ["{\"a\":1}", "{\"b\":[2,{}]}"]),
            (#"["]", "a,b", "\"]", "\\"]"#, [#""]""#, #""a,b""#, #""\"]""#, #""\\""#]),
            ("[[1,2],[],[[]]]", ["[1,2]", "[]", "[[]]"]),
            // What is not JSON stays an item: whoever reads it says so.
            ("[tru, {a:1}]", ["tru", "{a:1}"]), ("[{}{}]", ["{}{}"]), ("[{]]", ["{]"]),
            ("[\"\u{1}é\u{1F600}\"]", ["\"\u{1}é\u{1F600}\""]),
        ] as [(String, [String])])
    func elementsAreFound(text: String, items: [String]) {
        #expect(find(text, .array) == .items(items))
    }

    @Test(
        arguments: [
            ("", nil), (" ", nil), ("{}", nil), ("1", nil), ("\"[]\"", nil), ("x[]", nil),
            ("[", 0), ("[1", 0), ("[1,", 1), ("[1,]", 1), ("[,1]", 0), ("[,]", 0), ("[1,,2]", 1),
            ("[\"a]", 0), ("[\"a\\\"]", 0), ("[\"\\", 0), ("[1, {\"a\":[}]", 1), ("[1}", 0),
            ("[{]}]", 0),
            ("[1]]", 1), ("[1] 2", 1), ("[][]", 0), ("[1],", 1), ("[{},{\"a\":\"", 1),
        ] as [(String, Int?)])
    func whatFallsApartIsNamed(text: String, index: Int?) {
        #expect(find(text, .array) == .broken(index))
    }

    @Test(
        arguments: [
            ("", []), ("\n\n \r\n\t\n", []), ("{}\n", ["{}"]), ("{}", ["{}"]),
            ("{}\r\n[1]\r\n", ["{}", "[1]"]), ("\u{FEFF}{}\n\n x \n", ["{}", "x"]),
            ("{\"a\":\"\\n\"}\n{", ["{\"a\":\"\\n\"}", "{"]), ("1\r2", ["1\r2"]),
            ("1\u{2028}2", ["1\u{2028}2"]),
        ] as [(String, [String])])
    func linesAreFound(text: String, items: [String]) {
        #expect(find(text, .lines) == .items(items))
    }

    @Test(arguments: [ItemForm.array, .lines])
    func itEndsAtOneTooMany(form: ItemForm) {
        func text(_ count: Int) -> String {
            let items = Array(repeating: "1", count: count)
            return form == .array
                ? "[" + items.joined(separator: ",") + "]" : items.joined(separator: "\n")
        }
        for count in [1, 9, 10, 11] {
            #expect(find(text(count), form, max: 10) == .items(Array(repeating: "1", count: count)))
        }
        // What stands behind is not looked at.
        let rest = form == .array ? text(11).dropLast() + ",{\"" : text(11) + "\n{\""
        #expect(find(String(rest), form, max: 10) == .items(Array(repeating: "1", count: 11)))
    }

    @Test func manyNamesAreStillTold() {
        let names = (0..<40).map { "\"k\($0)\":1" }
        #expect(failure("{\(names.joined(separator: ","))}") == nil)
        for index in [0, 15, 16, 17, 39] {
            let text = "{\((names + [names[index]]).joined(separator: ","))}"
            #expect(failure(text)?.kind == .duplicateKey, "\(index)")
            #expect(failure("{\"o\":\(text)}")?.kind == .duplicateKey, "\(index), inside")
        }
    }
}
