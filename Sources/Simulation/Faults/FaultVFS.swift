import GRDBSQLite

/// A file layer of SQLite's between it and its own. Files outside the simulated directories are
/// opened by SQLite's own layer as if this one were not there.

/// Registers the layer as the default of this process, once.
func registerFaults() { _ = isRegistered }

private let isRegistered: Bool = {
    guard let base = realLayer else { return false }
    let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
    methods.initialize(to: fileMethods)
    let layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    // What is not replaced does not look at the layer that it is called for.
    layer.initialize(to: base.pointee)
    let name: StaticString = "faults"
    layer.pointee.zName = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    layer.pointee.szOsFile = base.pointee.szOsFile + Int32(headSize)
    layer.pointee.pAppData = UnsafeMutableRawPointer(methods)
    layer.pointee.xOpen = { open($0, $1, $2, $3, $4) }
    layer.pointee.xDelete = { delete($1, $2) }
    return sqlite3_vfs_register(layer, 1) == SQLITE_OK
}()

private var realLayer: UnsafeMutablePointer<sqlite3_vfs>? { sqlite3_vfs_find("unix") }

/// One opening of a watched file.
final class OpenFile: Sendable {
    let disk: Disk
    let name: String
    let kind: DiskFile
    init(disk: Disk, name: String, kind: DiskFile) {
        (self.disk, self.name, self.kind) = (disk, name, kind)
    }
}

/// The memory that SQLite gives for a file: its methods, who watches it, the real file.
private let headSize = 2 * MemoryLayout<UnsafeRawPointer>.size

private typealias File = UnsafeMutablePointer<sqlite3_file>

private func watched(_ file: File?) -> (file: OpenFile, real: RealFile)? {
    guard let file else { return nil }
    let memory = UnsafeMutableRawPointer(file)
    guard
        let watcher = memory.load(
            fromByteOffset: headSize / 2, as: UnsafeMutableRawPointer?.self)
    else { return nil }
    let real = memory.advanced(by: headSize).assumingMemoryBound(to: sqlite3_file.self)
    return (Unmanaged<OpenFile>.fromOpaque(watcher).takeUnretainedValue(), RealFile(file: real))
}

private func open(
    _ layer: UnsafeMutablePointer<sqlite3_vfs>?, _ name: UnsafePointer<CChar>?, _ file: File?,
    _ flags: Int32, _ outFlags: UnsafeMutablePointer<Int32>?
) -> Int32 {
    guard let base = realLayer, let xOpen = base.pointee.xOpen, let file else {
        return SQLITE_CANTOPEN
    }
    let kinds: [(Int32, DiskFile)] = [
        (SQLITE_OPEN_MAIN_DB, .main), (SQLITE_OPEN_WAL, .log), (SQLITE_OPEN_MAIN_JOURNAL, .journal),
    ]
    guard let name, let disk = Disk.watching(String(cString: name)),
        let kind = kinds.first(where: { flags & $0.0 != 0 })?.1
    else { return xOpen(base, name, file, flags, outFlags) }

    file.pointee.pMethods = nil
    if disk.isStopped { return SQLITE_CANTOPEN }
    var exists: Int32 = 0
    _ = base.pointee.xAccess?(base, name, SQLITE_ACCESS_EXISTS, &exists)
    let memory = UnsafeMutableRawPointer(file)
    let real = memory.advanced(by: headSize).assumingMemoryBound(to: sqlite3_file.self)
    let code = xOpen(base, name, real, flags, outFlags)
    guard code == SQLITE_OK else { return code }
    let path = String(cString: name)
    let opened = OpenFile(
        disk: disk, name: String(path.dropFirst(disk.directory.count + 1)), kind: kind)
    disk.opened(opened.name, size: RealFile(file: real).size, isNew: exists == 0)
    memory.storeBytes(
        of: Unmanaged.passRetained(opened).toOpaque(), toByteOffset: headSize / 2,
        as: UnsafeMutableRawPointer.self)
    file.pointee.pMethods = UnsafePointer(
        layer?.pointee.pAppData?.assumingMemoryBound(to: sqlite3_io_methods.self))
    return SQLITE_OK
}

private func delete(_ name: UnsafePointer<CChar>?, _ sync: Int32) -> Int32 {
    guard let base = realLayer, let xDelete = base.pointee.xDelete, let name else {
        return IOError.delete
    }
    let path = String(cString: name)
    guard let disk = Disk.watching(path) else { return xDelete(base, name, sync) }
    let file = String(path.dropFirst(disk.directory.count + 1))
    return disk.delete(file, isSynced: sync != 0) { xDelete(base, name, sync) }
}

private func close(_ file: File?) -> Int32 {
    guard let file, let real = watched(file)?.real else { return IOError.close }
    let code = real.methods?.xClose(real.file) ?? IOError.close
    let memory = UnsafeMutableRawPointer(file)
    if let watcher = memory.load(
        fromByteOffset: headSize / 2, as: UnsafeMutableRawPointer?.self)
    {
        Unmanaged<OpenFile>.fromOpaque(watcher).release()
    }
    file.pointee.pMethods = nil
    return code
}

