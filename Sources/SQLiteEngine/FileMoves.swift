import Foundation
import Ledger

/// Files come to be and change their places for good: what is moved is on disk, and so is its
/// name. Everything throws `SQLError` in words that a person can act on.
package enum FileMoves {
    package static func synchronize(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("opened", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("written", path) }
    }

    /// Gives a file another name in the same file system, in the place of whatever has it.
    package static func rename(_ path: String, to other: String) throws {
        guard Foundation.rename(path, other) == 0 else { throw failure("renamed", path) }
        try synchronize(directory(of: other))
    }

    /// The same, but never in the place of anything.
    static func place(_ path: String, at other: String) throws {
        if link(path, other) == 0 {
            unlink(path)
            return try synchronize(directory(of: other))
        }
        if errno == EEXIST { throw NameTaken.isThere(other) }
        // Some file systems have no second names for a file.
        guard [EPERM, EOPNOTSUPP, ENOSYS, EMLINK].contains(errno) else {
            throw failure("made", other)
        }
        if isThere(other) { throw NameTaken.isThere(other) }
        try rename(path, to: other)
    }

    /// Makes a file that is not there yet, on disk with its access when this returns.
    static func create(_ path: String, _ text: String, _ access: FileAccess) throws {
        try make(path, access, withOwner: false) { try write(Array(text.utf8), $0, path) }
    }

    /// Copies a file to a name that nothing has, on disk when this returns. Whatever fails, there
    /// is no copy then.
    ///
    /// - Parameter access: who may read the copy, and whose it is; nil: as with the original.
    package static func copy(
        _ path: String, to other: String, _ access: FileAccess? = nil
    ) throws {
        let source = open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw failure("read", path) }
        defer { close(source) }
        try make(other, access ?? FileAccess(of: path), withOwner: true) { target in
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            while true {
                let count = read(source, &bytes, bytes.count)
                guard count >= 0 else { throw failure("read", path) }
                if count == 0 { break }
                try write(bytes[..<count], target, other)
            }
        }
    }

    /// A file that is not there yet, with what the body writes to its descriptor; none if that
    /// fails.
    private static func make(
        _ path: String, _ access: FileAccess, withOwner: Bool, _ body: (Int32) throws -> Void
    ) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw errno == EEXIST ? NameTaken.isThere(path) : failure("made", path)
        }
        defer { close(descriptor) }
        do {
            try body(descriptor)
            access.apply(to: descriptor, withOwner: withOwner)
            guard fsync(descriptor) == 0 else { throw failure("written", path) }
        } catch {
            unlink(path)
            throw error
        }
    }

    private static func write(
        _ bytes: some Collection<UInt8>, _ descriptor: Int32, _ path: String
    ) throws {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress, $0.count)
            }
            guard count >= 0 else { throw failure("written", path) }
            rest = rest.dropFirst(count)
        }
    }

    /// Whether anything has the name, a link that leads nowhere too.
    package static func isThere(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Whether it is a file in the narrow sense: no directory, device or pipe. Follows links.
    package static func isRegular(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Whether two names lead to one file.
    package static func isSame(_ path: String, _ other: String) -> Bool {
        FileIdentity(path: path).map { $0 == FileIdentity(path: other) } ?? false
    }

    /// Where links lead, and the path itself if it is none.
    package static func target(of path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }

    package static func directory(of path: String) -> String {
        URL(fileURLWithPath: path).deletingLastPathComponent().path
    }

    /// What the system said of a path, by `errno`.
    package static func failure(_ step: String, _ path: String) -> SQLError {
        let code = errno
        let reason = String(cString: strerror(code))
        let directory = directory(of: path)
        return switch code {
        case ENOENT where !isThere(directory):
            .unavailable("the directory \(directory) is not there")
        case ENOENT: .unavailable("\(path) is not there")
        case ENOSPC, EDQUOT, EFBIG: .full("there is no room for \(path) (\(reason))")
        case EACCES, EPERM, EROFS:
            .unavailable("\(path) can't be \(step) (\(reason)): check who may use its directory")
        default: .unavailable("\(path) can't be \(step) (\(reason))")
        }
    }
}

/// Whose a file is, and who may use it.
package struct FileAccess: Sendable {
    private let mode: mode_t
    private let owner: uid_t
    private let group: gid_t

    package init(of path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileMoves.failure("read", path) }
        mode = status.st_mode & 0o777
        (owner, group) = (status.st_uid, status.st_gid)
    }

    /// The owner is kept where the system permits it.
    func apply(to descriptor: Int32, withOwner: Bool) {
        if withOwner, fchown(descriptor, owner, group) != 0 {
            _ = fchown(descriptor, uid_t.max, group)
        }
        fchmod(descriptor, mode)
    }
}

/// Why a backup can't have its name.
package enum NameTaken: Error, Equatable {
    case isThere(String)
    /// Another one is made under it at this moment.
    case isBeingMade
}
