import Foundation
import GRDBSQLite
import Ledger
import SQLiteEngine

/// A computer with a ledger on a disk: it goes down and comes up again with what the disk kept.
final class Machine {
    private let root: String
    private let seed: UInt64
    private let canary: Canary?
    /// Whether the files before the last outage stay beside those after it.
    private let keepsLast: Bool
    private var boots = 0
    private var isUp = true
    private(set) var disk: Disk
    private(set) var engine: SQLiteDatabase
    private(set) var database: FaultyDatabase
    private(set) var ledger: Ledger

    /// - Parameter root: a directory that is made.
    init(root: String, seed: UInt64, canary: Canary?, keepsLast: Bool) throws {
        try FileManager.default.createDirectory(
            atPath: "\(root)/0", withIntermediateDirectories: true)
        self.root = URL(fileURLWithPath: root).resolvingSymlinksInPath().path
        (self.seed, self.canary, self.keepsLast) = (seed, canary, keepsLast)
        disk = Disk(directory: "\(self.root)/0", seed: seed)
        if canary == .lyingDisk { disk.lie() }
        engine = try Self.boot(disk)
        database = FaultyDatabase(engine: engine)
        ledger = Ledger(database: database, limits: Self.limits)
    }

    /// A slow computer is no finding.
    private static var limits: Limits {
        var limits = Limits()
        limits.waitMax = .seconds(3_600)
        return limits
    }

    private static func path(_ disk: Disk) -> String { "\(disk.directory)/tribute.db" }

    /// As the server does it.
    private static func boot(_ disk: Disk) throws -> SQLiteDatabase {
        let engine = try SQLiteDatabase(path: path(disk))
        do {
            if let obstacle = try engine.bringUpToDate() { throw obstacle }
        } catch {
            try? engine.close()
            throw error
        }
        return engine
    }

    /// Disarms everything, and says how often something struck.
    func disarm() -> Int { disk.disarm() + database.disarm() }

    /// The machine goes down now, unless it is down already, and comes up with what is left.
    ///
    /// - Parameter again: what goes wrong while it comes up.
    /// - Returns: whether it went down a second time by that.
    @discardableResult
    func goDown(_ outage: Outage, again: DiskFault? = nil) async throws -> Bool {
        disk.stop()
        await end()
        try leave(outage)
        if try open(outage == .kill ? disk : nil, again) { return false }
        try leave(.power)
        guard try open(nil, nil) else { throw Finding("the machine does not come up any more") }
        return true
    }

    /// An orderly stop and start.
    func restart() async throws {
        await end()
        boots += 1
        next = disk.directory
        _ = try open(disk, nil)
    }

    /// Where the files are that the next start finds.
    private var next = ""
    private var last: String?

    private func leave(_ outage: Outage) throws {
        boots += 1
        next = "\(root)/\(boots)"
        try FileManager.default.createDirectory(atPath: next, withIntermediateDirectories: true)
        try disk.leave(outage, in: next)
        if let old = keepsLast ? last : disk.directory {
            try FileManager.default.removeItem(atPath: old)
        }
        last = disk.directory
    }

    /// - Returns: false if the machine went down while it came up.
    private func open(_ before: Disk?, _ fault: DiskFault?) throws -> Bool {
        let left = database.canary
        let seed = seed &+ UInt64(boots) &* 0x9E37_79B9
        disk = Disk(directory: next, seed: seed, before: before)
        if canary == .lyingDisk { disk.lie() }
        disk.arm(fault)
        do { engine = try Self.boot(disk) } catch {
            disk.detach()
            if disk.isStopped { return false }
            throw Finding("the database does not open any more: \(error)")
        }
        _ = disk.disarm()
        if disk.isStopped {
            try? engine.close()
            disk.detach()
            return false
        }
        database = FaultyDatabase(engine: engine)
        database.release(left)
        ledger = Ledger(database: database, limits: Self.limits)
        isUp = true
        return true
    }

    /// Moves the log into the file, here and now.
    ///
    /// - Returns: whether all of it was.
    @discardableResult
    func checkpoint() -> Bool {
        guard let connection = try? openedForCheckpoints(path: Self.path(disk)) else {
            return false
        }
        defer { sqlite3_close_v2(connection) }
        var (frames, moved): (Int32, Int32) = (-1, -1)
        let code = sqlite3_wal_checkpoint_v2(
            connection, nil, SQLITE_CHECKPOINT_PASSIVE, &frames, &moved)
        return code == SQLITE_OK && frames >= 0 && moved == frames
    }

    func end() async {
        guard isUp else { return }
        isUp = false
        await ledger.stop()
        // On a disk that has stopped it can't write any more; what it says does not matter.
        try? engine.close()
        disk.detach()
    }
}