private var fileMethods: sqlite3_io_methods {
    var methods = sqlite3_io_methods()
    // Version 2: without the memory map of version 3, so that every read comes by here.
    methods.iVersion = 2
    methods.xClose = { close($0) }
    methods.xRead = { file, target, count, offset in
        guard let (file, real) = watched(file) else { return IOError.read }
        let code = file.disk.verdict(.read, file, otherwise: IOError.read)
        guard code == SQLITE_OK else { return code }
        return real.methods?.xRead(real.file, target, count, offset) ?? IOError.read
    }
    methods.xWrite = { file, source, count, offset in
        guard let (file, real) = watched(file) else { return IOError.write }
        let bytes = UnsafeRawBufferPointer(start: source, count: Int(count))
        return file.disk.write(file, bytes, at: offset, real)
    }
    methods.xTruncate = { file, size in
        guard let (file, real) = watched(file) else { return IOError.truncate }
        return file.disk.truncate(file, to: size, real)
    }
    methods.xSync = { file, _ in
        guard let (file, _) = watched(file) else { return IOError.fsync }
        return file.disk.sync(file)
    }
    methods.xFileSize = { file, size in
        guard let real = watched(file)?.real else { return IOError.fstat }
        return real.methods?.xFileSize(real.file, size) ?? IOError.fstat
    }
    addLocks(to: &methods)
    methods.xFileControl = { file, operation, argument in
        guard let real = watched(file)?.real else { return SQLITE_NOTFOUND }
        return real.methods?.xFileControl(real.file, operation, argument) ?? SQLITE_NOTFOUND
    }
    methods.xSectorSize = { file in
        guard let real = watched(file)?.real else { return 0 }
        return real.methods?.xSectorSize(real.file) ?? 0
    }
    methods.xDeviceCharacteristics = { file in
        guard let real = watched(file)?.real else { return 0 }
        return real.methods?.xDeviceCharacteristics(real.file) ?? 0
    }
    return methods
}

private func addLocks(to methods: inout sqlite3_io_methods) {
    methods.xLock = { file, level in
        guard let (file, real) = watched(file) else { return IOError.lock }
        if file.disk.isStopped { return IOError.lock }
        return real.methods?.xLock(real.file, level) ?? IOError.lock
    }
    methods.xUnlock = { file, level in
        guard let real = watched(file)?.real else { return IOError.unlock }
        return real.methods?.xUnlock(real.file, level) ?? IOError.unlock
    }
    methods.xCheckReservedLock = { file, result in
        guard let real = watched(file)?.real else { return IOError.checkReservedLock }
        return real.methods?.xCheckReservedLock(real.file, result)
            ?? IOError.checkReservedLock
    }
    methods.xShmMap = { file, page, size, extend, memory in
        guard let real = watched(file)?.real else { return IOError.shmMap }
        return real.methods?.xShmMap(real.file, page, size, extend, memory) ?? IOError.shmMap
    }
    methods.xShmLock = { file, offset, count, flags in
        guard let (file, real) = watched(file) else { return IOError.shmLock }
        if flags & SQLITE_SHM_LOCK != 0 {
            if file.disk.isStopped { return IOError.shmLock }
            // The first of these locks is the writer's.
            if offset == 0, flags & SQLITE_SHM_EXCLUSIVE != 0 {
                let code = file.disk.verdict(.lock, file, otherwise: SQLITE_BUSY)
                if code != SQLITE_OK { return code }
            }
        }
        return real.methods?.xShmLock(real.file, offset, count, flags) ?? IOError.shmLock
    }
    methods.xShmBarrier = { file in
        guard let real = watched(file)?.real else { return }
        real.methods?.xShmBarrier(real.file)
    }
    methods.xShmUnmap = { file, isDeleted in
        guard let real = watched(file)?.real else { return SQLITE_OK }
        return real.methods?.xShmUnmap(real.file, isDeleted) ?? SQLITE_OK
    }
}

/// SQLite's own file below.
struct RealFile {
    let file: UnsafeMutablePointer<sqlite3_file>
    var methods: sqlite3_io_methods? { file.pointee.pMethods?.pointee }

    var size: Int64 {
        var size: Int64 = 0
        _ = methods?.xFileSize(file, &size)
        return size
    }

    func read(from start: Int, to end: Int) -> [UInt8] {
        guard start < end else { return [] }
        var bytes = [UInt8](repeating: 0, count: end - start)
        _ = methods?.xRead(file, &bytes, Int32(bytes.count), Int64(start))
        return bytes
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int32 {
        methods?.xWrite(file, bytes.baseAddress, Int32(bytes.count), offset)
            ?? IOError.write
    }

    func truncate(to size: Int64) -> Int32 {
        methods?.xTruncate(file, size) ?? IOError.truncate
    }
}
