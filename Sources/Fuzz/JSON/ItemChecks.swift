import Wire

/// Items of a batch, found by brackets and quotes alone, against readers that read all.
extension JSONTarget {
    /// A text can be taken apart into items that are JSON if and only if it is a JSON array, and
    /// two good items are found as they were.
    func checkItems(_ input: [UInt8]) throws(Finding) {
        // More would say nothing that less does not.
        guard input.count < 20_000 else { return }
        let pair = [0x5B] + input + [0x2C] + input + [0x5D]
        for text in [input, pair] { try checkElements(text) }
        let isItem = JSONFacts(input).isValid
        if isItem {
            try expect(items(pair, .array) == [trimmed(input), trimmed(input)], "not two items")
        }
        try checkLines(input)
    }

    private func checkElements(_ text: [UInt8]) throws(Finding) {
        let facts = JSONFacts(text)
        let isArray = facts.isValid && trimmed(text).first == 0x5B
        let found = items(text, .array)
        let areItems = found?.allSatisfy { JSONFacts($0).isValid } ?? false
        // The mark before a text is let pass, and there is no mark in JSON.
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { return }
        try expect(isArray == areItems, "array \(isArray), items \(areItems)")
    }

    private func checkLines(_ input: [UInt8]) throws(Finding) {
        let text = input.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(input.dropFirst(3)) : input
        let lines = text.split(separator: 0x0A).map { trimmed($0) }.filter { !$0.isEmpty }
        try expect(items(input, .lines) == lines, "not the lines of the text")
    }

    private func items(_ text: [UInt8], _ form: ItemForm) -> [[UInt8]]? {
        text.withUnsafeBufferPointer { bytes in
            (try? itemTexts(bytes, form, max: .max - 1))?.map { Array($0) }
        }
    }

    private func trimmed(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let isSpace = { (byte: UInt8) in [0x20, 0x09, 0x0A, 0x0D].contains(byte) }
        return Array(Array(bytes.drop(while: isSpace)).reversed().drop(while: isSpace).reversed())
    }
}
