/// Faults that are known and not mended yet, told from the input and the property that broke. An
/// entry goes with its fault.
enum Known: Int, CaseIterable {
    case portWithSign, looseBrackets, markHidesLetter, userLikeHost, endlessHost, trimmedNextLine
    case creditThroughRedirURL, foldedRedirURL, amountOfDashes, metadataWithMore, brokenHeader

    static func fault(_ target: TargetName, _ input: [UInt8], _ finding: Finding) -> Known? {
        let text = String(decoding: input, as: UTF8.self)
        return allCases.first { $0.isIn(target, text, finding.text) }
    }

    private func isIn(_ target: TargetName, _ text: String, _ finding: String) -> Bool {
        let place = Self.address(target, text, finding)
        switch self {
        case .portWithSign:
            return place?.port?.contains { $0 == 0x2B || $0 == 0x2D } == true
        case .looseBrackets: return place?.hasSoundBrackets == false
        case .markHidesLetter: return place != nil && Self.hasHidden(text)
        case .userLikeHost:
            guard finding.hasPrefix("normalized as") || finding.hasPrefix("kept as"), let place
            else { return false }
            let authority = place.host + (place.port.map { [0x3A] + $0 } ?? [])
            return place.user.firstRange(of: authority) != nil
        case .endlessHost:
            return finding.hasPrefix("another place") && (place?.host.count ?? 0) > 1_024
        case .trimmedNextLine: return target == .body && text.contains("\u{85}")
        case .creditThroughRedirURL: return finding.hasSuffix("through redir_url")
        case .foldedRedirURL:
            return finding.hasPrefix("redir_url leads to") && place?.host.isEmpty == false
        case .amountOfDashes: return finding.hasSuffix("is taken as a number")
        case .metadataWithMore: return finding.hasSuffix("is taken as metadata")
        case .brokenHeader: return finding.hasSuffix("behind a broken header")
        }
    }

    /// The address that a finding is about.
    private static func address(
        _ target: TargetName, _ text: String, _ finding: String
    ) -> AddressModel? {
        switch target {
        case .query:
            let text = BodyModel.trimmed(text)
            return AddressModel(text) ?? AddressModel("https://\(text)")
        case .redirect:
            let start = finding.firstRange(of: /https?:/.ignoresCase())?.lowerBound
            return start.flatMap { AddressModel(String(finding[$0...])) }
        case .json, .body, .rows: return nil
        }
    }

    /// Whether a mark joins a letter that means something in an address.
    private static func hasHidden(_ text: String) -> Bool {
        text.contains { character in
            character.unicodeScalars.count > 1
                && character.unicodeScalars.first.map { ":\\]./@[".unicodeScalars.contains($0) }
                    == true
        }
    }
}
