import Attribution
import Foundation
import Ledger
import PostgresEngine
import SQLiteEngine
import Testing

/// The engine that this run of the tests is on: every test runs on each, but for those that are
/// about one of them.
enum Engine: String {
    case sqlite, postgres
    /// A misspelled name must not pass for the default.
    case unknown

    static let current: Engine = {
        let name = ProcessInfo.processInfo.environment["TRIBUTE_TEST_ENGINE"] ?? "sqlite"
        return Engine(rawValue: name) ?? .unknown
    }()
    static var isSQLite: Bool { current == .sqlite }
}

/// A database of its own, gone with the value: a file, or a schema on the server that
/// `TRIBUTE_TEST_POSTGRES` names.
final class Scratch: Sendable {
    let database: any SQLDatabase
    private let place: Place

    fileprivate enum Place {
        case file(directory: URL)
        case schema(name: String)
    }

    /// - Parameter isMigrated: false leaves the database without a schema.
    init(_ engine: Engine = .current, isMigrated: Bool = true) throws {
        switch engine {
        case .sqlite:
            let directory = FileManager.default.temporaryDirectory
                .appendingPathComponent("tribute-\(UUID().uuidString)")
            try FileManager.default.createDirectory(
                at: directory, withIntermediateDirectories: true)
            place = .file(directory: directory)
        case .unknown: throw TestServer.Missing()
        case .postgres:
            let name = "t_" + UUID().uuidString.lowercased().replacing("-", with: "")
            place = .schema(name: name)
            try TestServer.run("CREATE SCHEMA \(name)")
        }
        database = try place.open()
        if isMigrated { try database.migrate() }
    }

    deinit {
        try? database.close()
        switch place {
        case .file(let directory): try? FileManager.default.removeItem(at: directory)
        case .schema(let name): try? TestServer.run("DROP SCHEMA \(name) CASCADE")
        }
    }

    /// As another process would open it.
    func opened() throws -> any SQLDatabase { try place.open() }

    /// Of a test that is about SQLite.
    var path: String {
        guard case .file(let directory) = place else { return "" }
        return directory.appendingPathComponent("t.db").path
    }

    func rows(_ sql: String) throws -> [SQLRow] {
        try database.write { try $0.rows(SQLStatement(once: sql)) }
    }

    func number(_ sql: String) throws -> Int64 {
        try #require(rows(sql).first).integer(0)
    }

    func run(_ sql: String) throws { try database.write { try $0.run(script: sql) } }

    /// Every row of every table as plain ASCII, but for the registry's revision, which counts
    /// batches, and the numbers of rejections: that of one which went is given again, so they
    /// depend on what commits together.
    func dump() throws -> [String] {
        try Schema.tables.filter { $0 != "registry" }.flatMap { table in
            let columns = try database.write { try $0.columns(of: table) }
                .filter { $0 != "number" }.joined(separator: ", ")
            return try rows("SELECT \(columns) FROM \(table) ORDER BY \(columns)").map { row in
                ([table] + row.values.map(\.ascii)).joined(separator: "|")
            }
        }
    }

    func differences() throws -> [Difference] {
        try database.write { try $0.verify().differences }
    }
}

extension Scratch.Place {
    func open() throws -> any SQLDatabase {
        switch self {
        case .file(let directory):
            try SQLiteDatabase(path: directory.appendingPathComponent("t.db").path)
        case .schema(let name):
            try PostgresDatabase(
                ConnectionString(TestServer.url() + "?options=-csearch_path%3D\(name)"))
        }
    }
}

/// The server that `scripts/with-postgres` starts.
enum TestServer {
    struct Missing: Error {}

    static func url() throws -> String {
        guard let url = ProcessInfo.processInfo.environment["TRIBUTE_TEST_POSTGRES"] else {
            throw Missing()
        }
        return url
    }

    static func run(_ sql: String) throws {
        let database = try PostgresDatabase(ConnectionString(url()))
        defer { database.close() }
        try database.write { try $0.run(script: sql) }
    }
}

extension SQLValue {
    /// Texts that only look alike differ here: Swift's own comparison of strings would not see it.
    fileprivate var ascii: String {
        switch self {
        case .null: "NULL"
        case .integer(let number): "\(number)"
        case .text(let text): LedgerTests.ascii(text)
        }
    }
}

/// Ids are ASCII; the names that they are made of need not be.
private func ascii(_ text: String) -> String {
    text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
}

/// A small workspace that tests of single commands start from: two links, a click on each, and
/// `ann`, whose one lead came by link `a`.
enum Shop {
    static let id: WorkspaceID = ID("ws_shop")
    static let noon = Timestamp(milliseconds: 1_790_000_000_000)

