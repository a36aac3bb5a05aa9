import Attribution
import Foundation

/// Every command with its answer, in the order in which they counted, for whoever looks into a
/// finding. Batches of which nobody knew whether they were there stand there too.
struct Journal {
    private let file: FileHandle?

    /// - Parameter directory: nil: nothing is written.
    init(directory: String?) {
        guard let directory else {
            file = nil
            return
        }
        let path = "\(directory)/commands.txt"
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        file = FileHandle(forWritingAtPath: path)
    }

    func note(_ text: @autoclosure () -> String) {
        file?.write(Data((text() + "\n").utf8))
    }

    func note(_ command: Command, _ answer: String) { note("\(answer)\t\(command)") }
}
