import Attribution
import Foundation
import Integrations
import Ledger
import SQLiteEngine

/// One of the servers that take turns.
struct BenchCase {
    struct Turn {
        var rate: Double
        var p50: Double
        var p99: Double
        var requests: Int
        var errors: Int
    }

    let name: String
    let port: Int
    let target: String
    var turns: [Turn] = []

    init(name: String, port: Int, target: String) {
        (self.name, self.port, self.target) = (name, port, target)
    }

    func median(_ value: (Turn) -> Double) -> Double {
        let sorted = turns.map(value).sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
    }
}

/// The scratch database and the programs that run beside.
final class Bench {
    let port: Int
    let token: String
    private let folder: String
    private let url: String
    private var processes: [Process] = []

    private init(folder: String, url: String, token: String) throws {
        (self.folder, self.url, self.token) = (folder, url, token)
        port = try Tool.freePort()
    }

    /// A scratch database with a workspace, a link and customers who each have a lead, and the
    /// server on it.
    static func prepared(directory: String, customers: Int) async throws -> Bench {
        let folder = "\(directory)/tribute-bench-\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let path = "\(folder)/bench.db"
        let database = try SQLiteDatabase(path: path)
        try database.migrate()
        let token = "dub_" + Stamper().secret(length: 24)
        try await fill(Ledger(database: database), token: token, customers: customers)
        try database.close()
        let bench = try Bench(folder: folder, url: "sqlite:\(path)", token: token)
        let arguments = [
            "serve", "--database", bench.url, "--port", "\(bench.port)", "--log-level", "error",
        ]
        try bench.launch(
            CommandLine.arguments[0], arguments, environment: ["TRIBUTE_BENCH_ROUTE": "1"],
            waitFor: bench.port)
        return bench
    }

    private static func fill(_ ledger: Ledger, token key: String, customers: Int) async throws {
        let stamper = Stamper()
        let workspace = Workspace(
            id: stamper.id("ws_"), slug: "bench", name: "Bench", plan: .enterprise,
            createdAt: stamper.now())
        let token = Token(
            id: stamper.id("tok_"), workspaceID: workspace.id, name: "bench",
            digest: sha256Hex(key), scopes: [.apisAll], createdAt: stamper.now())
        let link = Link(
            id: stamper.id("link_"), workspaceID: workspace.id, domain: "localhost", key: "bench",
            url: "https://example.com/", createdAt: stamper.now())
        let click = RecordClick(
            id: stamper.eventID(), linkID: link.id, at: stamper.now(), visitor: Visitor())
        _ = try await ledger.perform(.createWorkspace(.init(workspace: workspace)))
        _ = try await ledger.perform(.createToken(.init(token: token)))
        _ = try await ledger.perform(.createLink(.init(link: link, defaultDomain: link.domain)))
        _ = try await ledger.perform(.recordClick(click))
        for start in stride(from: 0, to: customers, by: 500) {
            let leads = (start..<min(start + 500, customers)).map { number in
                Command.recordLead(
                    RecordLead(
                        ids: [stamper.eventID()],
                        customer: CustomerKey(
                            workspaceID: workspace.id, externalID: "bench_\(number)"),
                        clickID: click.id, eventName: "Sign up",
                        profile: CustomerProfile(id: stamper.id("cus_")), at: stamper.now()))
            }
            for result in try await ledger.submit(leads) { _ = try result.get() }
        }
        await ledger.stop()
    }

    /// Starts a program that takes a port as its last argument.
    func start(_ program: String, _ arguments: [String]) throws -> Int {
        let port = try Tool.freePort()
        try launch(program, arguments + ["\(port)"], environment: [:], waitFor: port)
        return port
    }

    private func launch(
        _ program: String, _ arguments: [String], environment: [String: String], waitFor port: Int
    ) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Tool.path(program) ?? program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("TRIBUTE_") }
            .merging(environment) { $1 }
        try process.run()
        processes.append(process)
        for _ in 0..<200 {
            if Tool.isListening(port) { return }
            usleep(50_000)
        }
        throw Failure("\(program) does not listen on port \(port)")
    }

    /// Stops the servers; what they acknowledged must be in the file and add up.
    func check(atLeast answered: Int) async throws {
        stopAll()
        let database = try SQLiteDatabase(path: String(url.dropFirst("sqlite:".count)))
        let result = try await database.read { try $0.verify() }
        let stored = result.checked.first { $0.record == "sale" }?.count ?? 0
        try database.close()
        print(
            "\(answered) sales answered, \(stored) stored, \(result.differences.count) differences")
        guard result.differences.isEmpty, stored >= Int64(answered) else {
            throw Failure("the file does not hold what was acknowledged")
        }
    }

    private func stopAll() {
        for process in processes where process.isRunning { process.terminate() }
        for process in processes { process.waitUntilExit() }
        processes = []
    }

    func end() {
        stopAll()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// One turn of wrk.
struct Load {
    let wrk: String
    let script: String
    let connections: Int
    let seconds: Int
    let token: String
    let run: String
    let customers: Int

    func turn(_ one: BenchCase) throws -> BenchCase.Turn {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: wrk)
        process.arguments = [
            "-t1", "-c\(connections)", "-d\(seconds)s", "--latency", "-s", script,
            "http://127.0.0.1:\(one.port)",
        ]
        process.environment = ProcessInfo.processInfo.environment.merging([
            "TOKEN": token, "TARGET": one.target, "RUN": run, "CUSTOMERS": "\(customers)",
        ]) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = String(
            decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0, let rate = number(after: "Requests/sec:", output)
        else { throw Failure("wrk failed:\n\(output)") }
        let errors = ["Non-2xx or 3xx responses:", "connect", "read", "write", "timeout"]
            .compactMap { number(after: $0, output) }.reduce(0, +)
        return BenchCase.Turn(
            rate: rate, p50: percentile("50%", output),
            p99: percentile("99%", output), requests: requests(output),
            errors: Int(errors))
    }

    private func word(after label: String, _ output: String) -> Substring? {
        output.ranges(of: label).first.flatMap { range in
            output[range.upperBound...].split { " ,\n".contains($0) }.first
        }
    }

    private func number(after label: String, _ output: String) -> Double? {
        word(after: label, output).flatMap { Double($0) }
    }

    /// Milliseconds of a line of the latency distribution; wrk writes 950.00us, 2.10ms or 1.50s.
    private func percentile(_ label: String, _ output: String) -> Double {
        let words = output.split(separator: "\n").map { $0.split(separator: " ") }
        guard let word = words.first(where: { $0.count == 2 && $0[0] == label })?[1] else {
            return .nan
        }
        let value = Double(word.prefix { $0.isNumber || $0 == "." }) ?? 0
        if word.hasSuffix("us") { return value / 1_000 }
        return word.hasSuffix("ms") ? value : value * 1_000
    }

    /// "  76377 requests in 4.00s, 20.1MB read".
    private func requests(_ output: String) -> Int {
        let line = output.split(separator: "\n").first { $0.contains(" requests in ") }
        return line?.split(separator: " ").first.flatMap { Int($0) } ?? 0
    }
}

enum Tool {
    /// Where a program is, if it is on the search path.
    static func path(_ name: String) -> String? {
        if name.contains("/") { return name }
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// A port that nothing listens on now.
    static func freePort() throws -> Int {
        for _ in 0..<100 {
            let port = Int.random(in: 20_000...60_000)
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