    static let opening: [Command] =
        [
            .createWorkspace(.init(workspace: workspace(id, "shop"))),
            createDomain("go.test"),
            createLink("a"), createLink("b"), click("ca", on: "a"), click("cb", on: "b"),
        ] + [lead("ann", by: "ca")]

    static func open(_ ledger: Ledger) async throws {
        for result in try await ledger.submit(opening) { _ = try result.get() }
    }

    static func workspace(_ id: WorkspaceID, _ slug: String) -> Workspace {
        Workspace(id: id, slug: slug, name: slug, plan: .business, createdAt: noon)
    }

    static func createDomain(
        _ slug: String, _ domainID: DomainID = ID("dom"), in workspaceID: WorkspaceID = id
    ) -> Command {
        let link = Link(
            id: ID("root-\(domainID)"), workspaceID: workspaceID, domain: slug, key: Link.rootKey,
            url: "", createdAt: noon)
        let domain = Domain(id: domainID, workspaceID: workspaceID, slug: slug, createdAt: noon)
        return .createDomain(CreateDomain(domain: domain, rootLink: link))
    }

    static func createLink(
        _ name: String, in workspaceID: WorkspaceID = id, domain: String = "go.test",
        key: String? = nil, defaultDomain: String? = nil
    ) -> Command {
        let link = Link(
            id: ID(name), workspaceID: workspaceID, domain: domain, key: key ?? name,
            url: "https://\(name).test", createdAt: noon)
        return .createLink(CreateLink(link: link, defaultDomain: defaultDomain))
    }

    static func click(_ name: String, on link: String) -> Command {
        .recordClick(RecordClick(id: ID(name), linkID: ID(link), at: noon, visitor: Visitor()))
    }

    static func lead(_ customer: String, by click: String, named name: String = "Sign up")
        -> Command
    {
        .recordLead(
            RecordLead(
                ids: [ID("lead-\(ascii(customer))-\(ascii(name))")],
                customer: CustomerKey(workspaceID: id, externalID: customer),
                clickID: ID(click), eventName: name,
                profile: CustomerProfile(id: ID("cus-\(ascii(customer))")), at: noon))
    }

    static func sale(
        _ saleID: String, of customer: String = "ann", _ amount: Int64 = 4_900,
        _ currency: Currency = .usd, invoice: String? = nil, leadEventName: String? = nil,
        by click: String? = nil
    ) -> Command {
        .recordSale(
            RecordSale(
                id: ID(saleID), customer: CustomerKey(workspaceID: id, externalID: customer),
                money: Money(amount, currency), eventName: "Purchase", invoiceID: invoice,
                leadEventName: leadEventName, clickID: click.map { ID($0) },
                profile: CustomerProfile(id: ID("cus-\(customer)")),
                directLeadID: ID("direct-\(saleID)"), at: noon.adding(1)))
    }
}

extension Result<Outcome, LedgerError> {
    /// Whatever the answer shows. A receipt also carries counters of its customer, as they were
    /// before the sale or as they are at the replay; no answer shows those. A link's counters are
    /// those of some moment during the request.
    var answer: String {
        switch self {
        case .success(.sale(.recorded(let receipt))): "recorded \(receipt.shown)"
        case .success(.sale(.replayed(let receipt, let differing))):
            "replayed \(receipt.shown) \(differing)"
        case .success(.lead(.tracked(let receipt, let isRecorded))):
            "lead \(isRecorded) \(receipt.shown)"
        case .success(.link(let link)): "link \(link.shown)"
        case .success(let outcome): "\(outcome)"
        case .failure(let error): "\(error)"
        }
    }

    var isRefused: Bool {
        switch self {
        case .success(.refused), .success(.sale(.ignored)), .failure: true
        case .success: false
        }
    }

    var recordedSale: Sale? {
        if case .success(.sale(.recorded(let receipt))) = self { receipt.sale } else { nil }
    }
}

extension SaleReceipt {
    var shown: String {
        "\(sale) \(customer.id) \(customer.externalID) \(customer.name ?? "") "
            + "\(customer.email ?? "") \(customer.avatar ?? "")"
    }
}

extension LeadReceipt {
    /// A link's total is that of some moment, too.
    fileprivate var shown: LeadReceipt {
        var receipt = self
        receipt.link.saleAmount = 0
        return receipt
    }
}

extension Link {
    fileprivate var shown: Link {
        var link = self
        (link.clicks, link.leads, link.conversions, link.sales, link.saleAmount) = (0, 0, 0, 0, 0)
        link.lastClicked = nil
        return link
    }
}
