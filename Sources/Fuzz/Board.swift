import Foundation
import Synchronization

/// A file that both processes have in memory: what the worker is at survives its death.
final class Board {
    static let inputMax = 8 << 20
    private static let messageMax = 64 << 10
    private static let slotsSize = 4_096
    private static let size = slotsSize + messageMax + inputMax

    enum Slot: Int {
        case target, number, begun, inputLength, messageLength, peakMemory, isDone
    }
    enum Count: Int, CaseIterable { case inputs, accepted, rejected, nanoseconds }

    private let base: UnsafeMutableRawPointer
    private let slots: UnsafeMutablePointer<Atomic<UInt64>>

    init(path: String) throws {
        let file = open(path, O_RDWR | O_CREAT, 0o600)
        guard file >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        defer { close(file) }
        guard ftruncate(file, off_t(Self.size)) == 0,
            let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
            memory != MAP_FAILED
        else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        base = memory
        slots = memory.bindMemory(
            to: Atomic<UInt64>.self, capacity: Self.slotsSize / MemoryLayout<UInt64>.size)
    }

    deinit { munmap(base, Self.size) }

    subscript(slot: Slot) -> UInt64 {
        get { slots[slot.rawValue].load(ordering: .acquiring) }
        set { slots[slot.rawValue].store(newValue, ordering: .releasing) }
    }

    subscript(target: TargetName, count: Count) -> UInt64 {
        get { slots[place(target, count)].load(ordering: .relaxed) }
        set { slots[place(target, count)].store(newValue, ordering: .relaxed) }
    }

    private func place(_ target: TargetName, _ count: Count) -> Int {
        16 + target.index * Count.allCases.count + count.rawValue
    }

    subscript(difference: Difference) -> UInt64 {
        get { slots[128 + difference.rawValue].load(ordering: .relaxed) }
        set { slots[128 + difference.rawValue].store(newValue, ordering: .relaxed) }
    }

    /// The input that is tried now.
    var input: [UInt8] {
        get { bytes(at: Self.slotsSize + Self.messageMax, self[.inputLength], Self.inputMax) }
        set {
            self[.inputLength] = put(newValue, at: Self.slotsSize + Self.messageMax, Self.inputMax)
        }
    }

    /// What is wrong with it.
    var message: String {
        get {
            String(
                decoding: bytes(at: Self.slotsSize, self[.messageLength], Self.messageMax),
                as: UTF8.self)
        }
        set {
            self[.messageLength] = put(Array(newValue.utf8), at: Self.slotsSize, Self.messageMax)
        }
    }

    private func bytes(at offset: Int, _ count: UInt64, _ max: Int) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: base + offset, count: min(Int(count), max)))
    }

    private func put(_ bytes: [UInt8], at offset: Int, _ max: Int) -> UInt64 {
        let count = min(bytes.count, max)
        bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            (base + offset).copyMemory(from: start, byteCount: count)
        }
        return UInt64(count)
    }
}
