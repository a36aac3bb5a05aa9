/// Whether two texts are the same to the byte. `==` of `String` also holds for different spellings
/// of a letter (é as one scalar or as two), which databases and the users' own systems tell
/// apart.
package func isSame(_ a: String, _ b: String) -> Bool {
    a == b && a.utf8.elementsEqual(b.utf8)
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
