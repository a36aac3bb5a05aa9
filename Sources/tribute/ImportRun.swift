import Attribution
import Foundation
import Integrations
import Ledger
import Wire

/// One run of an import: rows in, commands to the ledger in batches, bad rows to their file.
struct ImportRun {
    private struct Pending {
        let row: ImportRow
        let draft: ImportDraft
    }

    private static let batchSize = 2_048
    /// Between two transactions others get their turn to write.
    private static let pause = Duration.milliseconds(3)

    private struct InFlight {
        let rows: [ImportRow]
        let commands: [Command]
        let results: Task<[Result<Outcome, LedgerError>], any Error>
    }

    private let ledger: Ledger
    private let workspaceID: WorkspaceID
    private let stamper = Stamper()
    private var translator: ImportTranslator
    private let rejectsFile: RejectsFile
    var progress: ImportProgress

    private var kind = ImportKind.click
    private var kindsSeen: Set<ImportKind> = []
    private var isFirstPass = true
    private var pending: [Pending] = []
    /// What is being committed while the next rows are read.
    private var inFlight: InFlight?
    private var links: [LinkSelector: LinkID?] = [:]

    private(set) var rows = 0
    private(set) var recorded = 0
    private(set) var known = 0
    private(set) var empty = 0
    private(set) var rejected = 0

    init(
        ledger: Ledger, workspaceID: WorkspaceID, rejects: RejectsFile, progress: ImportProgress
    ) {
        (self.ledger, self.workspaceID, rejectsFile) = (ledger, workspaceID, rejects)
        self.progress = progress
        translator = ImportTranslator(workspaceID: workspaceID, stamper: stamper)
    }

    var summary: String {
        var parts = [
            "\(rows) rows", "\(recorded) recorded", "\(known) already there",
            "\(empty) of amount 0 recorded nothing", "\(rejected) rejected",
        ]
        if rejected > 0 { parts[4] += " (see \(rejectsFile.path))" }
        return parts.joined(separator: ", ")
    }

    /// The first pass sees which kinds there are; the others are skipped.
    func needs(_ kind: ImportKind) -> Bool { kind == .click || kindsSeen.contains(kind) }

    mutating func begin(_ kind: ImportKind) {
        self.kind = kind
        isFirstPass = kind == .click
        progress.begin(passes: isFirstPass ? 4 : 1 + kindsSeen.subtracting([.click]).count)
        translator = ImportTranslator(workspaceID: workspaceID, stamper: stamper)
    }

    mutating func take(_ row: ImportRow) {
        do throws(ImportError) {
            let members = try row.members.get()
            let rowKind = try ImportTranslator.kind(members)
            kindsSeen.insert(rowKind)
            guard rowKind == kind else { return }
            rows += 1
            pending.append(
                Pending(row: row, draft: try translator.draft(row, members, rowKind)))
        } catch {
            // A row without a readable type is reported once, by the first pass.
            let isUntyped = (try? ImportTranslator.kind(row.members.get())) == nil
            if isUntyped {
                guard isFirstPass else { return }
                rows += 1
            }
            reject(row, error.reason)
        }
    }

    /// - Parameter all: returns when everything is committed.
    mutating func submit(all: Bool) async throws {
        while pending.count >= Self.batchSize || all && !pending.isEmpty {
            let batch = Array(pending.prefix(Self.batchSize))
            pending.removeFirst(batch.count)
            try await commit(batch)
        }
        if all { try await settle() }
    }

    /// Begins to commit a batch when the one before it is done.
    private mutating func commit(_ batch: [Pending]) async throws {
        var commands: [Command] = []
        var rows: [ImportRow] = []
        for entry in batch {
            guard let command = try await command(entry.draft) else {
                reject(entry.row, "the link does not exist in this workspace")
                continue
            }
            commands.append(command)
            rows.append(entry.row)
        }
        try await settle()
        let results = Task { [ledger, commands] in
            let results = try await ledger.submit(commands)
            try await Task.sleep(for: Self.pause)
            return results
        }
        inFlight = InFlight(rows: rows, commands: commands, results: results)
    }

    /// Waits for the batch that is being committed, and notes what became of its rows.
    mutating func settle() async throws {
        guard let batch = inFlight else { return }
        inFlight = nil
        let results: [Result<Outcome, LedgerError>]
        do { results = try await batch.results.value } catch {
            throw Failure("The database could not be written: \(error). Run the command again.")
        }
        for ((row, command), result) in zip(zip(batch.rows, batch.commands), results) {
            switch result {
            case .success(let outcome): note(row, command, outcome)
            case .failure(.defect(let detail)): reject(row, detail)
            case .failure(let error):
                throw Failure("The database could not be written: \(error). Run the command again.")
            }
        }
    }

    private mutating func command(_ draft: ImportDraft) async throws -> Command? {
        switch draft {
        case .command(let command): return command
        case .click(let click):
            if links[click.selector] == nil {
                let link = try await ledger.read { try $0.link(click.selector) }
                links[click.selector] = link?.workspaceID == workspaceID ? link?.id : .some(nil)
            }
            return links[click.selector].flatMap { $0 }.map { click.command($0) }
        }
    }

    private mutating func note(_ row: ImportRow, _ command: Command, _ outcome: Outcome) {
        switch outcome {
        case .refused(let refusal): reject(row, refusal.message)
        case .sale(.ignored):
            if case .recordSale(let sale) = command, sale.money.minorUnits > 0 {
                reject(row, "the customer is unknown and no clickId is given")
            } else {
                empty += 1
            }
        case .click(let click) where click.isRepeat: known += 1
        case .lead(.duplicate), .sale(.replayed), .customer(_, isCreated: false): known += 1
        default: recorded += 1
        }
    }

    private mutating func reject(_ row: ImportRow, _ reason: String) {
        rejected += 1
        rejectsFile.append(line: row.line, reason: reason, row: row.text)
    }
}
