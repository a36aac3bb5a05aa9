import Foundation
import GRDBSQLite
import Synchronization

/// The files of one directory as SQLite sees them, with what goes wrong with them. Syncs are
/// counted, not done: what an outage leaves is put together from the writes since the last one.
///
/// A fault counts operations of one file. Only the writing connection writes to the log, so that a
/// count of its writes means the same each time; the thread that moves the log into the file works
/// when it likes, so faults of that file are put where the simulator itself does so. That thread
/// may still come in between: what is checked afterwards holds whichever operation failed.
package final class Disk: Sendable {
    fileprivate struct State {
        var histories: [String: FileHistory]
        var random: DiskRandom
        var fault: DiskFault?
        var hits = 0
        var isStopped = false
        /// For a canary: says that it synced and does not.
        var isLying = false
    }

    package let directory: String
    private let state: Mutex<State>

    private static let all = Mutex<[String: Disk]>([:])

    /// - Parameter directory: a real path; whatever SQLite opens in it from now on is watched.
    /// - Parameter before: as it was left by a process that was killed or stopped: what it had not
    ///   synced is still not durable.
    package init(directory: String, seed: UInt64, before: Disk? = nil) {
        self.directory = directory
        let histories = before?.state.withLock { $0.histories } ?? [:]
        state = Mutex(State(histories: histories, random: DiskRandom(seed: seed)))
        registerFaults()
        Self.all.withLock { $0[directory] = self }
    }

    /// Files of this directory are not watched any more.
    package func detach() { Self.all.withLock { $0[directory] = nil } }

    static func watching(_ path: String) -> Disk? {
        let directory = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
        return all.withLock { $0[String(directory)] }
    }

    package func arm(_ fault: DiskFault?) { state.withLock { $0.fault = fault } }

    /// Disarms, and says how often a fault struck since it was last asked.
    package func disarm() -> Int {
        state.withLock { state in
            defer { (state.hits, state.fault) = (0, nil) }
            return state.hits
        }
    }

    package var isStopped: Bool { state.withLock { $0.isStopped } }
    package func stop() { state.withLock { $0.isStopped = true } }
    package func lie() { state.withLock { $0.isLying = true } }

    /// Makes the files as they are found after the machine went down at this moment. The ones in
    /// shared memory are not among them.
    package func leave(_ outage: Outage, in other: String) throws {
        try state.withLock { state in
            // Files that were not opened since the last outage are as they were.
            for name in try FileManager.default.contentsOfDirectory(atPath: directory)
            where state.histories[name] == nil && !name.hasSuffix("-shm") {
                let size = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)")).count
                state.histories[name] = FileHistory(size: size, isNamed: true)
            }
            for (name, history) in state.histories.sorted(by: { $0.key < $1.key }) {
                let content = FileManager.default.contents(atPath: "\(directory)/\(name)")
                guard let image = state.left(outage, history, content.map(Array.init)) else {
                    continue
                }
                try Data(image).write(to: URL(fileURLWithPath: "\(other)/\(name)"))
            }
        }
    }
}

extension Disk {
    func opened(_ name: String, size: Int64, isNew: Bool) {
        state.withLock { state in
            if state.histories[name] == nil {
                state.histories[name] = FileHistory(size: Int(size), isNamed: !isNew)
            } else if isNew {
                state.histories[name]?.isNamed = false
                state.histories[name]?.size = 0
            }
        }
    }

    /// What an operation that only may fail is told; `SQLITE_OK` to go on.
    func verdict(_ operation: DiskOperation, _ file: OpenFile, otherwise: Int32) -> Int32 {
        state.withLock { state in
            if state.isStopped { return otherwise }
            return state.strike(operation, file.kind, otherwise) ?? SQLITE_OK
        }
    }

    func write(
        _ file: OpenFile, _ bytes: UnsafeRawBufferPointer, at offset: Int64, _ real: RealFile
    ) -> Int32 {
        state.withLock { state in
            if state.isStopped { return IOError.write }
            guard let code = state.strike(.write, file.kind, IOError.write) else {
                return state.write(file, bytes, at: offset, real)
            }
            if state.isStopped {
                // The write during which the machine stopped is done in part.
                let count = state.random.prefix(of: bytes.count, at: offset)
                let part = UnsafeRawBufferPointer(rebasing: bytes[..<count])
                if count > 0 { _ = state.write(file, part, at: offset, real) }
            }
            return code
        }
    }

