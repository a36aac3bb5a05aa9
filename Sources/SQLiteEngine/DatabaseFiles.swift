import Ledger
import Synchronization

/// The files behind open connections: the database, its log, and the log's index (`-shm`), through
/// which processes see each other's commits and locks. Whoever writes without one of them loses
/// what it writes, or is written over by others who have another.
final class DatabaseFiles: Sendable {
    /// Links followed: the log lies beside the file that they lead to.
    private let path: String
    private let file: FileIdentity?
    /// The log and its index, once they are there for certain.
    private let besides = Mutex<[String: FileIdentity]>([:])

    /// The file is open already.
    init(path: String) {
        self.path = FileMoves.target(of: path)
        file = FileIdentity(path: path)
    }

    /// From now on the log and its index have to stay, too.
    func noteLog() {
        besides.withLock { identities in
            for name in [path + "-wal", path + "-shm"] {
                identities[name] = FileIdentity(path: name)
            }
        }
    }

    /// - Throws: `SQLError.unavailable` if one is not where it was.
    func demand() throws {
        guard FileIdentity(path: path) == file else { throw Self.missing(path) }
        for (name, identity) in besides.withLock({ $0 }) where FileIdentity(path: name) != identity
        {
            throw Self.missing(name)
        }
    }

    var areThere: Bool { (try? demand()) != nil }

    private static func missing(_ path: String) -> SQLError {
        .unavailable(
            "\(path) was removed or replaced while it was in use: put it back, or start anew")
    }
}
