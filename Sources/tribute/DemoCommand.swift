import ArgumentParser
import Attribution
import Foundation
import Integrations
import Ledger
import SQLiteEngine

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Fill an empty database with a plausible workspace and say what to try.",
        discussion: """
            Eight campaign links and six months of clicks, leads and sales, the same for the same \
            seed. A database that has a workspace already is left alone.

              tribute demo --database sqlite:tribute.db
            """)

    @Option(parsing: .unconditional, help: "Which of the possible histories: 0 or more.") var seed:
        UInt64 = 1
    @Option(help: "Where the server will listen, for the examples that are printed.")
    var url: String = "http://localhost:8080"
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let file = try await database.open()
        let place = quoted(try database.place().text)
        if let first = try await file.read({ try $0.workspaces() }).first {
            print(
                """
                \(place) has data already (workspace '\(first.slug)'), so nothing was added.
                For a token:
                  \(program) token create --workspace \(first.slug) --name me \\
                    --database \(place)
                """)
            return
        }
        let ledger = Ledger(database: file)
        let stamper = Stamper()
        let workspace = Workspace(
            id: stamper.id("ws_"), slug: "demo", name: "Demo", plan: .business,
            createdAt: stamper.now())
        _ = try await ledger.perform(.createWorkspace(.init(workspace: workspace)))
        let key = "dub_" + stamper.secret(length: 24)
        let token = Token(
            id: stamper.id("tok_"), workspaceID: workspace.id, name: "demo",
            digest: sha256Hex(key), scopes: [.apisAll], createdAt: stamper.now())
        _ = try await ledger.perform(.createToken(.init(token: token)))
        var history = DemoHistory(workspaceID: workspace.id, seed: seed, stamper: stamper)
        for link in history.links {
            let create = CreateLink(link: link, defaultDomain: link.domain)
            _ = try await ledger.perform(.createLink(create))
        }
        let commands = history.commands()
        for start in stride(from: 0, to: commands.count, by: 500) {
            let batch = Array(commands[start..<min(start + 500, commands.count)])
            do throws(LedgerError) {
                for result in try await ledger.submit(batch) { _ = try result.get() }
            } catch { throw Failure("The database could not be written (\(error)).") }
        }
        await ledger.stop()
        printGuide(key, place, totals: history.totals)
    }

    /// As it was started: right after `make run` it is not on the PATH yet.
    private var program: String { quoted(CommandLine.arguments.first ?? "tribute") }

    private func printGuide(_ key: String, _ place: String, totals: String) {
        print(
            #"""

            Made workspace 'demo': \#(totals).

            Its API key, shown this once:

                export TOKEN=\#(key)

            What to try while the server runs:

              1. Make a link.
                curl -s \#(url)/links -H "Authorization: Bearer $TOKEN" \
                  -d '{"url":"https://example.com/pricing","key":"launch","trackConversion":true}'
              2. Follow it as a browser (visits of programs don't count): dub_id= is the click's id.
                CLICK=$(curl -si -A Mozilla/5.0 \#(url)/launch | grep -i location: |
                  sed 's/.*dub_id=\([0-9A-Za-z]*\).*/\1/')
              3. The visitor signs up: track the lead with that click id.
                curl -s \#(url)/track/lead -H "Authorization: Bearer $TOKEN" \
                  -d '{"clickId":"'$CLICK'","eventName":"Sign up","customerExternalId":"user-1"}'
              4. The customer pays 49 dollars.
                curl -s \#(url)/track/sale -H "Authorization: Bearer $TOKEN" \
                  -d '{"customerExternalId":"user-1","amount":4900,"invoiceId":"in_1"}'
              5. See the sale credited to the link.
                curl -s "\#(url)/links/info?domain=localhost&key=launch" \
                  -H "Authorization: Bearer $TOKEN"
                curl -s "\#(url)/events?event=sales&interval=all&limit=3" \
                  -H "Authorization: Bearer $TOKEN"
              6. Have every total recomputed.
                \#(program) verify --database \#(place)

            With an official Dub SDK, change only its server URL to \#(url).

            """#)
    }
}
