import Foundation
import Ledger

/// Servers share a file: each decides on what the others have committed, and asks whether they have
/// before it trusts a cache. Whoever replaces the file must be alone. The lock is on a file of its
/// own beside the data, because closing any descriptor of the data file would drop SQLite's locks;
/// the system takes it back when the process ends, however it ends.
package final class FileLock: Sendable {
    package enum Kind: Sendable { case shared, exclusive }

    private let descriptor: Int32

    package init(path: String, _ kind: Kind) throws(FileLockError) {
        let lockPath = Self.resolved(path) + ".lock"
        var descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        // Made by another user, whoever restored for one. Reading is enough for a lock.
        if descriptor < 0, errno == EACCES { descriptor = open(lockPath, O_RDONLY | O_CLOEXEC) }
        self.descriptor = descriptor
        guard descriptor >= 0 else {
            throw .unusable(lockPath, String(cString: strerror(errno)))
        }
        guard flock(descriptor, (kind == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 else {
            let code = errno
            Foundation.close(descriptor)
            throw code == EWOULDBLOCK
                ? .taken : .unusable(lockPath, String(cString: strerror(code)))
        }
    }

    deinit { Foundation.close(descriptor) }

    /// One file has one lock, whatever links lead to it.
    private static func resolved(_ path: String) -> String {
        if FileManager.default.fileExists(atPath: path) { return FileMoves.target(of: path) }
        let directory = FileMoves.target(of: FileMoves.directory(of: path))
        return "\(directory)/\(URL(fileURLWithPath: path).lastPathComponent)"
    }
}

package enum FileLockError: Error, Equatable {
    /// By a server, or by whoever replaces the file.
    case taken
    /// The lock's file, and why.
    case unusable(String, String)
}
