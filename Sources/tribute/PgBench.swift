import Foundation

/// The least that stores a sale, one transaction each, by PostgreSQL's own load generator.
struct PgBench {
    let program: String
    let scripts: String
    /// The bench's own schema.
    let url: String
    let links: Int
    let customers: Int

    /// Makes its tables.
    func prepare() throws {
        guard case .server(let server) = try DatabasePlace(url) else { return }
        let tables = try String(contentsOfFile: "\(scripts)/pgbench-tables.sql", encoding: .utf8)
        try server.run(
            script: tables.replacing(":customers", with: "\(customers)")
                .replacing(":links", with: "\(links)"))
    }

    func turn(connections: Int, seconds: Int) throws -> BenchCase.Turn {
        let output = try Tool.start(
            program,
            [
                "--no-vacuum", "--file", "\(scripts)/pgbench.sql", "--client", "\(connections)",
                "--jobs", "2", "--time", "\(seconds)", "--protocol", "prepared",
                "--define", "customers=\(customers)", "--define", "links=\(links)", url,
            ]
        ).output()
        guard let rate = output.number(after: "tps = ") else { throw output.failure(of: "pgbench") }
        return BenchCase.Turn(
            rate: rate, p50: output.number(after: "latency average = ") ?? .nan, p99: .nan,
            sales: 0, errors: 0)
    }
}
