import Attribution
import HTTPTypes
import Hummingbird
import NIOCore
import QRCodes
import Wire

/// A QR code of any URL, for anybody.
extension API {
    private static let rules: [Rule] = [
        Rule(
            "url", .text(min: 1, max: 2_900, trimmed: true), .required, missing: "url is required"),
        Rule("size", .integer(min: 16, max: 4_096), .optional),
        Rule("level", .option(QRCode.Level.allCases.map(\.rawValue)), .optional),
        Rule("fgColor", .color, .optional), Rule("bgColor", .color, .optional),
        Rule("margin", .integer(min: 0, max: 100), .optional),
        .flag("includeMargin"), .flag("hideLogo"), .text("logo", max: 2_048),
        Rule("format", .option(["png", "svg"]), .optional),
    ]

    func qrCode(_ request: Request, _ context: TributeContext) async throws -> Response {
        let fields = try request.fields(Self.rules)
        let text = fields.text("url") ?? ""
        let url = text.contains("://") ? text : "https://\(text)"
        guard isURL(url) else {
            throw APIError(.unprocessable, "invalid_format: url: Invalid URL")
        }
        let code: QRCode
        do throws(QRCodeError) {
            code = try QRCode(url, level: fields.option("level") ?? .L)
        } catch {
            throw APIError(
                .unprocessable, "too_big: url: The URL is too long for a QR code of this level.")
        }
        let hasMargin = fields.flag("includeMargin") ?? true
        let style = QRStyle(
            size: Int(fields.integer("size") ?? 600),
            margin: Int(fields.integer("margin") ?? (hasMargin ? 2 : 0)),
            foreground: fields.text("fgColor").flatMap { QRColor(hex: $0) } ?? .black,
            background: fields.text("bgColor").flatMap { QRColor(hex: $0) } ?? .white)
        let isSVG = fields.text("format") == "svg"
        let bytes = isSVG ? Array(code.svg(style).utf8) : code.png(style)
        return Response(
            status: .ok,
            headers: [
                .contentType: isSVG ? "image/svg+xml" : "image/png", .contentTypeOptions: "nosniff",
                .cacheControl: "public, max-age=86400",
            ], body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

extension QRColor {
    fileprivate static let black = QRColor(red: 0, green: 0, blue: 0)
    fileprivate static let white = QRColor(red: 255, green: 255, blue: 255)
}
