import ArgumentParser
import Foundation
import Ledger

struct MoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move",
        abstract: "Move all data to another database, from SQLite to PostgreSQL or back.",
        discussion: """
            Stop every server first: the downtime is the time of the move. Copies every record, \
            compares both sides row by row, and recomputes every counter in the new place. The old \
            database stays as it is, marked from the start, so that no server starts on it by \
            mistake.

            An interrupted move goes on where it was when it is run again. If the old database was \
            changed in between, the comparison finds it: empty the new one and begin again.

              tribute move --from sqlite:tribute.db --to postgres://tribute@db.internal/tribute
              tribute move --from postgres://tribute@db.internal/tribute --to sqlite:tribute.db

            To go on with the old database after all: tribute move --unmark --from sqlite:tribute.db
            """)

    @Option(help: ArgumentHelp("The database with the data.", valueName: "url")) var from: String
    @Option(help: ArgumentHelp("An empty database.", valueName: "url")) var to: String?
    @Flag(help: "Only remove the mark from the database of --from, to serve from it again.")
    var unmark = false

    func validate() throws {
        guard unmark != (to != nil) else {
            throw ValidationError("Say --to with the new database's URL, or --unmark.")
        }
    }

    func run() async throws {
        let source = try DatabasePlace(from)
        if unmark { return try await remove(source) }
        let target = try DatabasePlace(to ?? "")
        guard source.identity != target.identity else {
            throw ValidationError("--from and --to are the same database.")
        }
        let locks = [try source.lockAlone(), try target.lockAlone()]
        defer { withExtendedLifetime(locks) {} }
        let (old, new) = (
            try await source.open(mustExist: true, anyMark: true),
            try await target.open(anyMark: true)
        )
        let start = ContinuousClock.now
        var line = MoveLine()
        let places = (source: source.fullText, target: target.fullText)
        let move = Move(
            from: old, to: new, places: places,
            isSame: { (try? DatabasePlace($0).identity) == (try? DatabasePlace($1).identity) }
        ) { line.show($0) }
        // nil: it was done before, and perhaps killed before it could say so.
        let count: Int64?
        do { count = try move.run() } catch Move.Problem.finished { count = nil } catch {
            throw failure(error, source, target)
        }
        let verification = try await new.read { try $0.verify() }
        try old.close()
        try new.close()
        for difference in verification.differences { print("DIFFERENCE \(difference.text)") }
        guard verification.differences.isEmpty else {
            throw Failure("Everything was copied, but counters differ from their events.")
        }
        for (currency, amount) in verification.totals {
            print("sales total in minor units: \(amount) \(currency)")
        }
        let seconds = max(1, (ContinuousClock.now - start).components.seconds)
        let done =
            count.map {
                "moved \($0) rows to \(target.text) in \(seconds) s: every row is equal and every"
            }
            ?? "\(source.text) was moved to \(target.text) before: nothing is left to do, and every"
        print(
            """
            \(done) counter equals its events. Start the servers with --database and that URL. \
            \(source.text) stays as it is, and is not served from any more.
            """)
    }

    private func remove(_ source: DatabasePlace) async throws {
        let database = try await source.open(mustExist: true, anyMark: true)
        try database.write { transaction in
            if case .unfinished(let other) = try transaction.moveMark() {
                throw unfinishedMove(from: other, to: source.text)
            }
            try transaction.set(nil)
        }
        try database.close()
        print("\(source.text) can be served from again.")
    }

    private func failure(
        _ error: any Error, _ source: DatabasePlace, _ target: DatabasePlace
    ) -> any Error {
        switch error {
        case Move.Problem.targetNotEmpty:
            Failure("\(target.text) has data already. Choose an empty database.")
        case Move.Problem.targetWasMoved(let other):
            Failure(
                """
                \(target.text) still holds what was moved from it to \(other). Choose another \
                place, or remove what is there first (move the file away, drop the schema).
                """)
        case Move.Problem.otherSource(let other):
            Failure("A move from \(other) to \(target.text) was begun. Finish that one first.")
        case Move.Problem.sourceUnfinished(let other):
            Failure("A move from \(other) to \(source.text) was begun. Finish that one first.")
        case Move.Problem.otherTarget(let other):
            Failure(
                """
                A move from \(source.text) to \(other) was begun, or is done. If that is not to \
                be, and nobody uses \(other): tribute move --unmark --from \(quoted(source.text))
                """)
        case Move.Problem.different(let table, let key):
            Failure(
                """
                \(table) \(key) differs between the two: the old database was changed after the \
                move had begun. Empty \(target.text) and move again.
                """)
        case let error as SQLError:
            Failure("The move was interrupted (\(error.detail)). Run it again to go on.")
        default: error
        }
    }
}

/// A line of progress, now and then.
private struct MoveLine {
    private var pace = Pace(onTerminal: .milliseconds(500))

    mutating func show(_ progress: Move.Progress) {
        guard pace.isDue() else { return }
        let percent = progress.done * 100 / max(1, progress.all)
        printError(
            "\(progress.step) \(progress.table): \(percent) % (\(progress.done) of \(progress.all) rows)"
        )
    }
}
