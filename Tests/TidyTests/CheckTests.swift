import Testing

/// Each check can fail, and fails for nothing else.
@Suite struct CheckTests {
    private func rules(_ text: String) -> SourceFile {
        SourceFile("Sources/Attribution/Example.swift", text)
    }
    private func words(_ findings: [Finding]) -> [String] {
        findings.map { "\($0.line) \($0.what)" }
    }

    @Test func longLines() {
        let long = String(repeating: "x", count: 100)
        #expect(words(Check.longLines(rules("a\n\(long)y"))) == ["2 101 characters"])
        #expect(Check.longLines(rules(long)) == [])
        #expect(Check.longLines(rules("    ? \"\(long)\",")) == [])
        #expect(Check.longLines(rules("    \"\\(a + \"b\") \(long)\"")) == [])
        #expect(Check.longLines(rules(String(repeating: "é", count: 100))) == [])
        #expect(words(Check.longLines(rules("let a = \"\(long)\""))) == ["1 110 characters"])
        #expect(words(Check.longLines(rules("\"\"\"\n\(long)z\n\"\"\""))) == ["2 101 characters"])
        #expect(words(Check.longLines(rules("// \"\(long)\""))) == ["1 105 characters"])
    }

    @Test func longFiles() {
        #expect(Check.longFiles(rules(String(repeating: "a\n", count: 400))) == [])
        #expect(
            words(Check.longFiles(rules(String(repeating: "a\n", count: 401))))
                == ["401 401 lines"])
    }

    @Test(arguments: [
        "func f() {",
        "    private static func f<T>(\n        a: T\n    ) throws -> T\n    where T: P {",
        "package init?(_ a: (Int) -> Void = { _ in }) {", "var x: Int {",
        "static let x: Int = {", "@Test(arguments: [\"{\"]) func f() {", "deinit {",
    ])
    func longFunctions(head: String) {
        func file(_ count: Int) -> SourceFile {
            let lines = head.split(separator: "\n").count + 1
            let body = String(repeating: "    a(\"}\") // }\n", count: count - lines)
            return rules("// {\n\(head)\n\(body)}\n")
        }
        #expect(Check.longFunctions(file(70)) == [])
        #expect(words(Check.longFunctions(file(71))) == ["2 a function of 71 lines"])
    }

    @Test func requirementsHaveNoBody() {
        let text = "protocol P {\n    func f()\n    var x: Int\n    init(a: Int)\n}\n"
        #expect(Check.functions(rules(text)) == [])
    }

    @Test func foreignImports() {
        #expect(
            words(Check.foreignImports(rules("import Foundation"))) == [
                "1 Attribution imports Foundation"
            ])
        #expect(
            words(Check.foreignImports(rules("private import struct Wire.Rule"))) == [
                "1 Attribution imports Wire"
            ])
        #expect(Check.foreignImports(rules("// import Foundation\nlet a = \"import B\"")) == [])
        let wire = SourceFile("Sources/Wire/A.swift", "import Attribution\nimport Ledger")
        #expect(words(Check.foreignImports(wire)) == ["2 Wire imports Ledger"])
        let ledger = SourceFile("Sources/Ledger/A.swift", "import Foundation\nimport GRDB")
        #expect(words(Check.foreignImports(ledger)) == ["2 Ledger imports GRDB"])
        let engine = SourceFile("Sources/SQLiteEngine/A.swift", "import GRDB")
        #expect(Check.foreignImports(engine) == [])
    }

    @Test(arguments: [
        "Date()", "let id = UUID().uuidString", "Int.random(in: 0...1)", "ContinuousClock.now",
        "print(1)", "list.randomElement()", "func f() async {", "clock_gettime(0, &a)",
    ])
    func impurities(text: String) {
        #expect(Check.impurities(rules(text)).count == 1)
        #expect(Check.impurities(rules("// \(text)")) == [])
        #expect(Check.impurities(SourceFile("Sources/Ledger/A.swift", text)) == [])
    }

    @Test(arguments: [
        "try! f()", "a as! B", "fatalError()", "preconditionFailure(\"a\")", "precondition(a)",
        "class A: @unchecked Sendable {", "nonisolated(unsafe) var a = 1", "a!.b", "f()!", "a[0]!",
        "var a: Int!", "\"\\(a!)\"", "unsafeBitCast(a, to: B.self)",
    ])
    func dangers(text: String) {
        #expect(!Check.dangers(rules(text)).isEmpty)
        #expect(Check.dangers(rules("/* \(text) */ // \(text)")) == [])
    }

    @Test(arguments: ["!a", "a != b", "a && !b", "\"a!\"", "try? f()", "a as? B", "#\"a!\"#"])
    func harmless(text: String) { #expect(Check.dangers(rules(text)) == []) }

    @Test func unfinishedWork() {
        for word in ["TO" + "DO", "FIX" + "ME"] {
            #expect(words(Check.unfinishedWork(rules("a\n// \(word): b"))) == ["2 \(word)"])
        }
        #expect(Check.unfinishedWork(rules("let todos = 1 // to do")) == [])
    }

    @Test func emptyNames() {
        for name in [
            "LinkManager", "ManagerOfLinks", "Helpers", "StringUtils", "SaleV2", "NewSale",
        ] {
            #expect(words(Check.emptyNames(rules("struct \(name) {"))) == ["1 \(name)"])
        }
        #expect(Check.emptyNames(rules("struct Utilization {\nenum News {\nlet manager = 1")) == [])
    }

    @Test func deadLinks() {
        let text = """
            [a](b.md) [c](../d.md#e) [f](https://g.test/h) [i](#j) `[k](l.md)` ![m](/n.png "o")
            ```
            [p](q.md)
            ```
            [r]: s.md
            [t](u/) [v](mailto:a@b.test)
            """
        var asked: [String] = []
        let dead = Check.deadLinks(in: text, at: "docs/x/y.md") { path in
            asked.append(path)
            return path == "docs/d.md"
        }
        #expect(asked == ["docs/x/b.md", "docs/d.md", "n.png", "docs/x/s.md", "docs/x/u"])
        #expect(dead == ["b.md", "/n.png", "s.md", "u/"])
    }

    @Test func masks() {
        let file = rules(
            ##"a("}", "\(b("}") { $0 })") /* { /* } */ } */ + #"}"\#(c)"# / 2 // }"##)
        #expect(file.code[0].filter { "{}".contains($0) } == "{}")
        #expect(file.code[0].contains("b(") && file.code[0].contains("+"))
        #expect(rules("x.contains(/[{]/, a / b / c)").code[0].contains("a / b / c"))
        #expect(!rules("x.contains(/[{]/)").code[0].contains("{"))
        #expect(
            rules("let a = \"\"\"\n  { \"x\" }\n  \"\"\"\nb").code.map { $0.filter { $0 != " " } }
                == ["leta=", "", "", "b"])
    }
}
