/// Whether two texts are the same to the byte. `==` of `String` also holds for different spellings
/// of a letter (é as one scalar or as two), which databases and the users' own systems tell
/// apart.
package func isSame(_ a: String, _ b: String) -> Bool {
    let same = a.utf8.withContiguousStorageIfAvailable { a in
        b.utf8.withContiguousStorageIfAvailable { b in
            isSame(UnsafeRawBufferPointer(a), UnsafeRawBufferPointer(b))
        }
    }
    // Texts of this program are UTF-8 in one piece; any other is compared byte for byte.
    return (same ?? nil) ?? a.utf8.elementsEqual(b.utf8)
}

/// Eight bytes at a time: the ids, names and keys of the hot path are a few words long.
private func isSame(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count else { return false }
    var index = 0
    while index + 8 <= a.count {
        let word = a.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        guard word == b.loadUnaligned(fromByteOffset: index, as: UInt64.self) else { return false }
        index += 8
    }
    while index < a.count {
        guard a[index] == b[index] else { return false }
        index += 1
    }
    return true
}

package func isSame(_ a: String?, _ b: String?) -> Bool {
    switch (a, b) {
    case (nil, nil): true
    case (let a?, let b?): isSame(a, b)
    default: false
    }
}

/// A text as a key of sets and dictionaries, equal only to the same bytes.
package struct ExactText: Hashable, Sendable {
    package let text: String
    package init(_ text: String) { self.text = text }
    package static func == (a: Self, b: Self) -> Bool { isSame(a.text, b.text) }
}
