import Foundation
import Ledger
import SQLiteEngine
import Wire

/// Bad rows of an import as NDJSON: line, reason, row. There is no file if there are none.
final class RejectsFile {
    let path: String
    private let handle: FileHandle
    private var isEmpty = true

    /// Replaces the file of an earlier import, and nothing else.
    ///
    /// - Parameter input: the file that is imported.
    /// - Throws: `Failure`; nothing was changed then.
    init(path: String, input: String) throws {
        self.path = path
        if FileMoves.isThere(path) {
            guard !FileMoves.isSame(path, input), Self.isOurs(path) else {
                throw Failure(
                    """
                    --rejects: \(path) is there already and no file of an earlier import's bad \
                    rows. Choose another name; nothing was changed.
                    """)
            }
            unlink(path)
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw Failure("--rejects: \(FileMoves.failure("made", path).detail)")
        }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Whether it holds what this writes, or nothing, as an import leaves it that was killed.
    private static func isOurs(_ path: String) -> Bool {
        guard FileMoves.isRegular(path), let file = FileHandle(forReadingAtPath: path) else {
            return false
        }
        defer { try? file.close() }
        let start = Data(#"{"line":"#.utf8)
        guard let found = try? file.read(upToCount: start.count) else { return true }
        return found.isEmpty || found == start
    }

    func append(line: Int, reason: String, row: String) {
        var writer = JSONWriter()
        writer.object {
            $0.member("line", Int64(line))
            $0.member("reason", reason)
            $0.member("row", row)
        }
        handle.write(Data(writer.bytes + [UInt8(ascii: "\n")]))
        isEmpty = false
    }

    func close() {
        try? handle.close()
        if isEmpty { unlink(path) }
    }
}
