import Integrations

/// What an outage leaves of what was not durable, by the seed.
struct DiskRandom {
    enum Fate { case kept, dropped, torn }
    /// Outages differ: nothing had reached the disk, all had, or anything.
    enum Mood { case all, none, mixed, torn }

    private var random: SplitMix
    init(seed: UInt64) { random = SplitMix(seed: seed) }

    mutating func mood() -> Mood { random.pick([.all, .none, .mixed, .mixed, .torn]) }

    mutating func fate(_ mood: Mood) -> Fate {
        switch mood {
        case .all: .kept
        case .none: .dropped
        case .mixed: random.pick([.kept, .kept, .dropped, .dropped, .torn])
        case .torn: random.pick([.kept, .torn])
        }
    }

    mutating func isKept() -> Bool { random.chance(50) }

    /// How much of the write at which the machine stopped was done, in whole sectors.
    mutating func prefix(of count: Int, at offset: Int64) -> Int {
        guard random.chance(50) else { return 0 }
        let first = diskSector - Int(offset % Int64(diskSector))
        let ends = Array(stride(from: first, to: count, by: diskSector))
        return ends.isEmpty ? 0 : random.pick(ends)
    }
}
