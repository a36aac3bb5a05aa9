import ArgumentParser
import Foundation
import Ledger
import SQLiteEngine
import Wire

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Recompute every counter and total from the events and compare, to the cent.",
        discussion: """
            Prints each difference and ends with status 1 if there is one. Works on one snapshot, \
            so it may run while the server does. A file and its directory must be writable: \
            readers of SQLite's log leave their mark there. A backup (FILE.sha256 lies beside it) \
            is only read and stays as it is, to the byte.

            With --deep every reference and the form of every value are checked, too; and of a \
            file every page, every index against its table, and a backup against its FILE.sha256. \
            This reads everything. Pages and indexes of PostgreSQL are pg_amcheck's to check.

              tribute verify --database sqlite:tribute.db
              tribute verify --deep
              tribute verify --json
              tribute verify --deep --database sqlite:/backups/tribute-2026-11-26.db
              tribute verify --database postgres://tribute@db.internal/tribute
            """)

    @Flag(help: "Print one JSON object instead of text.") var json = false
    @Flag(help: "Check references and values too, and a file's pages and indexes.") var deep = false
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let file = try await database.openForReading()
        var checksum: BackupChecksum?
        if case .file(let file) = try database.place() { checksum = file.checksum }
        var found = try await FileCheck(file: file, isDeep: deep).run()
        found.isOnServer = !(file is any SQLiteFile)
        if deep, let mistake = try checksum?.mistake() {
            found.damages.insert(mistake, at: 0)
        }
        json ? printJSON { $0.members(found) } : printText(found, isBackup: checksum != nil)
        if !found.isSound { throw ExitCode(1) }
    }

    private func printText(_ found: FileCheck.Found, isBackup: Bool) {
        for damage in found.damages { print("DAMAGE \(damage)") }
        if let result = found.verification {
            for difference in result.differences { print("DIFFERENCE \(difference.text)") }
            let counts = result.checked.map { "\($0.count) \($0.record)s" }
            let totals = result.totals.map { "\($0.value) \($0.name)" }
            print("checked \(counts.joined(separator: ", "))")
            print(
                "sales total in minor units: \(totals.isEmpty ? "none" : totals.joined(separator: ", "))"
            )
        }
        print(found.advice(isDeep: deep, isBackup: isBackup))
    }
}

/// One look at a database file: is it whole, and do the counters equal the events?
struct FileCheck {
    struct Found {
        var damages: [String] = []
        /// nil: the file is too damaged to be added up.
        var verification: Verification?
        var isOnServer = false

        var isSound: Bool { damages.isEmpty && verification?.differences.isEmpty == true }

        func advice(isDeep: Bool, isBackup: Bool) -> String {
            let differences = verification?.differences.count ?? 0
            if isSound {
                let whole =
                    isOnServer ? "every reference and value is sound " : "the file is whole "
                return "verified: \(isDeep ? whole + "and " : "")every counter equals its events"
            }
            if isBackup {
                return
                    "This backup can't be relied on: take another one, and check the disk that it lies on."
            }
            if damages.isEmpty {
                return
                    "\(differences) differences: stop writing to this database, keep a copy, and report them"
            }
            if isOnServer {
                return """
                    The database is damaged. Stop every node, check it with pg_amcheck, and \
                    recover it from a base backup and the log to a time before the damage.
                    """
            }
            return """
                The file is damaged. Stop the server, keep a copy of the file with its -wal and \
                -shm beside it, and restore the newest backup: tribute restore BACKUP. Check the \
                disk and the memory of the machine before you go on.
                """
        }
    }

    let file: any SQLDatabase
    let isDeep: Bool

    func run() async throws -> Found {
        var found = Found()
        do {
            if isDeep {
                printProgress("checking pages, indexes and references")
                if let file = file as? any SQLiteFile {
                    found.damages = try await file.damages()
                }
                printProgress("checking what events say of other records")
                found.damages += try await file.read { try $0.brokenReferences() }
                found.damages += try await file.read { try $0.brokenValues() }
            }
            found.verification = try await file.read { transaction in
                try transaction.verify { printProgress("checking \($0)") }
            }
        } catch SQLError.corrupt(let detail) {
            found.damages.append(detail)
        } catch SQLError.failedDisk(let detail) {
            found.damages.append("the disk can't be read: \(detail)")
        }
        return found
    }
}

extension Difference {
    /// For the person at the terminal.
    var text: String {
        "\(record) \(id): \(counter) is \(stored), the events say \(recomputed)"
    }
}

extension JSONWriter {
    fileprivate mutating func members(_ found: FileCheck.Found) {
        name("damages")
        array(found.damages) { $0.string($1) }
        name("differences")
        array(found.verification?.differences ?? []) { writer, difference in
            writer.object {
                $0.member("record", difference.record)
                $0.member("id", difference.id)
                $0.member("counter", difference.counter)
                $0.member("stored", difference.stored)
                $0.member("recomputed", difference.recomputed)
            }
        }
        object("records") { writer in
            for (record, count) in found.verification?.checked ?? [] {
                writer.name(text: record)
                writer.integer(count)
            }
        }
        object("saleTotals") { writer in
            for (currency, amount) in found.verification?.totals ?? [] {
                writer.name(text: currency)
                writer.raw(String(amount))
            }
        }
    }
}
