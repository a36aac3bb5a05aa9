import Attribution
import Integrations
import Ledger
import Simulation
import Testing

/// The engines beside each other, from one run of both.
@Suite(.enabled(if: !Engine.isSQLite)) struct EngineTests {
    /// The same commands in the same batches leave the same rows, to the byte, and are answered
    /// the same.
    @Test(arguments: 51...54 as ClosedRange<UInt64>)
    func theSameWorkloadLeavesTheSameRows(seed: UInt64) async throws {
        var answers: [[String]] = []
        var dumps: [[String]] = []
        for engine in [Engine.sqlite, .postgres] {
            let scratch = try Scratch(engine)
            let ledger = Ledger(database: scratch.database)
            answers.append(try await work(ledger, seed))
            await ledger.stop()
            #expect(try scratch.differences() == [])
            dumps.append(try scratch.dump())
        }
        #expect(answers[0] == answers[1])
        #expect(dumps[0] == dumps[1])
        #expect(dumps[0].count > 1_000, "there is something to compare")
    }

    /// - Returns: the answers.
    private func work(_ ledger: Ledger, _ seed: UInt64) async throws -> [String] {
        var workload = Workload(seed: seed)
        var random = SplitMix(seed: seed)
        var answers = try await ledger.submit(workload.opening()).map { "\($0)" }
        for _ in 0..<12 {
            answers += try await ledger.submit(workload.batch(random.int(20..<250))).map { "\($0)" }
        }
        return answers
    }

    /// A young database is looked at before its plans are made for good; the server itself would
    /// do so after a minute.
    @Test func aYoungDatabaseGetsStatistics() async throws {
        let scratch = try Scratch()
        // One transaction: a look sees all of it or nothing.
        var limits = Limits()
        limits.batchMax = 2_000
        let ledger = Ledger(database: scratch.database, limits: limits)
        try await Shop.open(ledger)
        _ = try await ledger.submit((0..<2_000).map { Shop.lead("customer \($0)", by: "ca") })
        try await statistics(of: ["customer", "lead"], in: scratch)
        await ledger.stop()
    }

    /// A look in the middle of the first transaction finds a table that is large and as
    /// good as empty: it is not the last one.
    @Test func aLookThatCameTooEarlyIsRepeated() async throws {
        let scratch = try Scratch()
        for (numbers, seconds) in [(0...0, 0), (1...2_000, 3)] {
            try scratch.run(
                """
                INSERT INTO workspace
                  (id, slug, name, plan, allowed_hostnames, conflict_policy, created_at)
                SELECT number, number, number, 'none', '[]', 'replay', 0
                FROM generate_series(\(numbers.lowerBound), \(numbers.upperBound)) AS number;
                SELECT pg_sleep(\(seconds))
                """)
        }
        try await statistics(of: ["workspace"], in: scratch)
    }

    /// Waits twenty seconds, which is before the server would look by itself.
    private func statistics(of tables: [String], in scratch: Scratch) async throws {
        let names = tables.map { "'\($0)'" }.joined(separator: ", ")
        let looked = """
            SELECT count(*) FROM pg_class WHERE relname IN (\(names))
              AND relnamespace = current_schema()::regnamespace AND reltuples > 1000
            """
        var tries = 0
        while try scratch.number(looked) < tables.count, tries < 200 {
            try await Task.sleep(for: .milliseconds(100))
            tries += 1
        }
        #expect(tries < 200)
    }

    /// There and back: whatever was there is there again.
    @Test func aMoveMovesEverything() async throws {
        let (file, server, back) = (try Scratch(.sqlite), try Scratch(), try Scratch(.sqlite))
        let ledger = Ledger(database: file.database)
        _ = try await work(ledger, 55)
        await ledger.stop()
        let dump = try file.dump()
        let revision = try file.number("SELECT revision FROM registry")
        try server.run("UPDATE registry SET revision = \(revision + 10)")
        #expect(try move(file, server) == Int64(dump.count - Migration.all.count))
        #expect(try server.dump() == dump)
        #expect(try server.number("SELECT revision FROM registry") > revision + 10)
        #expect(try file.mark() == .moved(target: "b"))
        #expect(try server.mark() == nil)
        _ = try move(server, back)
        #expect(try back.dump() == dump)
        #expect(try back.differences() == [])
    }

    /// Not even a node that looked at the registry before the mark was there.
    @Test func nothingIsWrittenToWhatIsMoved() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        let dump = try scratch.dump()
        for mark in [MoveMark.moving(target: "b"), .moved(target: "b"), .unfinished(source: "a")] {
            try scratch.database.write { try $0.set(mark) }
            await #expect(throws: LedgerError.self) {
                _ = try await ledger.submit(Shop.lead("one more", by: "ca"))
            }
            #expect(try scratch.dump() == dump)
        }
        try scratch.database.write { try $0.set(nil) }
        _ = try await ledger.submit(Shop.lead("one more", by: "ca"))
        #expect(try scratch.dump() != dump)
        await ledger.stop()
    }

    /// Wherever it was interrupted, it goes on there, and nothing is copied twice.
    @Test(arguments: [1, 2, 5, 9]) func anInterruptedMoveGoesOn(pages: Int) async throws {
        struct Interruption: Error {}
        let (file, server) = (try Scratch(.sqlite), try Scratch())
        let ledger = Ledger(database: file.database)
        _ = try await work(ledger, 56)
        await ledger.stop()
        var seen = 0
        #expect(throws: Interruption.self) {
            try move(file, server, pageSize: 100) { _ in
                seen += 1
                if seen == pages { throw Interruption() }
            }
        }
        #expect(try server.mark() == .unfinished(source: "a"))
        #expect(try file.mark() == .moving(target: "b"))
        #expect(throws: Move.Problem.sourceUnfinished("a")) {
            try move(server, try Scratch(.sqlite), from: "b")
        }
        #expect(throws: Move.Problem.otherSource("a")) {
            try move(try Scratch(.sqlite), server, from: "c")
        }
        _ = try move(file, server, pageSize: 100)
        #expect(try server.dump() == file.dump().filter { !$0.hasPrefix("move|") })
        #expect(try file.mark() == .moved(target: "b"))
        #expect(throws: Move.Problem.finished) { try move(file, server) }
        #expect(throws: Move.Problem.otherTarget("b")) {
            try move(file, try Scratch(.sqlite), to: "c")
        }
    }

    @Test func aMoveNeedsAnEmptyPlaceAndASourceThatStands() async throws {
        struct Interruption: Error {}
        let (file, server) = (try Scratch(.sqlite), try Scratch())
        for scratch in [file, server] {
            let ledger = Ledger(database: scratch.database)
            try await Shop.open(ledger)
            await ledger.stop()
        }
        #expect(throws: Move.Problem.targetNotEmpty) { try move(file, server) }
        #expect(try file.mark() == nil)
        let fresh = try Scratch()
        #expect(throws: Interruption.self) {
            try move(file, fresh) { if $0.step == .comparing { throw Interruption() } }
        }
        try file.run("UPDATE customer SET name = 'Changed'")
        let problem = #expect(throws: Move.Problem.self) { try move(file, fresh) }
        #expect(problem == .different(table: "customer", key: "ws_shop ann"))
    }

    @discardableResult
    private func move(
        _ source: Scratch, _ target: Scratch, from name: String = "a", to other: String = "b",
        pageSize: Int = 2_000, _ progress: @escaping (Move.Progress) throws -> Void = { _ in }
    ) throws -> Int64 {
        var move = Move(
            from: source.database, to: target.database, places: (name, other), progress: progress)
        move.pageSize = pageSize
        return try move.run()
    }
}

extension Scratch {
    fileprivate func mark() throws -> MoveMark? { try database.write { try $0.moveMark() } }
}
