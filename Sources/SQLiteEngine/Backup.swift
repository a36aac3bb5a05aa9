import Foundation
import GRDB
import Ledger

extension SQLiteDatabase {
    /// Pages copied between two calls of `progress`: 8 MiB.
    private static let step: CInt = 2_048

    /// Copies one moment of the database, while the server goes on, to a file that is not there
    /// yet. The copy is on disk when this returns. Meanwhile the log grows by what is written.
    ///
    /// - Parameter progress: pages copied, and pages in all.
    /// - Throws: `SQLError`; nothing is left at `path` then.
    package func backup(
        to path: String, progress: @escaping @Sendable (_ done: Int, _ all: Int) -> Void
    ) async throws {
        do {
            let target = try DatabaseQueue(path: path)
            try await reading { source in
                try target.writeWithoutTransaction { copy in
                    try source.backup(to: copy, pagesPerStep: Self.step) {
                        progress($0.completedPageCount, $0.totalPageCount)
                    }
                }
            }
            try target.close()
            try FileMoves.synchronize(path)
        } catch {
            try? FileManager.default.removeItem(atPath: path)
            throw SQLError.translated(error)
        }
    }
}

/// Files change their places for good: what is moved is on disk, and so is its name.
package enum FileMoves {
    /// - Throws: `SQLError.unavailable` with what the system said.
    package static func synchronize(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("write", path) }
    }

    /// Gives a file another name in the same file system, in the place of whatever has it.
    package static func rename(_ path: String, to other: String) throws {
        guard Foundation.rename(path, other) == 0 else { throw failure("rename", path) }
        try synchronize(URL(fileURLWithPath: other).deletingLastPathComponent().path)
    }

    private static func failure(_ step: String, _ path: String) -> SQLError {
        .unavailable("can't \(step) \(path): \(String(cString: strerror(errno)))")
    }
}
