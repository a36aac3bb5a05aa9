import Wire

/// A seeded generator, so that a failure comes back.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func int(_ range: Range<Int>) -> Int { .random(in: range, using: &self) }
    mutating func chance(_ percent: Int) -> Bool { int(0..<100) < percent }
    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[int(0..<elements.count)]
    }
}

func members(_ bytes: [UInt8]) throws(JSONError) -> [JSONMember] {
    let result: Result<[JSONMember], JSONError> = bytes.withUnsafeBufferPointer { buffer in
        var reader = JSONReader(buffer)
        do throws(JSONError) { return .success(try reader.members()) } catch {
            return .failure(error)
        }
    }
    return try result.get()
}

func members(_ text: String) throws(JSONError) -> [JSONMember] { try members(Array(text.utf8)) }

/// The value that a JSON text stands for.
func value(_ json: String) throws -> JSONValue {
    guard let member = try members("{\"v\":\(json)}").first else { throw JSONTextMissing() }
    return member.value
}

struct JSONTextMissing: Error {}

/// The error of a body, nil if it is accepted.
func failure(_ text: String) -> JSONError? { failure(Array(text.utf8)) }

func failure(_ bytes: [UInt8]) -> JSONError? {
    do throws(JSONError) {
        _ = try members(bytes)
        return nil
    } catch { return error }
}
