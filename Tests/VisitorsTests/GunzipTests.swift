import Gzip
import Testing

@Suite struct GunzipTests {
    private static let head: [UInt8] = [31, 139, 8, 0, 0, 0, 0, 0, 2, 3]
    /// "a sale " ten times.
    private static let sales =
        head + [
            75, 84, 40, 78, 204, 73, 85, 72, 164, 140, 2, 0, 135, 189, 149, 165, 70, 0, 0, 0,
        ]
    private static let empty = head + [3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    private static let text = String(repeating: "a sale ", count: 10)

    private func inflate(_ bytes: [UInt8], max: Int = 1_000) throws(GunzipError) -> String {
        let result: Result<[UInt8], GunzipError> = bytes.withUnsafeBufferPointer { buffer in
            do throws(GunzipError) { return .success(try gunzip(buffer, max: max)) } catch {
                return .failure(error)
            }
        }
        return String(decoding: try result.get(), as: UTF8.self)
    }

    @Test func membersAreOneText() throws {
        #expect(try inflate(Self.sales) == Self.text)
        #expect(try inflate(Self.empty) == "")
        let four = Self.empty + Self.sales + Self.empty + Self.sales
        #expect(try inflate(four) == Self.text + Self.text)
    }

    @Test func theBoundIsExact() throws {
        #expect(try inflate(Self.sales, max: 70) == Self.text)
        #expect(throws: GunzipError.tooLarge) { try inflate(Self.sales, max: 69) }
        #expect(throws: GunzipError.tooLarge) { try inflate(Self.sales + Self.sales, max: 139) }
        #expect(try inflate(Self.empty, max: 0) == "")
    }

    @Test func nothingIsCutOff() {
        for count in 0..<Self.sales.count {
            #expect(throws: GunzipError.broken) { try inflate(Array(Self.sales.prefix(count))) }
            // The first member does not make up for the second.
            guard count > 0 else { continue }
            #expect(throws: GunzipError.broken) {
                try inflate(Self.sales + Self.sales.prefix(count))
            }
        }
    }

    @Test func nothingElseIsTaken() {
        let others: [[UInt8]] = [
            Array("[{}]".utf8), Self.sales + [0], Self.sales + [31], Array(Self.sales.dropFirst()),
            // zlib's own form, and none at all around what was deflated.
            [120, 156, 3, 0, 0, 0, 0, 1], [3, 0],
        ]
        for other in others {
            #expect(throws: GunzipError.broken) { try inflate(other) }
        }
    }

    @Test func noOtherTextComesOut() {
        var refused = 0
        for index in 0..<Self.sales.count * 8 {
            var bytes = Self.sales
            bytes[index / 8] ^= 1 << (index % 8)
            // Some bits of the head say nothing of the text, and some behind it nothing at all.
            if let text = try? inflate(bytes) { #expect(text == Self.text) } else { refused += 1 }
        }
        #expect(refused > 160)
    }
}
