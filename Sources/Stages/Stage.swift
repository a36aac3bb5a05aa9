import Foundation

/// A stage of a sale, beside other work on the same input that none of this program's code does.
/// Machines differ, and a shared one is half as fast at times: what the two cost in turn has a
/// ratio that says something on any.
package struct Stage {
    package let name: String
    /// What it is compared with.
    package let reference: String
    private let parts: Int
    private let salesOfPart: Int
    private let prepare: () async throws -> Void
    private let own: (Range<Int>) async throws -> Void
    private let other: ((Range<Int>) throws -> Void)?

    /// Sales of a round.
    static let sales = 512

    /// - Parameters:
    ///   - parts: of a round. A part takes a millisecond or so: what disturbs the machine is in few
    ///     of them.
    ///   - sales: of a round.
    ///   - prepare: makes the input of a round; its time does not count.
    ///   - own: the stage, for some of the sales of a round.
    ///   - other: the reference, for the same; nil if there is none.
    init(
        _ name: String, besides reference: String, parts: Int, sales: Int = Self.sales,
        prepare: @escaping () async throws -> Void,
        own: @escaping (Range<Int>) async throws -> Void,
        other: ((Range<Int>) throws -> Void)?
    ) {
        (self.name, self.reference, self.parts) = (name, reference, parts)
        (salesOfPart, self.prepare, self.own, self.other) = (sales / parts, prepare, own, other)
    }

    /// One round: the two do each part one right after the other, and take turns in being first.
    func round() async throws -> [StagePart] {
        try await prepare()
        var costs: [StagePart] = []
        for part in 0..<parts {
            let sales = part * salesOfPart..<(part + 1) * salesOfPart
            var others: Cost?
            if part.isMultiple(of: 2), let other { others = try await cost { try other(sales) } }
            let owns = try await cost { try await own(sales) }
            if !part.isMultiple(of: 2), let other { others = try await cost { try other(sales) } }
            costs.append(StagePart(own: owns, other: others))
        }
        return costs
    }

    private func cost(_ work: () async throws -> Void) async throws -> Cost {
        // POSIX wants this in microseconds, whatever its own resolution is.
        let processor = clock()
        let start = ContinuousClock.now
        try await work()
        let microseconds = (ContinuousClock.now - start) / .microseconds(1)
        return Cost(
            processor: Double(clock() - processor) / Double(salesOfPart),
            clock: microseconds / Double(salesOfPart))
    }
}

/// What something takes, in microseconds.
package struct Cost: Sendable, Equatable {
    /// Of all threads of this process.
    package var processor: Double
    /// By the clock.
    package var clock: Double

    package init(processor: Double, clock: Double) {
        (self.processor, self.clock) = (processor, clock)
    }

    package static func / (a: Cost, b: Cost) -> Cost {
        Cost(processor: a.processor / b.processor, clock: a.clock / b.clock)
    }
}

/// What one sale cost in a part of a round.
struct StagePart {
    let own: Cost
    let other: Cost?
}

/// Medians of all parts, for one sale.
package struct StageFigures: Sendable {
    package let own: Cost
    package let other: Cost?
    /// The median of the parts' own ratios: a moment in which the machine was slow is in both.
    package let ratio: Cost?

    init(_ parts: [StagePart]) {
        own = median(parts.map(\.own))
        let others = parts.compactMap(\.other)
        other = others.isEmpty ? nil : median(others)
        let ratios = parts.compactMap { part in part.other.map { part.own / $0 } }
        ratio = ratios.isEmpty ? nil : median(ratios)
    }
}

private func median(_ costs: [Cost]) -> Cost {
    func middle(_ values: [Double]) -> Double {
        values.isEmpty ? .nan : values.sorted()[values.count / 2]
    }
    return Cost(
        processor: middle(costs.map(\.processor)), clock: middle(costs.map(\.clock)))
}

extension [Stage] {
    /// Rounds of all stages in turn, so that each meets the machine in all of its moods.
    package func measured(rounds: Int) async throws -> [StageFigures] {
        // The first warms caches up and is not counted.
        for stage in self { _ = try await stage.round() }
        var results: [[StagePart]] = Array<[StagePart]>(repeating: [], count: count)
        for _ in 0..<rounds {
            for (index, stage) in enumerated() { results[index] += try await stage.round() }
        }
        return results.map(StageFigures.init)
    }
}
