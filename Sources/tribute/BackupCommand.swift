import ArgumentParser
import Foundation
import Integrations
import Ledger
import SQLiteEngine

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the database to a file, while the server goes on.",
        discussion: """
            The copy is the database at one moment, complete and on disk when the command ends. It \
            is checked (page by page, and every counter against its events), and FILE.sha256 is \
            written beside it, so that a damaged copy is found before it is needed. The schema is \
            copied as it is: make one before an upgrade.

              tribute backup /backups/tribute-2026-11-26.db --database sqlite:tribute.db
              sha256sum --check /backups/tribute-2026-11-26.db.sha256
              tribute restore /backups/tribute-2026-11-26.db --database sqlite:tribute.db
            """)

    @Argument(help: "The file to make. It must not be there yet.") var file: String
    @Flag(help: "Don't check the copy: quicker for large files.") var noVerify = false
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        guard !FileManager.default.fileExists(atPath: file) else {
            throw Failure("\(file) is there already. Choose another name; nothing was changed.")
        }
        let source = try database.open(mustExist: true, migrates: false)
        let part = file + ".part"
        try? FileManager.default.removeItem(atPath: part)
        do {
            try await copy(source, to: part)
            if !noVerify { try await CopyCheck(path: part).demand() }
            let digest = try sha256Hex(ofFile: part)
            let name = URL(fileURLWithPath: file).lastPathComponent
            try Data("\(digest)  \(name)\n".utf8).write(to: URL(fileURLWithPath: file + ".sha256"))
            try FileMoves.synchronize(file + ".sha256")
            try FileMoves.rename(part, to: file)
        } catch {
            try? FileManager.default.removeItem(atPath: part)
            throw (error as? SQLError).map { Failure("No backup was made: \($0.detail).") } ?? error
        }
        let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int64
        print("\(file): \(size ?? 0) bytes\(noVerify ? "" : ", checked")")
    }

    private func copy(_ source: SQLiteDatabase, to part: String) async throws {
        try await source.backup(to: part) { done, all in
            printProgress("copied \(done) of \(all) pages")
        }
    }
}

/// Whether a copy can be served from.
struct CopyCheck {
    let path: String

    func demand() async throws {
        let found = try await find()
        if found.isEmpty { return }
        let reasons = found.prefix(10).map { "  \($0)" }.joined(separator: "\n")
        throw Failure("\(path) is damaged and can't be used:\n\(reasons)")
    }

    private func find() async throws -> [String] {
        do {
            let copy = try SQLiteDatabase(path: path)
            defer { close(copy) }
            // An older schema has not everything that can be added up.
            let isUpToDate = try await copy.read { try $0.isUpToDate() }
            guard isUpToDate else { return try await copy.damages() }
            let found = try await FileCheck(file: copy, isDeep: true).run()
            return found.damages + (found.verification?.differences ?? []).map(\.text)
        } catch let error as SQLError { return [error.detail] }
    }

    /// Nothing was written, so the log that reading has made is empty.
    private func close(_ copy: SQLiteDatabase) {
        try? copy.close()
        for suffix in ["-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: path + suffix)
        }
    }
}
