import GRDBSQLite

/// What SQLite does to files.
package enum DiskOperation: Sendable { case read, write, sync, truncate, lock }

/// Which of SQLite's files.
package enum DiskFile: Sendable {
    /// The data.
    case main
    /// The write-ahead log.
    case log
    case journal
}

/// Something that goes wrong at the n-th operation of some kind from now.
package struct DiskFault: Sendable {
    package enum Effect: Sendable, Equatable {
        /// Fails with this code, as SQLite's own file layer would say it.
        case fails(Int32)
        /// A sync fails, and what it should have made durable never will be by a later one: what
        /// Linux does with pages that could not be written.
        case loses
        /// From here on everything fails: the process was killed, or the power went.
        case stops
    }

    package var file: DiskFile?
    package var operations: Set<DiskOperation>
    /// How many of these operations still succeed.
    package var wait: Int
    /// How many fail.
    package var times = 1
    package var effect: Effect

    package init(
        file: DiskFile?, operations: Set<DiskOperation>, wait: Int, times: Int = 1, effect: Effect
    ) {
        (self.file, self.operations, self.wait) = (file, operations, wait)
        (self.times, self.effect) = (times, effect)
    }

    func concerns(_ operation: DiskOperation, _ other: DiskFile) -> Bool {
        operations.contains(operation) && (file == nil || file == other)
    }
}

/// How a machine went down.
package enum Outage: String, Sendable, CaseIterable {
    /// `kill -9`: what was written is there.
    case kill
    /// Of what was not synced, any part may be there.
    case power
}

/// One file as it is, and what was done to it since it was last made durable.
struct FileHistory {
    struct Change {
        let offset: Int
        /// What stood there, as far as the file reached.
        let before: [UInt8]
        /// nil: the file was cut at `offset`.
        let after: [UInt8]?
        let sizeBefore: Int
        /// A later sync made it durable, while one before it is lost.
        var isDurable = false
        var isLost = false
    }

    var size: Int
    /// Whether the directory durably has it.
    var isNamed: Bool
    /// What was there under the name, if that was deleted and may come back.
    var ghost: [UInt8]?
    private(set) var changes: [Change] = []

    init(size: Int, isNamed: Bool) { (self.size, self.isNamed) = (size, isNamed) }

    mutating func note(_ change: Change) {
        changes.append(change)
        size = change.after.map { max(size, change.offset + $0.count) } ?? change.offset
    }

    /// A sync succeeded.
    mutating func settle() {
        if changes.contains(where: \.isLost) {
            for index in changes.indices { changes[index].isDurable = true }
        } else {
            changes.removeAll()
        }
    }

    mutating func lose() {
        for index in changes.indices where !changes[index].isDurable {
            changes[index].isLost = true
        }
    }

    /// The file as it is found after the power went: of what was not durable each change is there,
    /// or not, or some of its sectors are.
    ///
    /// - Parameter content: as it is now, with every change.
    func image(of content: [UInt8], _ random: inout DiskRandom) -> [UInt8] {
        var bytes = content
        for change in changes.reversed() { change.undo(in: &bytes) }
        let mood = random.mood()
        for change in changes {
            if change.isLost { continue }
            guard !change.isDurable else {
                change.apply(to: &bytes)
                continue
            }
            switch random.fate(mood) {
            case .kept: change.apply(to: &bytes)
            case .dropped: break
            case .torn:
                for piece in change.sectors where random.isKept() { piece.apply(to: &bytes) }
            }
        }
        return bytes
    }
}

extension FileHistory.Change {
    fileprivate func undo(in bytes: inout [UInt8]) {
        if bytes.count < sizeBefore {
            bytes += [UInt8](repeating: 0, count: sizeBefore - bytes.count)
        }
        bytes.replaceSubrange(offset..<min(offset + before.count, bytes.count), with: before)
        if bytes.count > sizeBefore { bytes.removeLast(bytes.count - sizeBefore) }
    }

    fileprivate func apply(to bytes: inout [UInt8]) {
        guard let after else {
            if bytes.count > offset { bytes.removeLast(bytes.count - offset) }
            return
        }
        // What lies between the end and a write that survived alone reads as zeros.
        let end = offset + after.count
        if bytes.count < end { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
        bytes.replaceSubrange(offset..<end, with: after)
    }

    /// The write cut where the disk's sectors end.
    fileprivate var sectors: [Self] {
        guard let after else { return [self] }
        var pieces: [Self] = []
        var start = 0
        while start < after.count {
            let end = min(after.count, start + diskSector - (offset + start) % diskSector)
            pieces.append(
                Self(
                    offset: offset + start, before: [], after: Array(after[start..<end]),
                    sizeBefore: 0))
            start = end
        }
        return pieces
    }
}

let diskSector = 512

/// SQLite's codes for I/O errors, whose macros Swift can't import.
enum IOError {
    static let read = code(1)
    static let write = code(3)
    static let fsync = code(4)
    static let truncate = code(6)
    static let fstat = code(7)
    static let unlock = code(8)
    static let delete = code(10)
    static let checkReservedLock = code(14)
    static let lock = code(15)
    static let close = code(16)
    static let shmLock = code(20)
    static let shmMap = code(21)

    private static func code(_ number: Int32) -> Int32 { SQLITE_IOERR | number << 8 }
}
