import GRDBSQLite
import Ledger

/// Gathers what a transaction writes to the write-ahead log, and hands it to the file system in one
/// piece. SQLite calls it twice for each page, and a sale changes about three: most of what a
/// commit costs the kernel is the calls, not the bytes.
///
/// What is gathered is written before anybody could miss it: when the log is synced, which every
/// commit does before others may see it (`synchronous = FULL`), when it is read, measured, cut or
/// closed, and when something is written elsewhere in it. So the file sees the same bytes in the
/// same order; an error of the disk comes with the sync instead of with the page, and either fails
/// the commit.
///
/// Only a commit's writes are gathered. What a large transaction writes before it, because it does
/// not fit into memory, may be rolled back: then others write in the same place, and nothing that
/// is held may come after that.
///
/// It sits on the log's file of one connection, over whatever methods that has.
final class GatheredLog {
    /// Bytes that are held before they are written in any case: a transaction of 255 pages.
    private static let capacity = 1 << 20

    fileprivate let real: UnsafePointer<sqlite3_io_methods>
    /// SQLite's layer below takes less than 128 KiB at once.
    private static let pieceMax = 124 << 10
    private let bytes = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    private var count = 0
    /// Where in the file the first byte belongs.
    private var start: sqlite3_int64 = 0

    private let connection: OpaquePointer?
    /// Of a write whose caller could not be told, or did not look.
    fileprivate var failure = SQLITE_OK

    private init(real: UnsafePointer<sqlite3_io_methods>, _ connection: OpaquePointer?) {
        (self.real, self.connection) = (real, connection)
    }

    deinit { bytes.deallocate() }

    /// - Parameter connection: in WAL mode, with `synchronous = FULL`.
    /// - Throws: `SQLError.other`: it has no log.
    static func install(on connection: OpaquePointer?) throws {
        var file: File?
        sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file)
        guard let file, let real = file.pointee.pMethods else {
            throw SQLError.other("the connection has no write-ahead log")
        }
        let table = UnsafeMutableRawPointer.allocate(
            byteCount: ownerOffset + MemoryLayout<UnsafeRawPointer>.size, alignment: 16)
        table.initializeMemory(
            as: sqlite3_io_methods.self, to: methods(over: real.pointee))
        table.storeBytes(
            of: Unmanaged.passRetained(GatheredLog(real: real, connection)).toOpaque(),
            toByteOffset: ownerOffset, as: UnsafeMutableRawPointer.self)
        file.pointee.pMethods = UnsafePointer(
            table.assumingMemoryBound(to: sqlite3_io_methods.self))
    }

    /// - Returns: SQLite's code.
    fileprivate func write(
        _ file: File, _ source: UnsafeRawPointer, _ length: Int32, _ offset: sqlite3_int64
    ) -> Int32 {
        let length = Int(length)
        if failure != SQLITE_OK { return reported() }
        // SQLite goes back to this mode when a commit begins, not when it has ended.
        if sqlite3_get_autocommit(connection) == 0 {
            let code = flush(file)
            return code == SQLITE_OK
                ? real.pointee.xWrite(file, source, Int32(length), offset) : code
        }
        if offset != start + sqlite3_int64(count) || count + length > Self.capacity {
            let code = flush(file)
            guard code == SQLITE_OK else { return code }
            start = offset
        }
        guard length <= Self.capacity else {
            return real.pointee.xWrite(file, source, Int32(length), offset)
        }
        (bytes + count).copyMemory(from: source, byteCount: length)
        count += length
        return SQLITE_OK
    }

    /// Once, by the write or sync that follows.
    fileprivate func reported() -> Int32 {
        defer { failure = SQLITE_OK }
        return failure
    }

    /// Writes what is held. What the disk has refused is not held any longer: the transaction that
    /// it belongs to fails.
    fileprivate func flush(_ file: File) -> Int32 {
        defer { count = 0 }
        for offset in stride(from: 0, to: count, by: Self.pieceMax) {
            let length = min(count - offset, Self.pieceMax)
            let code = real.pointee.xWrite(
                file, bytes + offset, Int32(length), start + sqlite3_int64(offset))
            guard code == SQLITE_OK else { return code }
        }
        return SQLITE_OK
    }
}

private typealias File = UnsafeMutablePointer<sqlite3_file>

/// Behind the methods, where SQLite does not look, stands whose they are.
private let ownerOffset = MemoryLayout<sqlite3_io_methods>.stride

private func owner(_ file: File) -> Unmanaged<GatheredLog>? {
    guard let methods = file.pointee.pMethods else { return nil }
    return Unmanaged.fromOpaque(
        UnsafeRawPointer(methods).load(fromByteOffset: ownerOffset, as: UnsafeRawPointer.self))
}

/// Does something with a log's file after all that was written to it.
private func after(_ file: File?, _ body: (File, sqlite3_io_methods) -> Int32) -> Int32 {
    guard let file, let log = owner(file)?.takeUnretainedValue() else { return SQLITE_MISUSE }
    let code = log.flush(file)
    return code == SQLITE_OK ? body(file, log.real.pointee) : code
}

private func methods(over real: sqlite3_io_methods) -> sqlite3_io_methods {
    var methods = real
    methods.xWrite = { file, source, count, offset in
        guard let file, let source, let log = owner(file)?.takeUnretainedValue() else {
            return SQLITE_MISUSE
        }
        return log.write(file, source, count, offset)
    }
    methods.xRead = { file, target, count, offset in
        after(file) { $1.xRead($0, target, count, offset) }
    }
    methods.xTruncate = { file, size in after(file) { $1.xTruncate($0, size) } }
    methods.xSync = { file, flags in
        if let file, let log = owner(file)?.takeUnretainedValue(), log.failure != SQLITE_OK {
            return log.reported()
        }
        return after(file) { $1.xSync($0, flags) }
    }
    methods.xFileSize = { file, size in after(file) { $1.xFileSize($0, size) } }
    methods.xFileControl = { file, operation, argument in
        guard let file, let log = owner(file)?.takeUnretainedValue() else { return SQLITE_MISUSE }
        // Of some of these SQLite does not look at the result.
        let code = log.flush(file)
        if code != SQLITE_OK { log.failure = code }
        return code == SQLITE_OK
            ? log.real.pointee.xFileControl(file, operation, argument) : code
    }
    methods.xClose = { file in
        guard let file, let owner = owner(file) else { return SQLITE_MISUSE }
        let table = file.pointee.pMethods
        let log = owner.takeRetainedValue()
        let flushed = log.flush(file)
        let closed = log.real.pointee.xClose(file)
        table?.deallocate()
        return flushed == SQLITE_OK ? closed : flushed
    }
    return methods
}
