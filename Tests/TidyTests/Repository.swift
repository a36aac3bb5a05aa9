import Foundation

/// The files of this repository, without what is built or downloaded.
struct Repository {
    let root: URL
    let paths: [String]

    /// The root is three directories above this file.
    static func located(_ file: String = #filePath) throws -> Repository {
        let root = URL(fileURLWithPath: file).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        guard let walk = FileManager.default.enumerator(atPath: root.path) else {
            throw CocoaError(.fileReadNoSuchFile)
        }
        var paths: [String] = []
        for case let path as String in walk {
            let name = path.split(separator: "/").last ?? ""
            if name.hasPrefix(".") && name != ".ci" || name == "node_modules" {
                walk.skipDescendants()
            } else {
                paths.append(path)
            }
        }
        return Repository(root: root, paths: paths.sorted())
    }

    func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    func sources() throws -> [SourceFile] {
        try paths.filter { path in
            path.hasSuffix(".swift") && (path.hasPrefix("Sources/") || path.hasPrefix("Tests/"))
        }.map { SourceFile($0, try text($0)) }
    }
}

/// Something that should not be so.
struct Finding: Equatable, CustomStringConvertible {
    let path: String
    let line: Int
    let what: String
    init(_ file: SourceFile, _ line: Int, _ what: String) {
        (path, self.line, self.what) = (file.path, line, what)
    }
    var description: String { "\(path):\(line): \(what)" }
}

/// A Swift file, also as code alone: what stands in comments and string literals is blank there.
struct SourceFile {
    let path: String
    let lines: [Substring]
    let code: [Substring]
    /// The literals of each line that begin and end there, as offsets of bytes.
    let literals: [Int: [Range<Int>]]

    init(_ path: String, _ text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var mask = Mask(text)
        mask.run()
        code = mask.text.split(separator: "\n", omittingEmptySubsequences: false)
        literals = mask.literals
    }

    /// `Attribution` of `Sources/Attribution/Money.swift`.
    var target: Substring? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? parts[1] : nil
    }
}
