/// RFC 3492 the other way round: what a name in ASCII stands for.
enum PunycodeModel {
    /// nil if the label is no punycode.
    static func decoded(_ label: some Collection<UInt8>) -> [Unicode.Scalar]? {
        let bytes = Array(label)
        let dash = bytes.lastIndex(of: 0x2D)
        var output = dash.map { bytes[..<$0].map { UInt32($0) } } ?? []
        var rest = dash.map { bytes[($0 + 1)...] } ?? bytes[...]
        var (code, place, bias) = (128, 0, 72)
        while !rest.isEmpty {
            let before = place
            var (weight, step) = (1, 36)
            while true {
                guard let digit = rest.popFirst().flatMap(digit) else { return nil }
                place += digit * weight
                let threshold = step <= bias ? 1 : step >= bias + 26 ? 26 : step - bias
                if digit < threshold { break }
                weight *= 36 - threshold
                step += 36
                guard weight < 1 << 40 else { return nil }
            }
            let count = output.count + 1
            bias = adapted(place - before, count, isFirst: before == 0)
            code += place / count
            place %= count
            guard code <= 0x10FFFF else { return nil }
            output.insert(UInt32(code), at: place)
            place += 1
        }
        let scalars = output.compactMap { Unicode.Scalar($0) }
        return scalars.count == output.count ? scalars : nil
    }

    private static func digit(_ byte: UInt8) -> Int? {
        switch byte {
        case 97...122: Int(byte) - 97
        case 48...57: Int(byte) - 22
        default: nil
        }
    }

    private static func adapted(_ delta: Int, _ count: Int, isFirst: Bool) -> Int {
        var (delta, step) = (isFirst ? delta / 700 : delta / 2, 0)
        delta += delta / count
        while delta > 455 { (delta, step) = (delta / 35, step + 36) }
        return step + 36 * delta / (delta + 38)
    }
}
