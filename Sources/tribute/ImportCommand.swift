import ArgumentParser
import Attribution
import Foundation
import Integrations
import Ledger
import SQLiteEngine
import Synchronization

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Bring in customers, clicks, leads and sales with their original times.",
        discussion: """
            FILE is CSV with a header, or NDJSON (one object a line). Fields of a row:

              all       type (click, customer, lead or sale), timestamp (ISO 8601 or milliseconds)
              click     linkId, or domain and key; clickId, url, referrer, country, userAgent
              customer  customerExternalId; customerName, customerEmail, customerAvatar, country,
                        clickId
              lead      customerExternalId, eventName; clickId, customer…, eventQuantity, metadata
              sale      customerExternalId, amount (minor units); currency, eventName, invoiceId,
                        paymentProcessor, leadEventName, metadata, clickId, customer…

            Times lie between 1970 and now. The links must exist. Clicks are taken first, then \
            customers, leads and sales, whatever their order in the file. A sale is credited to \
            the newest lead up to its own time.

            Bad rows go to a file with line number and reason while the good rows land. The import \
            may be interrupted and run again: what is recorded already stays as it is. It may run \
            while the server does.

              tribute import history.csv --workspace acme --database sqlite:tribute.db
            """)

    @Argument(help: "A CSV or NDJSON file.", completion: .file()) var file: String
    @Option(help: "The workspace's slug.") var workspace: String
    @Option(help: "csv or ndjson. Default: what the file's name says, else csv.")
    var format: String?
    @Option(
        help: ArgumentHelp(
            "Where bad rows go: a new file, or one of an earlier import. Default: FILE.rejected.ndjson",
            valueName: "path"),
        completion: .file())
    var rejects: String?
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let format = try chosenFormat()
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory) else {
            throw Failure("There is no file \(file).")
        }
        guard !isDirectory.boolValue else {
            throw Failure("\(file) is a directory. Import its files one by one.")
        }
        guard FileManager.default.isReadableFile(atPath: file) else {
            throw Failure("The file \(file) can't be read. Check its permissions.")
        }
        guard isRegular() else {
            throw Failure(
                "\(file) is no regular file. An import reads its file several times: write it to one first."
            )
        }
        let ledger = Ledger(database: try await database.open(mustExist: true))
        let workspace = try await found(workspace, ledger)
        let interrupt = Interrupt()
        let rejectsFile = try RejectsFile(
            path: rejects ?? file + ".rejected.ndjson", input: file)
        defer { rejectsFile.close() }
        var run = ImportRun(
            ledger: ledger, workspaceID: workspace.id, rejects: rejectsFile,
            progress: ImportProgress(fileSize: try size()))
        let wasInterrupted = try await read(format, &run, interrupt)
        await ledger.stop()
        run.progress.finish()
        print(run.summary)
        if wasInterrupted {
            printError("Interrupted. Run the same command again to go on.")
            throw ExitCode(130)
        }
        if run.rejected > 0 { throw ExitCode(1) }
    }

    private func chosenFormat() throws -> ImportFormat {
        guard let format else {
            let isNDJSON = [".ndjson", ".jsonl", ".json"].contains { file.hasSuffix($0) }
            return isNDJSON ? .ndjson : .csv
        }
        guard let chosen = ImportFormat(rawValue: format) else {
            throw ValidationError("--format: use csv or ndjson")
        }
        return chosen
    }

    private func isRegular() -> Bool {
        let url = URL(fileURLWithPath: file).resolvingSymlinksInPath()
        return (try? url.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true
    }

    private func size() throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        return (attributes[.size] as? Int) ?? 0
    }

    /// Reads the file once for each kind of row that it has.
    /// - Returns: whether it was interrupted.
    private func read(
        _ format: ImportFormat, _ run: inout ImportRun, _ interrupt: Interrupt
    ) async throws -> Bool {
        for kind in ImportKind.allCases where run.needs(kind) {
            run.begin(kind)
            guard let handle = FileHandle(forReadingAtPath: file) else {
                throw Failure("The file \(file) can't be read.")
            }
            defer { try? handle.close() }
            var reader = RowReader(format)
            while let bytes = try handle.read(upToCount: 256 << 10), !bytes.isEmpty {
                bytes.withUnsafeBytes { bytes in reader.read(bytes) { run.take($0) } }
                try await run.submit(all: false)
                run.progress.advance(bytes: bytes.count, rows: run.rows)
                if interrupt.isRequested {
                    try await run.settle()
                    return true
                }
            }
            reader.finish { run.take($0) }
            try await run.submit(all: true)
        }
        return false
    }
}

/// Ctrl-C ends the import after the batch that is being committed.
private final class Interrupt: Sendable {
    private static let requested = Atomic<Bool>(false)

    init() {
        signal(SIGINT) { _ in Interrupt.requested.store(true, ordering: .relaxed) }
    }

    var isRequested: Bool { Self.requested.load(ordering: .relaxed) }
}
