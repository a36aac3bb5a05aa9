import Attribution

/// The names of an object so far: few are compared, many are hashed. Comparing each with all
/// before it takes milliseconds at the most names that an object may have.
struct SeenNames {
    private static let comparedMax = 16
    private var names: [String] = []
    private var hashed: Set<ExactText> = []

    /// Whether the name has not been there before.
    mutating func insert(_ name: String) -> Bool {
        guard names.count == Self.comparedMax else {
            if names.contains(where: { isSame($0, name) }) { return false }
            names.append(name)
            return true
        }
        if hashed.isEmpty { hashed = Set(names.map { ExactText($0) }) }
        return hashed.insert(ExactText(name)).inserted
    }
}
