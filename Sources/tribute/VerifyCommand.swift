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
            so it may run while the server does. The file and its directory must be writable: \
            readers of SQLite's log leave their mark there.

              tribute verify --database sqlite:tribute.db
              tribute verify --json
            """)

    @Flag(help: "Print one JSON object instead of text.") var json = false
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let file = try database.open(mustExist: true)
        let isTerminal = isatty(2) == 1
        let result = try await file.read { transaction in
            try transaction.verify { step in
                if isTerminal { printError("checking \(step)") }
            }
        }
        json ? printJSON { $0.members(result) } : printText(result)
        if !result.differences.isEmpty { throw ExitCode(1) }
    }

    private func printText(_ result: Verification) {
        for difference in result.differences {
            print(
                "DIFFERENCE \(difference.record) \(difference.id): \(difference.counter) is \(difference.stored), the events say \(difference.recomputed)"
            )
        }
        let counts = result.checked.map { "\($0.count) \($0.record)s" }.joined(separator: ", ")
        let totals = result.totals.map { "\($0.value) \($0.name)" }.joined(separator: ", ")
        print("checked \(counts)")
        print("sales total in minor units: \(totals.isEmpty ? "none" : totals)")
        print(
            result.differences.isEmpty
                ? "verified: every counter equals its events"
                : "\(result.differences.count) differences: stop writing to this file, keep a copy, and report them"
        )
    }
}

extension JSONWriter {
    fileprivate mutating func members(_ result: Verification) {
        name("differences")
        array(result.differences) { writer, difference in
            writer.object {
                $0.member("record", difference.record)
                $0.member("id", difference.id)
                $0.member("counter", difference.counter)
                $0.member("stored", difference.stored)
                $0.member("recomputed", difference.recomputed)
            }
        }
        object("records") { writer in
            for (record, count) in result.checked {
                writer.name(text: record)
                writer.integer(count)
            }
        }
        object("saleTotals") { writer in
            for (currency, amount) in result.totals {
                writer.name(text: currency)
                writer.raw(String(amount))
            }
        }
    }
}
