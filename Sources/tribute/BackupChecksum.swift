import Foundation
import Integrations
import Ledger
import SQLiteEngine

/// `FILE.sha256` beside a backup, as `sha256sum` reads it; of a link to a backup, what lies beside
/// the backup itself.
struct BackupChecksum {
    let path: String
    let file: String

    /// nil: there is none.
    init?(of path: String) {
        let names = [path, FileMoves.target(of: path)].map { $0 + ".sha256" }
        guard let file = names.first(where: FileMoves.isThere) else { return nil }
        (self.path, self.file) = (path, file)
    }

    /// What does not fit; nil if the backup is what was written.
    func mistake() throws -> String? {
        guard let data = FileManager.default.contents(atPath: file) else {
            return "\(file) can't be read, so nobody can say whether \(path) is what was written"
        }
        let stated = String(decoding: data.prefix(64), as: UTF8.self)
        return try stated == digest(ofFile: path)
            ? nil : "\(path) is not what \(file) says: bytes of one of them have changed"
    }
}

/// SHA-256 of a file in hex.
///
/// - Throws: `SQLError` in words.
func digest(ofFile path: String) throws -> String {
    do { return try sha256Hex(ofFile: path) } catch {
        throw access(path, R_OK) == 0
            ? SQLError.failedDisk("\(path) can't be read: its disk may be failing")
            : FileMoves.failure("read", path)
    }
}
