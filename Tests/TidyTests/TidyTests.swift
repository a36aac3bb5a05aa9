import Foundation
import Testing

/// The repository checks itself.
@Suite struct TidyTests {
    private let repository: Repository
    private let sources: [SourceFile]

    init() throws {
        repository = try Repository.located()
        sources = try repository.sources()
    }

    @Test func theSourcesAreFound() {
        #expect(sources.contains { $0.path == "Sources/Attribution/Credit.swift" })
        #expect(sources.contains { $0.path == "Tests/TidyTests/TidyTests.swift" })
        #expect(!repository.paths.contains { $0.contains(".build/") })
    }

    @Test func linesAreShort() { expectNone(Check.longLines) }
    @Test func filesAreShort() { expectNone(Check.longFiles) }
    @Test func functionsAreShort() {
        expectNone(Check.longFunctions)
        #expect(sources.flatMap(Check.functions).count > 500, "functions are found at all")
    }
    @Test func importsKeepToTheirLayer() { expectNone(Check.foreignImports) }
    @Test func theRulesArePure() { expectNone(Check.impurities) }
    @Test func noWorkIsLeftInComments() { expectNone(Check.unfinishedWork) }
    @Test func namesSaySomething() { expectNone(Check.emptyNames) }

    /// Where a word that can stop the program, or hides something from the compiler, is in place.
    /// The list may only shrink.
    private static let allowances: [(path: String, word: String, reason: String)] = [
        (
            "Sources/Visitors/Pattern.swift", "nonisolated(unsafe)",
            "a compiled pattern, never changed after it is made"
        ),
        (
            "Sources/Visitors/Places.swift", "nonisolated(unsafe)",
            "a read-only database, whose library allows lookups from any thread"
        ),
        (
            "Sources/SQLiteEngine/RegistryWatch.swift", "nonisolated(unsafe)",
            "SQLite handles, used under the lock beside them"
        ),
        (
            "Sources/SQLiteEngine/Checkpointer.swift", "nonisolated(unsafe)",
            "a SQLite handle, used by its one thread"
        ),
        (
            "Sources/SQLiteEngine/SQLiteTransaction.swift", "unsafeBitCast",
            "SQLITE_TRANSIENT is a macro that Swift can't import"
        ),
        (
            "Sources/PostgresEngine/PostgresDatabase.swift", "nonisolated(unsafe)",
            "the writing session, used under the lock beside it"
        ),
        (
            "Sources/PostgresEngine/PostgresConnection.swift", "nonisolated(unsafe)",
            "a request to cancel, which the library allows on any thread"
        ),
        (
            "Sources/Server/API/HTTP.swift", "preconditionFailure",
            "names of headers are constants of the source"
        ),
    ]

    @Test func dangersAreListed() {
        let findings = sources.flatMap(Check.dangers)
        let unlisted = findings.filter { finding in
            !Self.allowances.contains { $0.path == finding.path && $0.word == finding.what }
        }
        #expect(unlisted == [])
        for allowance in Self.allowances {
            #expect(
                findings.contains { $0.path == allowance.path && $0.what == allowance.word },
                "no longer needed: \(allowance)")
        }
    }

    @Test func linksInMarkdownLeadSomewhere() throws {
        let known = Set(repository.paths)
        for path in repository.paths where path.hasSuffix(".md") {
            let dead = Check.deadLinks(in: try repository.text(path), at: path) { target in
                target.isEmpty || known.contains(target)
                    || FileManager.default.fileExists(
                        atPath: repository.root.appendingPathComponent(target).path)
            }
            #expect(dead == [], "\(path)")
        }
    }

    private func expectNone(
        _ check: (SourceFile) -> [Finding], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(sources.flatMap(check) == [], sourceLocation: sourceLocation)
    }
}
