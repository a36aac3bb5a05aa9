import Foundation
import Integrations

/// Inputs that are kept because they once meant something.
enum Corpus {
    /// The files of a target's folder by their names.
    static func read(_ folder: String, _ target: TargetName) throws -> [[UInt8]] {
        let files = FileManager.default
        let path = URL(fileURLWithPath: folder).appendingPathComponent(target.rawValue)
        let names = try files.contentsOfDirectory(atPath: path.path).sorted()
        return names.filter { !$0.hasPrefix(".") }.compactMap { name in
            files.contents(atPath: path.appendingPathComponent(name).path).map { Array($0) }
        }
    }
}

/// Makes the inputs of a target: each from its number alone.
struct Source {
    let name: TargetName
    var target: any FuzzTarget
    let seeds: [[UInt8]]
    let seed: UInt64

    func input(_ number: UInt64) -> [UInt8] {
        // The files of the corpus come first, as they are.
        if number < seeds.count { return seeds[Int(number)] }
        var mixed = SplitMix(seed: seed &* 0x1_0001 &+ UInt64(name.index))
        var draft = Draft(SplitMix(seed: mixed.next() ^ (number &* 0x9E37_79B9_7F4A_7C15)))
        switch draft.random.int(0..<100) {
        case ..<40: target.grammar(&draft)
        case ..<60:
            target.grammar(&draft)
            draft.mutate(target.tokens, seeds)
        default:
            if seeds.isEmpty { target.grammar(&draft) } else { draft.bytes = draft.pick(seeds) }
            draft.mutate(target.tokens, seeds)
        }
        // Now and then a long one, which shows what is not linear.
        if draft.random.int(0..<4_000) == 0 { draft.stretch() }
        return draft.bytes
    }
}
