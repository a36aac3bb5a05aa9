import Attribution
import Integrations
import Ledger

/// What the sales of a bench refer to: a workspace, links, and customers who each have a lead.
struct BenchFill {
    let links: Int
    let customers: Int

    /// - Returns: the workspace's API key.
    func run(_ ledger: Ledger) async throws -> String {
        let stamper = Stamper()
        let key = "dub_" + stamper.secret(length: 24)
        let workspace = Workspace(
            id: stamper.id("ws_"), slug: "bench", name: "Bench", plan: .enterprise,
            createdAt: stamper.now())
        let token = Token(
            id: stamper.id("tok_"), workspaceID: workspace.id, name: "bench",
            digest: sha256Hex(key), scopes: [.apisAll], createdAt: stamper.now())
        _ = try await ledger.perform(.createWorkspace(.init(workspace: workspace)))
        _ = try await ledger.perform(.createToken(.init(token: token)))
        var clicks: [ClickID] = []
        for number in 0..<links {
            let link = Link(
                id: stamper.id("link_"), workspaceID: workspace.id, domain: "localhost",
                key: "bench-\(number)", url: "https://example.com/", createdAt: stamper.now())
            let click = RecordClick(
                id: stamper.eventID(), linkID: link.id, at: stamper.now(), visitor: Visitor())
            _ = try await ledger.perform(
                .createLink(.init(link: link, defaultDomain: link.domain)))
            _ = try await ledger.perform(.recordClick(click))
            clicks.append(click.id)
        }
        for start in stride(from: 0, to: customers, by: 500) {
            let leads = (start..<min(start + 500, customers)).map { number in
                Command.recordLead(
                    RecordLead(
                        ids: [stamper.eventID()],
                        customer: CustomerKey(
                            workspaceID: workspace.id, externalID: "bench_\(number)"),
                        clickID: clicks[number % clicks.count], eventName: "Sign up",
                        profile: CustomerProfile(id: stamper.id("cus_")), at: stamper.now()))
            }
            for result in try await ledger.submit(leads) { _ = try result.get() }
        }
        await ledger.stop()
        return key
    }
}
