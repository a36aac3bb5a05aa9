import Attribution
import Ledger

/// What storing sales costs, from a command to its durable answer, by how many commit together. One
/// batch is submitted after the other, so the thread that decides and the one that writes take
/// turns; the processor time is of both, and of waking them.
final class CommitStages {
    private let ledger: Ledger
    private var sample: SampleSales
    private let decisions: Decisions
    /// nil: a server, beside which there is no reference here.
    private let files: Files?

    struct Files {
        /// Moves the log of the ledger's file.
        let own: RawSales
        /// On a file with the same content.
        let other: RawSales
    }

    /// - Parameter decisions: for the sales of the reference.
    init(_ ledger: Ledger, _ sample: SampleSales, _ decisions: Decisions, _ files: Files?) {
        (self.ledger, self.sample, self.decisions, self.files) = (
            ledger, sample, decisions, files
        )
    }

    func commits(of size: Int, note: String = "") -> Stage {
        var commands: [Command] = []
        var rows: [RawSales.Row] = []
        // Those that commit alone wait for the disk alone, too.
        let sales = size == 1 ? 32 : max(Stage.sales, 2 * size)
        return Stage(
            "commit of \(size)\(note)", besides: "its bare statements",
            parts: sales / size, sales: sales,
            prepare: { [self] in
                commands = try sample.commands(sales)
                guard let files else { return }
                decisions.forgetPassing()
                rows = try decisions.decide(commands[...]).map(RawSales.Row.init)
                try files.own.moveLog()
                try files.other.moveLog()
            },
            own: { [self] part in try await commit(Array(commands[part])) },
            other: files.map { files in { part in try files.other.commit(rows[part]) } })
    }

    private func commit(_ commands: [Command]) async throws {
        for result in try await ledger.submit(commands) {
            guard case .success(.sale(.recorded)) = result else {
                throw StageFailure("a sale was not recorded: \(result)")
            }
        }
    }
}
