import Dispatch
import Foundation
import GRDBSQLite
import Ledger
import Synchronization

/// Moves the write-ahead log into the file on a thread of its own, so that commits don't wait for
/// it. While commits go on, a checkpoint never reaches the end of the log, and the log would grow
/// for ever: once it is long, the writer itself finishes the little that is left, and the next
/// commit starts the log anew in the same space on disk.
final class Checkpointer: Sendable {
    /// Frames (4 KiB) that may wait before the thread moves them.
    static let backlogFrames: Int32 = 4_000
    /// Length of the log, 64 MiB, at which the writer finishes the checkpoint.
    static let restartFrames: Int32 = 16_000

    // Used by the thread only, and by `close` after the thread has ended.
    private nonisolated(unsafe) let connection: OpaquePointer?
    private let wake = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let isStopped = Atomic<Bool>(false)
    private let checkpointedFrames = Atomic<Int32>(0)
    private let failed = Atomic<Bool>(false)
    private let files: DatabaseFiles

    /// Whether the disk has failed a checkpoint.
    var hasFailed: Bool { failed.load(ordering: .relaxed) }

    init(path: String, _ files: DatabaseFiles) throws {
        self.files = files
        connection = try openedForCheckpoints(path: path)
        let thread = Thread { [self] in run() }
        thread.name = "checkpoint"
        thread.start()
    }

    /// Has this connection tell of each commit and how long the log is.
    func watch(_ writer: OpaquePointer?) {
        sqlite3_wal_hook(
            writer,
            { context, writer, _, frames in
                guard let context else { return SQLITE_OK }
                let me = Unmanaged<Checkpointer>.fromOpaque(context).takeUnretainedValue()
                if me.note(logFrames: frames) {
                    sqlite3_wal_checkpoint_v2(writer, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
                }
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// - Returns: whether the writer should finish the checkpoint now.
    private func note(logFrames: Int32) -> Bool {
        let done = checkpointedFrames.load(ordering: .relaxed)
        if logFrames < done {
            checkpointedFrames.store(0, ordering: .relaxed)
        } else if logFrames - done >= Self.backlogFrames {
            wake.signal()
        }
        return logFrames >= Self.restartFrames && files.areThere
    }

    private func run() {
        while true {
            wake.wait()
            // Commits that told of a backlog while the last one was moved count as one.
            while wake.wait(timeout: .now()) == .success {}
            if isStopped.load(ordering: .relaxed) { break }
            guard files.areThere else { continue }
            var frames: Int32 = 0
            var moved: Int32 = 0
            let code = sqlite3_wal_checkpoint_v2(
                connection, nil, SQLITE_CHECKPOINT_PASSIVE, &frames, &moved)
            if code & 0xFF == SQLITE_IOERR { failed.store(true, ordering: .relaxed) }
            checkpointedFrames.store(max(0, moved), ordering: .relaxed)
        }
        ended.signal()
    }

    func close() {
        isStopped.store(true, ordering: .relaxed)
        wake.signal()
        ended.wait()
        sqlite3_close_v2(connection)
    }
}

/// A connection that knows of the file's log: on one that has read nothing yet a checkpoint does
/// nothing and succeeds.
///
/// - Throws: `SQLError.unavailable`. The caller closes it.
package func openedForCheckpoints(path: String) throws -> OpaquePointer? {
    var connection: OpaquePointer?
    let isOpen =
        sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK
        && sqlite3_busy_timeout(connection, 5_000) == SQLITE_OK
        && sqlite3_exec(connection, "PRAGMA schema_version", nil, nil, nil) == SQLITE_OK
    if isOpen { return connection }
    sqlite3_close_v2(connection)
    throw SQLError.unavailable("can't open \(path)")
}
