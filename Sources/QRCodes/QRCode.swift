import CPNG
import CQRencode

package enum QRCodeError: Error { case tooLong }

/// A colour of eight bits each.
package struct QRColor: Equatable, Sendable {
    package let red, green, blue: UInt8
    package init(red: UInt8, green: UInt8, blue: UInt8) {
        (self.red, self.green, self.blue) = (red, green, blue)
    }

    /// `#rrggbb` or `#rgb`, with or without the hash.
    package init?(hex: String) {
        var digits = hex.hasPrefix("#") ? String(hex.dropFirst()) : hex
        if digits.utf8.count == 3 { digits = digits.map { "\($0)\($0)" }.joined() }
        guard digits.utf8.count == 6, digits.allSatisfy(\.isHexDigit),
            let value = UInt32(digits, radix: 16)
        else { return nil }
        self.init(
            red: UInt8(value >> 16), green: UInt8(value >> 8 & 255), blue: UInt8(value & 255))
    }

    var hex: String {
        "#"
            + [red, green, blue].map { byte in
                let text = String(byte, radix: 16)
                return byte < 16 ? "0" + text : text
            }.joined()
    }
}

package struct QRStyle: Sendable {
    /// Pixels of each side.
    package let size: Int
    /// Of the background around the code, in modules.
    package let margin: Int
    package let foreground, background: QRColor
    package init(size: Int, margin: Int, foreground: QRColor, background: QRColor) {
        (self.size, self.margin) = (size, margin)
        (self.foreground, self.background) = (foreground, background)
    }
}

/// The dark and light modules that stand for a text.
package struct QRCode: Sendable {
    package enum Level: String, CaseIterable, Sendable { case L, M, Q, H }

    private let width: Int
    private let isDark: [Bool]

    /// - Throws: the text does not fit into the largest code of the level.
    package init(_ text: String, level: Level) throws(QRCodeError) {
        let correction: QRecLevel =
            switch level {
            case .L: QR_ECLEVEL_L
            case .M: QR_ECLEVEL_M
            case .Q: QR_ECLEVEL_Q
            case .H: QR_ECLEVEL_H
            }
        guard let code = QRcode_encodeString(text, 0, correction, QR_MODE_8, 1) else {
            throw .tooLong
        }
        defer { QRcode_free(code) }
        width = Int(code.pointee.width)
        let modules = UnsafeBufferPointer(start: code.pointee.data, count: width * width)
        isDark = modules.map { $0 & 1 == 1 }
    }

    /// A row for each pixel's row; whole pixels for each module where the size allows it.
    private func module(at pixel: Int, _ style: QRStyle) -> Int? {
        let whole = width + 2 * style.margin
        let scale = style.size / whole
        let position: Int
        if scale >= 1 {
            let rest = (style.size - scale * whole) / 2
            guard pixel >= rest else { return nil }
            position = (pixel - rest) / scale - style.margin
        } else {
            position = pixel * whole / style.size - style.margin
        }
        return (0..<width).contains(position) ? position : nil
    }

    package func png(_ style: QRStyle) -> [UInt8] {
        let modules = (0..<style.size).map { module(at: $0, style) }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(style.size * style.size)
        for row in modules {
            for column in modules {
                guard let row, let column else {
                    pixels.append(0)
                    continue
                }
                pixels.append(isDark[row * width + column] ? 1 : 0)
            }
        }
        let colors = [style.background, style.foreground].flatMap { [$0.red, $0.green, $0.blue] }
        return encoded(pixels, colors, size: style.size)
    }

    private func encoded(_ pixels: [UInt8], _ colors: [UInt8], size: Int) -> [UInt8] {
        var image = png_image()
        image.version = UInt32(PNG_IMAGE_VERSION)
        (image.width, image.height) = (UInt32(size), UInt32(size))
        image.format = UInt32(PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_COLORMAP)
        image.colormap_entries = 2
        defer { png_image_free(&image) }
        var count = 0
        guard png_image_write_to_memory(&image, nil, &count, 0, pixels, 0, colors) != 0 else {
            return []
        }
        var bytes = [UInt8](repeating: 0, count: count)
        let isWritten = png_image_write_to_memory(&image, &bytes, &count, 0, pixels, 0, colors)
        return isWritten == 0 ? [] : Array(bytes.prefix(count))
    }

    package func svg(_ style: QRStyle) -> String {
        let whole = width + 2 * style.margin
        var path = ""
        for row in 0..<width {
            for column in 0..<width where isDark[row * width + column] {
                path += "M\(column + style.margin) \(row + style.margin)h1v1h-1z"
            }
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(style.size)" height="\(style.size)" \
            viewBox="0 0 \(whole) \(whole)" shape-rendering="crispEdges">\
            <path fill="\(style.background.hex)" d="M0 0h\(whole)v\(whole)H0z"/>\
            <path fill="\(style.foreground.hex)" d="\(path)"/></svg>

            """
    }
}
