import RegexBuilder

/// What this repository holds itself to. Each check finds the places that break it.
enum Check {
    static let lineMax = 100
    static let fileMax = 400
    static let functionMax = 70

    /// A longer line is allowed only if one string literal stands alone on it: it can't be broken
    /// without breaking the text that people search for.
    static func longLines(_ file: SourceFile) -> [Finding] {
        file.lines.enumerated().compactMap { index, line in
            guard line.count > lineMax, !isLoneLiteral(line, file.literals[index] ?? []) else {
                return nil
            }
            return Finding(file, index + 1, "\(line.count) characters")
        }
    }

    /// Whether nothing but punctuation stands beside the line's one outermost literal.
    private static func isLoneLiteral(_ line: Substring, _ literals: [Range<Int>]) -> Bool {
        let bytes = Array(line.utf8)
        guard let outer = literals.max(by: { $0.count < $1.count }) else { return false }
        let rest = bytes[..<outer.lowerBound] + bytes[outer.upperBound...]
        return rest.allSatisfy { " ?:+=,()[]{}".utf8.contains($0) }
    }

    static func longFiles(_ file: SourceFile) -> [Finding] {
        let count = file.lines.count - (file.lines.last?.isEmpty == true ? 1 : 0)
        return count > fileMax ? [Finding(file, count, "\(count) lines")] : []
    }

    static func longFunctions(_ file: SourceFile) -> [Finding] {
        functions(file).filter { $0.count > functionMax }.map {
            Finding(file, $0.lowerBound + 1, "a function of \($0.count) lines")
        }
    }

    /// The lines of every function, initialiser, accessor and closure that is a declaration.
    static func functions(_ file: SourceFile) -> [Range<Int>] {
        let modifiers = /^\s*(?:@\w+(?:\([^)]*\))?\s+|[a-z]+(?:\([a-z]+\))?\s+)*/
        let declaration = /(?:func\s|init[?(<]|deinit\b|subscript\b|(?:var|let)\s)/
        return file.code.indices.compactMap { index in
            guard
                file.code[index].prefixMatch(
                    of: Regex {
                        modifiers
                        declaration
                    }) != nil
            else { return nil }
            return body(file, from: index).map { index..<$0 + 1 }
        }
    }

    /// The line that ends the body of the declaration on a line; nil if it has none.
    private static func body(_ file: SourceFile, from first: Int) -> Int? {
        var (brackets, braces) = (0, 0)
        for index in first..<file.code.count {
            for character in file.code[index] {
                switch character {
                case "(", "[": brackets += 1
                case ")", "]": brackets -= 1
                case "{" where braces > 0 || brackets == 0: braces += 1
                case "}" where braces > 0:
                    braces -= 1
                    if braces == 0 { return index }
                default: break
                }
            }
            if braces == 0, brackets <= 0, !continues(file, after: index) { return nil }
        }
        return nil
    }

    private static func continues(_ file: SourceFile, after index: Int) -> Bool {
        guard index + 1 < file.code.count else { return false }
        let next = file.code[index + 1].drop { $0 == " " }
        let ends = file.code[index].last { $0 != " " }
        return ends == "="
            || ["{", "where ", "->", "throws", "async"].contains { next.hasPrefix($0) }
    }

    // MARK: What may be used where

    private static let imports: [Substring: Set<Substring>] = [
        "Attribution": [], "Wire": ["Attribution"],
    ]
    /// The engine's library stays behind the seam.
    private static let engineOnly: Set<Substring> = ["GRDB", "GRDBSQLite"]
    /// The simulation puts faults below SQLite, and stages are compared with its bare statements:
    /// they know SQLite's interface, not GRDB's.
    private static func mayImport(_ module: Substring, _ target: Substring) -> Bool {
        target == "SQLiteEngine"
            || (["Simulation", "Stages"].contains(target) && module == "GRDBSQLite")
    }

