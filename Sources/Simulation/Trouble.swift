import GRDBSQLite
import Integrations

/// What can go wrong while a batch is committed.
enum Trouble: String, CaseIterable {
    case refused = "transaction refused"
    case broken = "transaction broken off"
    case unanswered = "committed, not answered"
    case busy = "lock busy"
    case readError = "read error"
    case writeError = "write error"
    case diskFull = "disk full"
    case syncError = "fsync error"
    case syncLoss = "fsync error with loss"
    case killed = "killed in a commit"
    case powerless = "power lost in a commit"

    /// How the machine goes down with it.
    var outage: Outage? {
        switch self {
        case .killed: .kill
        case .powerless: .power
        default: nil
        }
    }

    func arm(_ machine: Machine, _ random: inout SplitMix) {
        switch self {
        case .refused: machine.database.arm(.before)
        case .broken:
            machine.database.arm(
                random.chance(50)
                    ? .within(random.int(0..<24)) : .withinWrites(random.int(1..<8)))
        case .unanswered: machine.database.arm(.after)
        case .busy:
            machine.disk.arm(
                fault(.main, [.lock], 0, times: random.int(1..<8), .fails(SQLITE_BUSY)))
        case .readError:
            machine.disk.arm(
                fault(nil, [.read], random.int(0..<4), .fails(IOError.read)))
        case .writeError:
            machine.disk.arm(
                fault(.log, [.write], random.int(0..<2), .fails(IOError.write)))
        case .diskFull:
            machine.disk.arm(
                fault(.log, [.write], random.int(0..<2), times: 1_000, .fails(SQLITE_FULL)))
        case .syncError:
            machine.disk.arm(fault(.log, [.sync], 0, .fails(IOError.fsync)))
        case .syncLoss: machine.disk.arm(fault(.log, [.sync], 0, .loses))
        case .killed, .powerless:
            machine.disk.arm(fault(.log, [.write, .sync], random.int(0..<4), .stops))
        }
    }

    private func fault(
        _ file: DiskFile?, _ operations: Set<DiskOperation>, _ wait: Int, times: Int = 1,
        _ effect: DiskFault.Effect
    ) -> DiskFault {
        DiskFault(file: file, operations: operations, wait: wait, times: times, effect: effect)
    }
}

/// What can happen between two batches.
enum Interlude: String, CaseIterable {
    case checkpoint = "checkpoint"
    case brokenCheckpoint = "checkpoint with an I/O error"
    case killedInCheckpoint = "killed in a checkpoint"
    case powerlessInCheckpoint = "power lost in a checkpoint"
    case killed = "killed while idle"
    case powerless = "power lost while idle"
    case powerlessAtStart = "power lost while starting again"
    case restart = "orderly restart"

    /// Whether it may happen without faults.
    var isHarmless: Bool { self == .checkpoint || self == .restart }
    /// Whether nothing is left in doubt that was not durable before.
    var isFinal: Bool { self == .powerless || self == .powerlessInCheckpoint }

    func happen(_ machine: Machine, _ random: inout SplitMix) async throws {
        var fault = DiskFault(
            file: .main, operations: [.write, .sync, .truncate], wait: random.int(0..<30),
            effect: .stops)
        switch self {
        case .checkpoint:
            guard machine.checkpoint() else { throw Finding("the log was not moved") }
        case .brokenCheckpoint:
            fault.effect = random.pick([.fails(IOError.write), .fails(SQLITE_FULL), .loses])
            if fault.effect == .loses { (fault.operations, fault.wait) = ([.sync], 0) }
            machine.disk.arm(fault)
            machine.checkpoint()
            _ = machine.disarm()
        case .killedInCheckpoint, .powerlessInCheckpoint:
            machine.disk.arm(fault)
            machine.checkpoint()
            try await machine.goDown(self == .killedInCheckpoint ? .kill : .power)
        case .killed: try await machine.goDown(.kill)
        case .powerless: try await machine.goDown(.power)
        case .powerlessAtStart:
            fault.file = random.pick([nil, .main, .log])
            fault.operations.insert(.read)
            try await machine.goDown(random.pick(Outage.allCases), again: fault)
        case .restart: try await machine.restart()
        }
    }
}
