import Foundation

/// Which file has a name. One that was removed or replaced is still written to by whoever has it
/// open, and what is written there is lost when it is closed.
struct FileIdentity: Equatable, Sendable {
    private let device: UInt64
    private let number: UInt64

    private init(_ status: stat) {
        (device, number) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }

    /// nil: there is no file of this name.
    init?(path: String, followsLinks: Bool = true) {
        var status = stat()
        guard (followsLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return nil }
        self.init(status)
    }

    init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }
}
