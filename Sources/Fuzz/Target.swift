enum TargetName: String, CaseIterable, Sendable {
    case json, body, query, redirect, rows, head

    var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    func target(canary: Bool) -> any FuzzTarget {
        switch self {
        case .json: JSONTarget(canary: canary)
        case .body: BodyTarget(canary: canary)
        case .query: QueryTarget(canary: canary)
        case .redirect: RedirectTarget(canary: canary)
        case .rows: RowsTarget(canary: canary)
        case .head: HeadTarget(canary: canary)
        }
    }
}

/// One kind of input and the properties that hold for each.
protocol FuzzTarget {
    /// A text by the grammar of the target.
    func grammar(_ draft: inout Draft)
    /// What means something to the target, for mutations.
    var tokens: [String] { get }
    /// Whether the code under test takes the input.
    mutating func check(_ input: [UInt8], _ classes: inout Classes) throws(Finding) -> Bool
}

/// A property that does not hold.
struct Finding: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

/// Where another reader disagrees, and the documents say that it will.
enum Difference: Int, CaseIterable {
    // What our reader refuses on purpose.
    case duplicateKey, loneSurrogate, nulCharacter, tooDeep, tooManyKeys, notAnObject
    // What Foundation's readers make of texts that are none, and where they lose something.
    case otherEncoding, trailingComma, laxNumber, numberOutOfRange, keysAlike, droppedMark
    case foundationDepth

    var text: String { "\(self)" }
}

/// How often each class of differences was met.
struct Classes {
    private(set) var counts = [UInt64](repeating: 0, count: Difference.allCases.count)
    mutating func note(_ difference: Difference) { counts[difference.rawValue] += 1 }
}

func expect(_ holds: Bool, _ text: @autoclosure () -> String) throws(Finding) {
    if !holds { throw Finding(text()) }
}
