import QRCodes
import Testing

/// Codes are decoded by the acceptance tests; here is what can be seen of the files.
@Suite struct QRCodeTests {
    private static func style(_ size: Int, margin: Int = 2) -> QRStyle {
        QRStyle(
            size: size, margin: margin, foreground: .init(red: 0, green: 0, blue: 0),
            background: .init(red: 255, green: 255, blue: 255))
    }

    @Test(arguments: [16, 33, 600, 1_001]) func sizeIsExact(size: Int) throws {
        let png = try QRCode("https://go.test/a", level: .L).png(Self.style(size))
        #expect(png.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        let side = png[16..<20].reduce(0) { $0 << 8 | Int($1) }
        #expect(side == size)
        #expect(png[20..<24].reduce(0) { $0 << 8 | Int($1) } == size)
    }

    @Test func theSameTwice() throws {
        let codes = try (0..<2).map { _ in try QRCode("https://go.test/a", level: .H) }
        #expect(codes[0].png(Self.style(300)) == codes[1].png(Self.style(300)))
        #expect(codes[0].svg(Self.style(300)) == codes[1].svg(Self.style(300)))
    }

    @Test func aHigherLevelHoldsLess() throws {
        let text = String(repeating: "a", count: 2_000)
        _ = try QRCode(text, level: .L)
        #expect(throws: QRCodeError.self) { try QRCode(text, level: .H) }
        #expect(throws: QRCodeError.self) { try QRCode(text + text, level: .L) }
    }

    @Test(arguments: [
        ("#ff8000", true), ("ff8000", true), ("#F80", true), ("", false), ("#ff80", false),
        ("#gg0000", false), ("#+10000", false), ("red", false),
    ])
    func colors(text: String, isColor: Bool) {
        #expect((QRColor(hex: text) != nil) == isColor)
        if text == "#F80" { #expect(QRColor(hex: text) == QRColor(hex: "#ff8800")) }
    }
}
