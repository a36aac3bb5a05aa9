import Attribution
import Dispatch
import Foundation
import Ledger
import Synchronization
import Testing

@Suite struct CommitQueueTests {
    /// A link of a workspace that is not there: the rules don't look, the foreign key does.
    private static let bad = Shop.createLink(
        "bad", in: ID("ws_none"), domain: "free.test", defaultDomain: "free.test")

    @Test func oneBadCommandNeverFailsItsNeighbours() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        var commands = (0..<100).map { Shop.sale("s\($0)") }
        commands.insert(Self.bad, at: 50)
        let results = try await ledger.submit(commands)
        try check(results, scratch)
        await ledger.stop()
    }

    @Test func norDoesItWhenAllComeAtOnce() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        let results = await withTaskGroup(of: (Int, Result<Outcome, LedgerError>).self) { group in
            for index in 0...100 {
                let command = index == 50 ? Self.bad : Shop.sale("s\(index)")
                group.addTask { (index, await ledger.result(of: command)) }
            }
            var results: [Int: Result<Outcome, LedgerError>] = [:]
            for await (index, result) in group { results[index] = result }
            return results
        }
        try check((0...100).compactMap { results[$0] }, scratch)
        await ledger.stop()
    }

    private func check(_ results: [Result<Outcome, LedgerError>], _ scratch: Scratch) throws {
        #expect(results.count == 101)
        for (index, result) in results.enumerated() {
            if index == 50 {
                guard case .failure(.defect(let detail)) = result else {
                    Issue.record("the bad one: \(result)")
                    continue
                }
                #expect(detail.lowercased().contains("foreign key"))
            } else {
                #expect(result.recordedSale != nil)
            }
        }
        #expect(try scratch.number("SELECT count(*) FROM sale") == 100)
        #expect(try scratch.differences() == [])
    }

    @Test func anInvoicePostedTwoHundredTimesAtOnceIsOneSale() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        let receipts = await withTaskGroup(of: (String, Bool)?.self) { group in
            for index in 0..<200 {
                group.addTask {
                    switch await ledger.result(of: Shop.sale("s\(index)", invoice: "inv1")) {
                    case .success(.sale(.recorded(let receipt))): (receipt.shown, true)
                    case .success(.sale(.replayed(let receipt, []))): (receipt.shown, false)
                    default: nil
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(receipts.compactMap { $0 }.count == 200)
        #expect(receipts.filter { $0?.1 == true }.count == 1)
        #expect(Set(receipts.compactMap { $0?.0 }).count == 1)
        #expect(try scratch.number("SELECT count(*) FROM sale") == 1)
        await ledger.stop()
    }

    /// A batch that waited for another process takes along what has come meanwhile, if it is about
    /// the same workspaces, and leaves the order as it is.
    ///
    /// A sale that is decided ahead has its batch by then; what has come is the next one.
    @Test(
        .enabled(if: Engine.isSQLite),
        arguments: [(Shop.lead("zoe", by: "cb"), [100, 2]), (Shop.sale("s0"), [1, 101])])
    func whatWaitsTogetherCommitsTogether(first: Command, batches: [Int]) async throws {
        let scratch = try Scratch()
        let sizes = Mutex<[Int]>([])
        let ledger = Ledger(database: scratch.database) { report in
            sizes.withLock { $0.append(report.size) }
        }
        try await Shop.open(ledger)
        sizes.withLock { $0 = [] }
        let hold = try await Hold(scratch)
        var tasks = try await ledger.gather(100, first: first)
        let other = Task { await ledger.result(of: .proveWritable) }
        while ledger.queueDepth < 100 { try await Task.sleep(for: .milliseconds(1)) }
        tasks.append(Task { await ledger.result(of: Shop.sale("s100")) })
        while ledger.queueDepth < 101 { try await Task.sleep(for: .milliseconds(1)) }
        await hold.release()
        for task in tasks.dropFirst() { #expect(await task.value.recordedSale != nil) }
        #expect(await !tasks[0].value.isRefused)
        #expect(try await other.value.get().isWritable)
        let found = sizes.withLock { $0 }
        #expect(found == batches)
        await ledger.stop()
    }

    @Test(.enabled(if: Engine.isSQLite))
    func aFullQueueSaysSo() async throws {
        let scratch = try Scratch()
        let (ledger, hold) = try await heldShop(scratch)
        let waiting = try await ledger.gather(17)
        #expect(ledger.queueDepth == 16)
        for index in 0..<5 {
            #expect(await ledger.result(of: Shop.sale("y\(index)")).answer == "overloaded")
        }
        await #expect(throws: LedgerError.overloaded) {
            try await ledger.submit([Shop.sale("x1"), Shop.sale("x2")])
        }
        await hold.release()
        for task in waiting { #expect(await task.value.recordedSale != nil) }
        #expect(try scratch.number("SELECT count(*) FROM sale") == 17)
        await ledger.stop()
    }

    /// A ledger whose queue has room for sixteen, and a file that is held.
    private func heldShop(_ scratch: Scratch) async throws -> (Ledger, Hold) {
        var limits = Limits()
        (limits.queueDepthMax, limits.batchMax) = (16, 1)
        let ledger = Ledger(database: scratch.database, limits: limits)
        try await Shop.open(ledger)
        return (ledger, try await Hold(scratch))
    }

    /// So that a crowd of visitors does not keep those away who wait for an answer.
    @Test(.enabled(if: Engine.isSQLite))
    func commandsThatNobodyWaitsForLeaveHalfOfTheQueue() async throws {
        let scratch = try Scratch()
        let (ledger, hold) = try await heldShop(scratch)
        let first = try await ledger.gather(1)
        let answers = Mutex<[String]>([])
        let refusals = (0..<12).map { index in
            ledger.accept(Shop.click("n\(index)", on: "a")) { result in
                answers.withLock { $0.append(result.answer) }
            }
        }
        #expect(
            refusals == Array(repeating: nil, count: 8) + Array(repeating: .overloaded, count: 4))
        let waiting = (0..<8).map { index in
            Task { await ledger.result(of: Shop.sale("w\(index)")) }
        }
        while ledger.queueDepth < 16 { try await Task.sleep(for: .milliseconds(1)) }
        #expect(await ledger.result(of: Shop.sale("late")).answer == "overloaded")
        await hold.release()
        for task in first + waiting { #expect(await task.value.recordedSale != nil) }
        #expect(answers.withLock(\.count) == 8)
        #expect(try scratch.number("SELECT count(*) FROM click WHERE id LIKE 'n%'") == 8)
        await ledger.stop()
        #expect(ledger.accept(Shop.click("end", on: "a")) { _ in } == .stopped)
    }

    /// They share a sync, until somebody waits, there are enough, or it is time.
    @Test(.timeLimit(.minutes(2))) func commandsThatNobodyWaitsForGather() async throws {
        let scratch = try Scratch()
        var limits = Limits()
        (limits.batchMax, limits.gatheringTime) = (16, .seconds(600))
        let sizes = Mutex<[Int]>([])
        let ledger = Ledger(database: scratch.database, limits: limits) { report in
            sizes.withLock { $0.append(report.size) }
        }
        try await Shop.open(ledger)
        sizes.withLock { $0 = [] }
        @Sendable func click(_ name: String) {
            #expect(ledger.accept(Shop.click(name, on: "a")) { _ in } == nil)
        }
        for index in 0..<3 { click("a\(index)") }
        try await Task.sleep(for: .milliseconds(200))
        #expect(sizes.withLock(\.isEmpty) && ledger.queueDepth == 3)
        #expect(await !ledger.result(of: Shop.lead("bob", by: "a2")).isRefused)
        #expect(sizes.withLock { $0 } == [4])
        for index in 0..<8 { click("b\(index)") }
        while sizes.withLock(\.count) < 2 { try await Task.sleep(for: .milliseconds(1)) }
        #expect(sizes.withLock { $0 } == [4, 8])
        click("c")
        await ledger.stop()
        #expect(sizes.withLock { $0 } == [4, 8, 1])
    }

    @Test(.timeLimit(.minutes(2))) func gatheringEndsInTime() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        let result = Mutex<String?>(nil)
        #expect(
            ledger.accept(Shop.click("a", on: "a")) { answer in
                result.withLock { $0 = answer.answer }
            } == nil)
        while result.withLock({ $0 == nil }) { try await Task.sleep(for: .milliseconds(1)) }
        #expect(try scratch.number("SELECT count(*) FROM click WHERE id = 'a'") == 1)
        await ledger.stop()
    }

    @Test(.enabled(if: Engine.isSQLite))
    func whatWaitedTooLongIsDroppedUncommitted() async throws {
        let scratch = try Scratch()
        var limits = Limits()
        (limits.waitMax, limits.batchMax) = (.milliseconds(300), 1)
        let ledger = Ledger(database: scratch.database, limits: limits)
        try await Shop.open(ledger)
        let hold = try await Hold(scratch)
        let first = Task { await ledger.result(of: Shop.sale("s1")) }
        try await Task.sleep(for: .milliseconds(60))
        let second = Task { await ledger.result(of: Shop.sale("s2")) }
        while ledger.queueDepth == 0 { try await Task.sleep(for: .milliseconds(5)) }
        try await Task.sleep(for: .milliseconds(500))
        await hold.release()
        #expect(await first.value.recordedSale != nil)
        #expect(await second.value.answer == "overloaded")
        #expect(try scratch.number("SELECT count(*) FROM sale") == 1)
        await ledger.stop()
    }

    @Test(.enabled(if: Engine.isSQLite))
    func stoppingCommitsWhatWasAcceptedAndRefusesWhatComes()
        async throws
    {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        let hold = try await Hold(scratch)
        let tasks = try await ledger.gather(50)
        let stopping = Task { await ledger.stop() }
        try await Task.sleep(for: .milliseconds(30))
        #expect(await ledger.result(of: Shop.sale("late")).answer == "stopped")
        await hold.release()
        await stopping.value
        #expect(try scratch.number("SELECT count(*) FROM sale") == 50)
        for task in tasks { #expect(await task.value.recordedSale != nil) }
        #expect(await ledger.result(of: Shop.sale("later")).answer == "stopped")
        await ledger.stop()
    }

    @Test(.enabled(if: Engine.isSQLite))
    func aCallerThatGoesAwayTakesNothingBack() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        let hold = try await Hold(scratch)
        let task = Task { await ledger.result(of: Shop.sale("s1")) }
        try await Task.sleep(for: .milliseconds(30))
        task.cancel()
        await hold.release()
        #expect(await task.value.recordedSale != nil)
        #expect(try scratch.number("SELECT count(*) FROM sale") == 1)
        await ledger.stop()
    }
}

extension Outcome {
    fileprivate var isWritable: Bool { if case .writable = self { true } else { false } }
}

extension Ledger {
    func result(of command: Command) async -> Result<Outcome, LedgerError> {
        do throws(LedgerError) { return .success(try await submit(command)) } catch {
            return .failure(error)
        }
    }
}

extension Ledger {
    /// Submits so many sales while the file is held: the first is in the hands of the commit
    /// thread, the others wait in the queue.
    fileprivate func gather(
        _ count: Int, first: Command = Shop.sale("s0")
    ) async throws -> [Task<Result<Outcome, LedgerError>, Never>] {
        let first = Task { await result(of: first) }
        repeat { try await Task.sleep(for: .milliseconds(50)) } while queueDepth > 0
        let others = (1..<count).map { index in
            Task { await result(of: Shop.sale("s\(index)")) }
        }
        while queueDepth < count - 1 { try await Task.sleep(for: .milliseconds(1)) }
        return [first] + others
    }
}

/// Another process's write transaction, as far as the ledger can tell: while it is held, batches
/// wait for the file. (On a server others wait for a workspace for five seconds only, which a slow
/// machine needs to make such a test's commands.)
private final class Hold: Sendable {
    private let end = DispatchSemaphore(value: 0)
    private let state = Mutex((hasBegun: false, hasEnded: false))

    init(_ scratch: Scratch) async throws {
        let database = try scratch.opened()
        Thread.detachNewThread { [self] in
            try? database.write { _ in
                state.withLock { $0.hasBegun = true }
                end.wait()
            }
            try? database.close()
            state.withLock { $0.hasEnded = true }
        }
        while !state.withLock(\.hasBegun) { try await Task.sleep(for: .milliseconds(1)) }
    }

    func release() async {
        end.signal()
        while !state.withLock(\.hasEnded) { try? await Task.sleep(for: .milliseconds(1)) }
    }
}
