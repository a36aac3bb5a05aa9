import Foundation
import GRDBSQLite
import Ledger
import SQLiteEngine

/// A computer with a ledger on a disk: it goes down and comes up again with what the disk kept.
final class Machine {
    private let root: String
    private let seed: UInt64
    private let canary: Canary?
    /// Every state of the files that was left stays.
    private let keepsAll: Bool
    private var boots = 0
    private var isUp = true
    private(set) var disk: Disk
    private(set) var engine: SQLiteDatabase
    private(set) var database: FaultyDatabase
    private(set) var ledger: Ledger

    /// - Parameter root: an empty directory.
    init(root: String, seed: UInt64, canary: Canary?, keepsAll: Bool) throws {
        self.root = URL(fileURLWithPath: root).resolvingSymlinksInPath().path
        (self.seed, self.canary, self.keepsAll) = (seed, canary, keepsAll)
        try FileManager.default.createDirectory(
            atPath: "\(self.root)/0", withIntermediateDirectories: true)
        (disk, engine, database, ledger) = try Self.boot("\(self.root)/0", seed, canary, nil)
    }

    var path: String { "\(disk.directory)/\(Self.name)" }

    private static let name = "tribute.db"

    private static func boot(
        _ directory: String, _ seed: UInt64, _ canary: Canary?, _ before: Disk?
    ) throws -> (Disk, SQLiteDatabase, FaultyDatabase, Ledger) {
        let disk = Disk(directory: directory, seed: seed, before: before)
        if canary == .lyingDisk { disk.lie() }
        // As the server does it.
        let engine = try SQLiteDatabase(path: "\(directory)/\(name)")
        try engine.settle()
        try engine.migrate()
        let database = FaultyDatabase(engine: engine)
        return (disk, engine, database, Ledger(database: database))
    }

    /// Disarms everything, and says how often something struck.
    func disarm() -> Int { disk.disarm() + database.disarm() }

    /// The machine goes down now, unless it is down already, and comes up with what is left.
    func goDown(_ outage: Outage) async throws {
        disk.stop()
        await end()
        let before = disk.directory
        boots += 1
        let next = "\(root)/\(boots)"
        try FileManager.default.createDirectory(
            atPath: next, withIntermediateDirectories: true)
        try disk.leave(outage, in: next)
        if !keepsAll { try FileManager.default.removeItem(atPath: before) }
        try open(next, outage == .kill ? disk : nil)
    }

    /// An orderly stop and start.
    func restart() async throws {
        await end()
        boots += 1
        try open(disk.directory, disk)
    }

    private func open(_ directory: String, _ before: Disk?) throws {
        let seed = seed &+ UInt64(boots) &* 0x9E37_79B9
        let left = database.canary
        do {
            (disk, engine, database, ledger) = try Self.boot(directory, seed, canary, before)
        } catch {
            throw Finding("the database does not open any more: \(error)")
        }
        database.release(left)
        isUp = true
    }

    /// Moves the log into the file, here and now.
    func checkpoint() {
        var connection: OpaquePointer?
        defer { sqlite3_close_v2(connection) }
        guard sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK else {
            return
        }
        sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
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
