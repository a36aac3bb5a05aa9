import Attribution
import Ledger
import Testing

/// What is cached is read again as soon as anybody changed it, in this process or in another.
@Suite struct RevisionTests {
    private static func token(_ name: String) -> Command {
        .createToken(
            CreateToken(
                token: Token(
                    id: ID(name), workspaceID: Shop.id, name: name,
                    digest: String(String(repeating: "0", count: 64) + name).suffix(64).description,
                    scopes: [.apisAll], createdAt: Shop.noon)))
    }

    private static func rename(_ key: String) -> Command {
        var edit = Edit<Link>()
        edit.set(\.key, key)
        return .updateLink(
            UpdateLink(selector: .id(ID("a")), workspaceID: Shop.id, edit: edit, at: Shop.noon))
    }

    private static let renaming: Command = {
        var update = UpdateWorkspace(slug: "shop")
        update.name = "New"
        return .updateWorkspace(update)
    }()

    @Test func changesOfAnotherProcessAreSeen() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        let other = Ledger(database: try scratch.opened())
        for command in [
            Self.token("t1"),
            .revokeToken(.init(workspaceID: Shop.id, id: ID("t1"), at: Shop.noon)),
            Shop.createLink("n"), Self.rename("m"),
            .deleteLink(.init(selector: .id(ID("n")), workspaceID: Shop.id, at: Shop.noon)),
            Self.renaming,
            Shop.createDomain("d2", ID("d2")),
            .createWorkspace(.init(workspace: Shop.workspace(ID("w2"), "w2"))),
        ] {
            let before = try await scratch.database.registryRevision()
            _ = try await other.submit(command)
            #expect(try await scratch.database.registryRevision() != before, "\(command)")
        }
        await ledger.stop()
        await other.stop()
    }

    @Test func changesOfTheSameProcessAreSeen() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        let before = try await scratch.database.registryRevision()
        _ = try await ledger.submit(Self.token("t1"))
        #expect(try await scratch.database.registryRevision() != before)
        await ledger.stop()
    }

    @Test func eventsLeaveItAlone() async throws {
        let scratch = try Scratch()
        let ledger = Ledger(database: scratch.database)
        try await Shop.open(ledger)
        let before = try await scratch.database.registryRevision()
        let other = Ledger(database: try scratch.opened())
        for command in [
            Shop.click("c9", on: "a"), Shop.lead("zoe", by: "c9"), Shop.sale("s1"),
            Shop.sale("s2", invoice: "inv1"), .proveWritable,
        ] {
            _ = try await ledger.submit(command)
            #expect(try await scratch.database.registryRevision() == before)
        }
        _ = try await other.submit(Shop.sale("s3"))
        #expect(try await scratch.database.registryRevision() == before)
        await ledger.stop()
        await other.stop()
    }
}
