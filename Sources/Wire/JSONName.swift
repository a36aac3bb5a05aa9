import Attribution

/// The name of a member. Most are plain ASCII and stay where they stand in the text.
struct JSONName {
    fileprivate let range: Range<Int>
    /// What it says, if it is not plain.
    fileprivate let text: String?
}

/// The names of an object, to find one that comes twice.
struct JSONNames {
    private static let listMax = 16
    private var list: [JSONName] = []
    /// All of them, once there are many.
    private var set: Set<ExactText> = []
    private(set) var count = 0

    /// - Returns: whether it was not there.
    mutating func insert(_ name: JSONName, of reader: borrowing JSONReader) -> Bool {
        count += 1
        if count > Self.listMax {
            if set.isEmpty { for name in list { set.insert(ExactText(reader.text(of: name))) } }
            return set.insert(ExactText(reader.text(of: name))).inserted
        }
        for other in list where reader.isSame(name, other) { return false }
        list.append(name)
        return true
    }
}

/// The names of a body's fields, side by side in one piece of memory.
package struct FieldNames: Sendable {
    private let bytes: [UInt8]
    private let ends: [Int]
    var count: Int { ends.count }

    package init(_ rules: [Rule]) {
        var (bytes, ends): ([UInt8], [Int]) = ([], [])
        for rule in rules {
            bytes += Array(rule.name.utf8)
            ends.append(bytes.count)
        }
        (self.bytes, self.ends) = (bytes, ends)
    }

    func firstIndex(of name: UnsafeBufferPointer<UInt8>) -> Int? {
        var start = 0
        for (index, end) in ends.enumerated() {
            if end - start == name.count, isSame(name, from: start) { return index }
            start = end
        }
        return nil
    }

    private func isSame(_ name: UnsafeBufferPointer<UInt8>, from start: Int) -> Bool {
        for index in name.indices where bytes[start + index] != name[index] { return false }
        return true
    }
}

extension JSONReader {
    mutating func name() throws(JSONError) -> JSONName {
        if let range = plainString() { return JSONName(range: range, text: nil) }
        let text = try string()
        return JSONName(range: position..<position, text: text)
    }

    func text(of name: JSONName) -> String { name.text ?? plainText(name.range) }

    func isSame(_ a: JSONName, _ b: JSONName) -> Bool {
        if a.text != nil || b.text != nil {
            return Attribution.isSame(text(of: a), text(of: b))
        }
        guard a.range.count == b.range.count else { return false }
        for (first, second) in zip(a.range, b.range) where bytes[first] != bytes[second] {
            return false
        }
        return true
    }

    func index(of name: JSONName, in names: FieldNames) -> Int? {
        guard var text = name.text else {
            return names.firstIndex(of: UnsafeBufferPointer(rebasing: bytes[name.range]))
        }
        return text.withUTF8 { names.firstIndex(of: $0) }
    }
}
