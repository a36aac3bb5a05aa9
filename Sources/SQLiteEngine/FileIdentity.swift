import Foundation
import Ledger

/// Which file has a name. One that was removed or replaced is still written to by whoever has it
/// open, and what is written there is lost when it is closed.
struct FileIdentity: Equatable, Sendable {
    private let device: UInt64
    private let number: UInt64

    /// Follows links. nil: there is no file of this name.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        (device, number) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }
}
