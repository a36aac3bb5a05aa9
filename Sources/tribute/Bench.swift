import Foundation
import Ledger

/// The scratch database and the programs that run beside.
final class Bench {
    let ports: [Int]
    let token: String
    let place: BenchPlace
    /// One for each port.
    var servers: [Process] { Array(processes.prefix(ports.count)) }
    /// The servers, then what else was started.
    private(set) var processes: [Process] = []

    private init(place: BenchPlace, token: String, nodes: Int) throws {
        (self.place, self.token) = (place, token)
        ports = try (0..<nodes).map { _ in try Tool.freePort() }
    }

    /// A scratch database that is filled, and the nodes on it. If that fails, nothing is left.
    static func prepared(_ place: BenchPlace, _ fill: BenchFill, nodes: Int) async throws -> Bench {
        let bench: Bench
        do {
            let database = try await place.open()
            let token = try await fill.run(Ledger(database: database))
            try database.close()
            bench = try Bench(place: place, token: token, nodes: nodes)
        } catch {
            place.remove()
            throw error
        }
        do { try bench.serve() } catch {
            bench.end()
            throw error
        }
        return bench
    }

    private func serve() throws {
        for port in ports {
            let arguments = [
                "serve", "--database", place.url, "--port", "\(port)", "--log-level", "error",
                "--trusted-proxies", "127.0.0.1",
            ]
            try launch(
                CommandLine.arguments[0], arguments, environment: ["TRIBUTE_BENCH_ROUTE": "1"],
                waitFor: port)
        }
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

    /// Stops the servers; what they acknowledged must be in the database and add up.
    func check(atLeast answered: Int) async throws {
        let stored = try await stored("sale")
        print("\(answered) sales answered, \(stored) stored")
        guard stored >= answered else {
            throw Failure("the database does not hold what was acknowledged")
        }
    }

    /// Stops the servers and counts the records of a kind; every counter must be right.
    func stored(_ record: String) async throws -> Int {
        stopAll()
        let database = try await place.open()
        let result = try await database.read { try $0.verify() }
        try database.close()
        guard result.differences.isEmpty else {
            throw Failure("\(result.differences.count) counters differ from the events")
        }
        print("every counter equals its events")
        return Int(result.checked.first { $0.record == record }?.count ?? 0)
    }

    private func stopAll() {
        for process in processes where process.isRunning { process.terminate() }
        for process in processes { process.waitUntilExit() }
        processes = []
    }

    func end() {
        stopAll()
        place.remove()
    }
}
