import ArgumentParser
import Attribution
import Foundation
import Integrations
import Ledger
import Server
import Wire

struct RejectionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejections",
        abstract: "Look into track calls that recorded nothing, and try them again.",
        discussion: """
            Calls to the track endpoints that were refused, or answered with nulls, are kept for \
            30 days (at most 10,000 a workspace; 1,000 of those that need no secret) with the \
            reason and the body.

              tribute rejections count --workspace acme
              tribute rejections list --workspace acme --reason click_not_found
              tribute rejections replay --workspace acme --reason customer_unknown
              tribute rejections discard --workspace acme --id rej_…

            A replay is the same call as of the moment when it came: it is safe to repeat. What \
            records something then is no longer kept.
            """,
        subcommands: [
            ListRejections.self, CountRejections.self, ReplayRejections.self,
            DiscardKeptCalls.self,
        ])
}

/// Which workspace's, and which of them.
struct RejectionChoice: ParsableArguments {
    @Option(help: ArgumentHelp("The workspace's slug.", valueName: "slug")) var workspace: String
    @Option(help: ArgumentHelp("Only this one; may be repeated.", valueName: "id"))
    var id: [String] = []
    @Option(
        help: ArgumentHelp(
            "Only these reasons; may be repeated: \(RejectionReason.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "reason"))
    var reason: [String] = []
    @Option(help: ArgumentHelp("Only calls that name this customer.", valueName: "id"))
    var customer: String?
    @Option(help: ArgumentHelp("Only calls with this invoice.", valueName: "id"))
    var invoice: String?

    @OptionGroup var database: DatabaseOptions

    /// The workspace's database, to be read only, and what is asked of it.
    func openForReading() async throws -> (any SQLDatabase, RejectionQuery) {
        let file = try await database.openForReading()
        return (file, try query(of: try await found(in: file)))
    }

    func found(in file: any SQLDatabase) async throws -> Workspace {
        let found = try await file.read { [workspace] in try $0.workspace(slug: workspace) }
        guard let found else { throw Failure(Refusal.workspaceNotFound(workspace).message) }
        return found
    }

    func query(of workspace: Workspace) throws -> RejectionQuery {
        var query = RejectionQuery(workspaceID: workspace.id)
        if !id.isEmpty { query.ids = id }
        query.reasons = try reason.map { text in
            guard let reason = RejectionReason(rawValue: text) else {
                throw ValidationError("--reason: '\(text)' is no reason; see --help for the list")
            }
            return reason
        }
        (query.customerExternalID, query.invoiceID) = (customer, invoice)
        return query
    }
}

/// Those that something is done with.
struct RejectionSelection: ParsableArguments {
    struct Selected {
        let file: any SQLDatabase
        let workspace: Workspace
        var query: RejectionQuery
        let ids: [RejectionID]
    }

    @OptionGroup var choice: RejectionChoice
    @Flag(help: "All of the workspace, if nothing else chooses.") var all = false
    @Option(parsing: .unconditional, help: "How many at most; all if it is not given.")
    var limit: Int?

    func validate() throws {
        if let limit { try demandPositive(limit) }
    }

    /// A forgotten option is not taken for all of them.
    ///
    /// - Parameter order: which ones come first.
    func open(_ order: RejectionOrder, replayable: Bool = false) async throws -> Selected {
        let file = try await choice.database.open(mustExist: true)
        let workspace = try await choice.found(in: file)
        var query = try choice.query(of: workspace)
        guard all || query.isChoice else {
            throw ValidationError(
                "Choose by --id, --reason, --customer or --invoice, or say --all.")
        }
        query.order = order
        query.isReplayable = replayable && query.ids == nil
        let ids = try await file.read { [query, limit] in
            try $0.rejectionIDs(query, limit: limit ?? .max)
        }
        return Selected(file: file, workspace: workspace, query: query, ids: ids)
    }
}

private func demandPositive(_ limit: Int) throws {
    if limit < 1 { throw ValidationError("--limit: \(limit) is too small; use 1 or more") }
}

private struct ListRejections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "One JSON object a line, the newest first.",
        discussion: "  tribute rejections list --workspace acme --reason invalid_body --limit 10")
    @OptionGroup var choice: RejectionChoice
    @Option(parsing: .unconditional, help: "How many, at least 1.") var limit = 100

    func validate() throws { try demandPositive(limit) }

    func run() async throws {
        let (file, query) = try await choice.openForReading()
        let page = Page(number: 1, size: limit)
        for rejection in try await file.read({ try $0.rejections(query, page) }) {
            printJSON { $0.members(rejection) }
        }
    }
}

private struct CountRejections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "count", abstract: "How many there are of each reason.",
        discussion: "  tribute rejections count --workspace acme")
    @OptionGroup var choice: RejectionChoice

    func run() async throws {
        let (file, query) = try await choice.openForReading()
        for (reason, count) in try await file.read({ try $0.rejectionCounts(query, by: .reason) }) {
            print("\(count) \(reason)")
        }
    }
}

private struct ReplayRejections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Try them again, those first whose last try is longest ago.",
        discussion: """
            Prints one JSON object for each. Ends with status 1 if one is still refused. Clicks, \
            and calls whose body was not kept as it came, can't be tried again: only --id names \
            them.

              tribute rejections replay --workspace acme --reason customer_unknown
              tribute rejections replay --workspace acme --all
            """)
    @OptionGroup var selection: RejectionSelection

    func run() async throws {
        let selected = try await selection.open(.lastTried, replayable: true)
        let (file, ids) = (selected.file, selected.ids)
        let ledger = Ledger(database: file)
        var counts: [Retry.Result: Int] = [:]
        for start in stride(from: 0, to: ids.count, by: 100) {
            var part = selected.query
            part.ids = ids[start..<min(start + 100, ids.count)].map(\.text)
            let rejections = try await file.read { [part] in
                try $0.rejections(part, Page(number: 1, size: 100))
            }
            for retry in try await ledger.retry(rejections, of: selected.workspace, Stamper()) {
                counts[retry.result, default: 0] += 1
                printJSON { $0.members(retry) }
            }
            printProgress("\(min(start + 100, ids.count)) of \(ids.count)")
        }
        await ledger.stop()
        let summary = Retry.Result.allCases.map { "\(counts[$0] ?? 0) \($0.rawValue)" }
        printError(summary.joined(separator: ", "))
        if counts[.refused] != nil { throw ExitCode(1) }
    }
}

private struct DiscardKeptCalls: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard", abstract: "Give them up; prints how many there were.",
        discussion: "  tribute rejections discard --workspace acme --reason amount_zero")
    @OptionGroup var selection: RejectionSelection

    func run() async throws {
        let selected = try await selection.open(.oldest)
        let ledger = Ledger(database: selected.file)
        print(try await ledger.discard(selected.ids, of: selected.workspace.id))
        await ledger.stop()
    }
}
