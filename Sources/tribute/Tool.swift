import Foundation

/// Programs and ports of this machine.
enum Tool {
    /// Where a program is, if it is on the search path.
    static func path(_ name: String) -> String? {
        if name.contains("/") { return name }
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// - Throws: `Failure`: it is not there, and what installs it.
    static func needed(_ name: String, package: String) throws -> String {
        guard let path = path(name) else {
            throw Failure("\(name) is not installed: apt-get install \(package)")
        }
        return path
    }

    /// Starts a program whose output is read when it has ended.
    static func start(
        _ program: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> RunningTool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        // Some end by an alarm or when their own child does: signals which the threads of this
        // program, and so their children, block.
        var (all, before) = (sigset_t(), sigset_t())
        sigfillset(&all)
        pthread_sigmask(SIG_UNBLOCK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try process.run()
        return RunningTool(process: process, pipe: pipe)
    }

    /// A port that nothing listens on now, below those that the system gives to clients.
    static func freePort() throws -> Int {
        for _ in 0..<100 {
            let port = Int.random(in: 12_000...32_000)
            if !isListening(port) { return port }
        }
        throw Failure("no free port was found")
    }

    static func isListening(_ port: Int) -> Bool {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

struct RunningTool {
    fileprivate let process: Process
    fileprivate let pipe: Pipe

    /// What it has printed, when it has ended.
    ///
    /// - Throws: `Failure` if it has failed.
    func output() throws -> ToolOutput {
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let output = ToolOutput(text: text)
        guard process.terminationStatus == 0 else {
            throw output.failure(of: process.executableURL?.lastPathComponent ?? "")
        }
        return output
    }
}

struct ToolOutput {
    let text: String

    func failure(of program: String) -> Failure { Failure("\(program) failed:\n\(text)") }

    /// The number that follows a label.
    func number(after label: String) -> Double? {
        text.ranges(of: label).first.flatMap { range in
            text[range.upperBound...].split { " ,\n".contains($0) }.first
        }.flatMap { Double($0) }
    }
}