    static func foreignImports(_ file: SourceFile) -> [Finding] {
        guard let target = file.target else { return [] }
        return file.code.enumerated().compactMap { index, line in
            guard
                let match = line.prefixMatch(of: /\s*(?:@?\w+\s+)?import\s+(?:\w+\s+)?(\w+)/)
            else { return nil }
            let isEngine = engineOnly.contains(match.1) && !mayImport(match.1, target)
            guard isEngine || imports[target]?.contains(match.1) == false else { return nil }
            return Finding(file, index + 1, "\(target) imports \(match.1)")
        }
    }

    /// Clocks, randomness, input and output, which the rules must do without.
    static func impurities(_ file: SourceFile) -> [Finding] {
        guard file.target == "Attribution" else { return [] }
        return find(/\b(?:Date|UUID|Clock|ContinuousClock|SuspendingClock)\b\s*[.(]/, in: file)
            + find(/\.random\(|\brandomElement\b|\bshuffled\b|RandomNumberGenerator/, in: file)
            + find(/\b(?:Task|Thread|FileManager|ProcessInfo)\b\s*[.({]|\bprint\(/, in: file)
            + find(/\bclock_gettime\b|\bgetenv\b|\)\s*async\b|\bawait\b/, in: file)
    }

    static func dangers(_ file: SourceFile) -> [Finding] {
        find(/\btry!|\bas!|\bfatalError\b|\bpreconditionFailure\b|\bprecondition\(/, in: file)
            + find(/@unchecked\b|nonisolated\(unsafe\)|\bunsafeBitCast\b/, in: file)
            + find(/[\w)\]]!(?!=)/, in: file)
    }

    private static func find<Output>(_ pattern: Regex<Output>, in file: SourceFile) -> [Finding] {
        file.code.enumerated().flatMap { index, line in
            line.matches(of: pattern.wordBoundaryKind(.simple)).map {
                Finding(file, index + 1, String(line[$0.range]))
            }
        }
    }

    // MARK: Words

    private static let unfinished = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]

    static func unfinishedWork(_ file: SourceFile) -> [Finding] {
        file.lines.enumerated().compactMap { index, line in
            let words = line.split { !$0.isLetter }
            return unfinished.first { words.contains(Substring($0)) }.map {
                Finding(file, index + 1, $0)
            }
        }
    }

    /// Names that say nothing.
    static func emptyNames(_ file: SourceFile) -> [Finding] {
        let types = /\b(?:struct|class|enum|actor|protocol|typealias)\s+(\w+)/
        let empty = /Manager|Helper|Util(?:s|ity|ities)?(?![a-z])|V\d+$|^New[A-Z]/
        return file.code.enumerated().flatMap { index, line in
            line.matches(of: types).filter { $0.1.contains(empty) }.map {
                Finding(file, index + 1, String($0.1))
            }
        }
    }

    // MARK: Markdown

    /// Links to files that are not there. `exists` is asked for paths from the root.
    static func deadLinks(
        in text: String, at path: String, exists: (String) -> Bool
    ) -> [String] {
        var isCode = false
        var targets: [Substring] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.drop(while: { $0 == " " }).hasPrefix("```") { isCode.toggle() }
            if isCode { continue }
            let prose = line.replacing(/`[^`]*`/, with: "")
            targets += prose.matches(of: /\]\(([^)\s]+)[^)]*\)/).map(\.1)
            targets += prose.matches(of: /^\s*\[[^\]]+\]:\s+(\S+)/).map(\.1)
        }
        return targets.filter { target in
            if target.contains(/^[a-z]+:/) || target.hasPrefix("#") { return false }
            let file = target.prefix { $0 != "#" && $0 != "?" }
            return !exists(resolve(String(file), from: path))
        }.map(String.init)
    }

    private static func resolve(_ target: String, from path: String) -> String {
        var parts = target.hasPrefix("/") ? [] : path.split(separator: "/").dropLast()
        for part in target.split(separator: "/") {
            switch part {
            case ".": break
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return parts.joined(separator: "/")
    }
}
