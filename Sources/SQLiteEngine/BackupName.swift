import Foundation
import Ledger

/// The name that a backup is to have: it is made as `NAME.part`, one at a time, and gets its name
/// when it is whole. The lock is on `NAME.part` itself, and the system takes it back when the
/// process ends: what a killed backup has left is removed by the next.
///
/// `NAME.sha256` comes first. So whatever has the name has a checksum; after a crash in between
/// the checksum stands alone.
package final class BackupName: Sendable {
    package let path: String
    private let descriptor: Int32

    package var part: String { Self.part(of: path) }
    private var checksum: String { path + ".sha256" }

    /// - Throws: `NameTaken`, or `SQLError`.
    package init(_ path: String) throws {
        self.path = path
        try Self.demandFree(path)
        descriptor = try Self.claimed(Self.part(of: path))
        // Another backup may have got the name meanwhile.
        do { try Self.demandFree(path) } catch {
            discard()
            throw error
        }
    }

    deinit { close(descriptor) }

    private static func part(of path: String) -> String { path + ".part" }

    private static func demandFree(_ path: String) throws {
        for name in [path, path + ".sha256"] where FileMoves.isThere(name) {
            throw NameTaken.isThere(name)
        }
    }

    /// A new file under the name, locked.
    private static func claimed(_ part: String) throws -> Int32 {
        for _ in 0..<100 {
            let descriptor = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if descriptor >= 0 {
                do { try lock(descriptor, part) } catch {
                    close(descriptor)
                    throw error
                }
                // Before it was locked, others may have taken it for what a killed one has left.
                if isNamed(descriptor, part) { return descriptor }
                close(descriptor)
            } else if errno == EEXIST {
                try removeRemains(part)
            } else {
                throw FileMoves.failure("made", part)
            }
        }
        throw NameTaken.isBeingMade
    }

    /// Never written to: it may have a second name already.
    private static func removeRemains(_ part: String) throws {
        let descriptor = open(part, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return }
        guard descriptor >= 0 else { throw FileMoves.failure("opened", part) }
        defer { close(descriptor) }
        try lock(descriptor, part)
        guard isNamed(descriptor, part) else { return }
        removeCompanions(of: part)
        guard unlink(part) == 0 else { throw FileMoves.failure("removed", part) }
    }

    private static func lock(_ descriptor: Int32, _ part: String) throws {
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK
                ? NameTaken.isBeingMade : FileMoves.failure("locked", part)
        }
    }

    private static func isNamed(_ descriptor: Int32, _ path: String) -> Bool {
        guard let open = FileIdentity(descriptor: descriptor) else { return false }
        return open == FileIdentity(path: path, followsLinks: false)
    }

    private static func removeCompanions(of part: String) {
        for suffix in ["-journal", "-wal", "-shm"] { unlink(part + suffix) }
    }

    /// Gives the part its name, with its checksum beside it.
    ///
    /// - Parameter digest: SHA-256 of the part in hex.
    /// - Throws: `NameTaken` or `SQLError`; neither has the name then.
    package func publish(digest: String, _ access: FileAccess) throws {
        let name = URL(fileURLWithPath: path).lastPathComponent
        Self.removeCompanions(of: part)
        access.apply(to: descriptor, withOwner: false)
        guard fsync(descriptor) == 0 else { throw FileMoves.failure("written", part) }
        try FileMoves.create(checksum, "\(digest)  \(name)\n", access)
        do { try FileMoves.place(part, at: path) } catch {
            if Self.isNamed(descriptor, path) { unlink(path) }
            unlink(checksum)
            throw error
        }
    }

    /// Removes what there is of the part.
    package func discard() {
        guard Self.isNamed(descriptor, part) else { return }
        Self.removeCompanions(of: part)
        unlink(part)
    }
}