    func sync(_ file: OpenFile) -> Int32 {
        state.withLock { state in
            if state.isStopped { return IOError.fsync }
            let effect = state.fault?.effect
            if let code = state.strike(.sync, file.kind, IOError.fsync) {
                if effect == .loses { state.histories[file.name]?.lose() }
                return code
            }
            if state.isLying { return SQLITE_OK }
            state.histories[file.name]?.settle()
            // With the first sync of a new log or journal SQLite syncs the directory.
            if file.kind != .main, state.histories[file.name]?.isNamed == false {
                state.nameAll()
            }
            return SQLITE_OK
        }
    }

    func truncate(_ file: OpenFile, to size: Int64, _ real: RealFile) -> Int32 {
        state.withLock { state in
            if state.isStopped { return IOError.truncate }
            if let code = state.strike(.truncate, file.kind, IOError.truncate) { return code }
            let before = state.histories[file.name]?.size ?? 0
            let tail = real.read(from: Int(size), to: before)
            let code = real.truncate(to: size)
            if code == SQLITE_OK {
                state.histories[file.name]?.note(
                    .init(offset: Int(size), before: tail, after: nil, sizeBefore: before))
            }
            return code
        }
    }

    /// A deletion that was not synced may be undone by an outage.
    func delete(_ name: String, isSynced: Bool, _ body: () -> Int32) -> Int32 {
        state.withLock { state in
            if state.isStopped { return IOError.delete }
            guard let history = state.histories[name] else { return body() }
            let content =
                history.isNamed
                ? FileManager.default.contents(atPath: "\(directory)/\(name)") : nil
            let code = body()
            if code == SQLITE_OK {
                var after = FileHistory(size: 0, isNamed: false)
                after.ghost = content.map(Array.init) ?? history.ghost
                state.histories[name] = after
                if isSynced { state.nameAll() }
            }
            return code
        }
    }
}

private let pageSize = 4_096

extension Disk.State {
    /// The code with which the operation fails; nil if it does not.
    fileprivate mutating func strike(
        _ operation: DiskOperation, _ kind: DiskFile, _ otherwise: Int32
    ) -> Int32? {
        guard var armed = fault, armed.concerns(operation, kind) else { return nil }
        if armed.wait > 0 {
            armed.wait -= 1
            fault = armed
            return nil
        }
        hits += 1
        armed.times -= 1
        fault = armed.times > 0 ? armed : nil
        switch armed.effect {
        case .fails(let code): return code
        case .loses: return otherwise
        case .stops:
            isStopped = true
            return otherwise
        }
    }

    /// The directory is durable as it is.
    fileprivate mutating func nameAll() {
        for name in histories.keys {
            histories[name]?.isNamed = true
            histories[name]?.ghost = nil
        }
    }

    fileprivate mutating func write(
        _ file: OpenFile, _ bytes: UnsafeRawBufferPointer, at offset: Int64, _ real: RealFile
    ) -> Int32 {
        let size = histories[file.name]?.size ?? 0
        let start = Int(offset)
        let before = real.read(from: start, to: min(start + bytes.count, size))
        let code = real.write(bytes, at: offset)
        guard code == SQLITE_OK else { return code }
        // An outage may leave some pages of a long write and not the others.
        for index in stride(from: 0, to: bytes.count, by: pageSize) {
            histories[file.name]?.note(
                .init(
                    offset: start + index,
                    before: Array(before.dropFirst(index).prefix(pageSize)),
                    after: Array(bytes.dropFirst(index).prefix(pageSize)),
                    sizeBefore: max(size, start + index)))
        }
        return code
    }

    /// nil: the file is not there.
    fileprivate mutating func left(
        _ outage: Outage, _ history: FileHistory, _ content: [UInt8]?
    ) -> [UInt8]? {
        switch outage {
        case .kill: return content
        case .power:
            guard let content, history.isNamed || random.isKept() else {
                return history.ghost.flatMap { random.isKept() ? $0 : nil }
            }
            return history.image(of: content, &random)
        }
    }
}
