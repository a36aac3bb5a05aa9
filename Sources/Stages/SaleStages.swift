import Attribution
import Ledger

/// The stages of a sale, on databases that hold the same workspace, links and customers.
package struct SaleStages {
    private let workspaceID: WorkspaceID
    private let token: String
    private let customers: Int

    /// - Parameters:
    ///   - token: the workspace's API key.
    ///   - customers: `bench_0` and so on, each with a lead.
    package init(workspaceID: WorkspaceID, token: String, customers: Int) {
        (self.workspaceID, self.token, self.customers) = (workspaceID, token, customers)
    }

    private func sample(_ run: String) -> SampleSales {
        SampleSales(workspaceID: workspaceID, customers: customers, run: run)
    }

    /// A first sale of each customer: what is measured is customers who come again. Another time
    /// it changes nothing, but the ledger has them all in memory afterwards.
    package func begin(_ ledger: Ledger) async throws {
        var sample = sample("first")
        for start in stride(from: 0, to: customers, by: 512) {
            let commands = try sample.commands(min(512, customers - start))
            for result in try await ledger.submit(commands) { _ = try result.get() }
        }
    }

    package func inMemory(_ database: any SQLDatabase) async throws -> [Stage] {
        let stages = try RequestStages(
            sample("memory"), token: token, try await decisions(database))
        return [stages.head(), stages.decode(), stages.decide(), stages.reply()]
    }

    /// - Parameters:
    ///   - files: of the ledger's database, and of one with the same content for the reference;
    ///     nil for a server.
    ///   - note: what is special about the ledger.
    package func commits(
        _ ledger: Ledger, sizes: [Int], files: (own: String, other: String)?, note: String = ""
    ) async throws -> [Stage] {
        let stages = CommitStages(
            ledger, sample("commit\(note)"), try await decisions(ledger.database),
            try files.map {
                CommitStages.Files(
                    own: try RawSales(path: $0.own), other: try RawSales(path: $0.other))
            })
        return sizes.map { stages.commits(of: $0, note: note) }
    }

    private func decisions(_ database: any SQLDatabase) async throws -> Decisions {
        var everybody = sample("all")
        return try await Decisions.loaded(everybody.commands(customers), database)
    }
}
