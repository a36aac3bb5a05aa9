import ArgumentParser
import Attribution
import Foundation
import Ledger
import Stages

struct BenchStagesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stages",
        abstract: "Time each stage of a sale in this process, beside a reference.",
        discussion: """
            The head of a request, its body, the decision, the commit of so many sales together \
            (from the queue to the durable answer, on a scratch file with fsync), the bytes of the \
            answer: microseconds a sale, processor time and time by the clock. Each takes turns \
            with other work on the same input that does not depend on this program's code. A round \
            is 512 sales of each; what is printed are medians.

              tribute bench stages --directory /var/lib/tribute
              tribute bench stages --check
              tribute bench stages --database postgres://tribute@127.0.0.1/postgres
            """)

    @OptionGroup var place: BenchPlaceOptions
    @OptionGroup var thresholds: ThresholdOptions
    @Option(parsing: .unconditional, help: "Rounds of all stages.") var rounds = 21

    func validate() throws {
        guard rounds > 0 else { throw ValidationError("--rounds: at least 1") }
        if thresholds.isAsked, place.database != nil {
            throw ValidationError(
                "--check, --record: what is recorded is about a file; leave out --database")
        }
    }

    func run() async throws {
        let recorded = try thresholds.recorded()
        let place = try place.place()
        defer { place.remove() }
        let scratch = try await StageScratch.filled(
            place, BenchFill(links: self.place.links, customers: self.place.customers))
        var failure: (any Error)?
        do {
            let figures = try await measure(scratch.stages)
            try await thresholds.settle(figures, "stages", against: recorded) { names in
                try await measure(scratch.stages.filter { names.contains($0.name) })
            }
        } catch { failure = error }
        try await scratch.close()
        if let failure { throw failure }
    }

    /// - Returns: the ratios of those that have one.
    private func measure(_ stages: [Stage]) async throws -> [Thresholds.Ratio] {
        let figures = try await stages.measured(rounds: rounds)
        print("µs a sale, medians of \(rounds) rounds; what it is compared with; the ratio")
        print(columns("", ["processor", "clock", "processor", "clock", "processor", "clock"]))
        for (stage, figures) in zip(stages, figures) {
            let costs = [figures.own, figures.other].compactMap(\.self).map { ($0, "%.2f") }
            let all = costs + [figures.ratio].compactMap(\.self).map { ($0, "%.3f") }
            let numbers = all.flatMap { cost, format in
                [cost.processor, cost.clock].map { String(format: format, $0) }
            }
            print(columns(stage.name, numbers), figures.other == nil ? "" : stage.reference)
        }
        return zip(stages, figures).compactMap { stage, figures in
            figures.ratio.map { Thresholds.Ratio(name: stage.name, value: $0.processor) }
        }
    }

    private func columns(_ name: String, _ values: [String]) -> String {
        name.padding(toLength: 26, withPad: " ", startingAt: 0)
            + values.map { String(repeating: " ", count: max(1, 11 - $0.count)) + $0 }.joined()
    }
}

/// The databases that the stages run on, and the stages.
struct StageScratch {
    private let ledgers: [Ledger]
    let stages: [Stage]

    static func filled(_ place: BenchPlace, _ fill: BenchFill) async throws -> StageScratch {
        let database = try await place.open()
        let ledger = Ledger(database: database)
        let token = try await fill.run(ledger)
        guard let workspace = try await database.read({ try $0.workspace(slug: "bench") }) else {
            throw Failure("the workspace is not there")
        }
        let sale = SaleStages(
            workspaceID: workspace.id, token: token, customers: fill.customers)
        let filler = Ledger(database: database)
        try await sale.begin(filler)
        await filler.stop()
        guard let file = place.file else { return try await onServer(sale, database) }
        try database.close()
        let copies = try place.copies(of: file, ["reference", "unknown", "unknown_reference"])
        return try await onFiles(
            sale, place, known: (file, copies[0]), unknown: (copies[1], copies[2]))
    }

    private static func onServer(
        _ sale: SaleStages, _ database: any SQLDatabase
    ) async throws -> StageScratch {
        let ledger = Ledger(database: database)
        try await sale.begin(ledger)
        let commits = try await sale.commits(ledger, sizes: sizes, files: nil)
        return StageScratch(
            ledgers: [ledger], stages: try await sale.inMemory(database) + commits)
    }

    private static let sizes = [1, 16, 64, 512]

    /// A ledger that has everybody in memory, so that one thread decides and another one writes,
    /// and one that reads the facts of each batch in the transaction that writes it.
    private static func onFiles(
        _ sale: SaleStages, _ place: BenchPlace, known: (own: String, other: String),
        unknown: (own: String, other: String)
    ) async throws -> StageScratch {
        let knowing = Ledger(database: try await place.open())
        try await sale.begin(knowing)
        var limits = Limits()
        limits.keptFactsMax = 0
        let forgetful = Ledger(
            database: try await DatabaseFile(path: unknown.own).open(), limits: limits)
        var stages = try await sale.inMemory(knowing.database)
        stages += try await sale.commits(knowing, sizes: sizes, files: known)
        stages += try await sale.commits(
            forgetful, sizes: [64], files: unknown, note: ", facts read")
        return StageScratch(ledgers: [knowing, forgetful], stages: stages)
    }

    func close() async throws {
        for ledger in ledgers {
            await ledger.stop()
            try ledger.database.close()
        }
    }
}
