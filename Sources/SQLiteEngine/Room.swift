import Foundation
import Ledger

/// How much more the file system of a database takes.
enum Room {
    /// Bytes below which a disk that was found full stays full.
    static let least: UInt64 = 1 << 20

    /// - Throws: `SQLError.full` if there is less. What can't be told is not held against it.
    static func demand(beside path: String) throws {
        var status = statvfs()
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard statvfs(directory, &status) == 0 else { return }
        let bytes = UInt64(status.f_bavail) * UInt64(status.f_frsize)
        if bytes < least {
            throw SQLError.full("the disk is full: \(bytes) bytes are left beside the database")
        }
    }
}
