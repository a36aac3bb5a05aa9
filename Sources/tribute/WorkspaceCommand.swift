import ArgumentParser
import Attribution
import Integrations
import Ledger
import SQLiteEngine
import Wire

struct WorkspaceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workspace", abstract: "Create, list and change workspaces.",
        discussion: """
            Links, customers, events and API keys belong to one workspace each and see no other.

              tribute workspace create "Acme" --slug acme --plan business
              tribute workspace list
            """,
        subcommands: [Create.self, List.self, Update.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a workspace and print it as one JSON object.",
            discussion: """
                tribute workspace create "Acme Inc" --slug acme --plan business \
                --database sqlite:tribute.db
                """)

        @Argument(help: "The name that people read.") var name: String
        @Option(help: "A short name for commands and URLs: letters, digits and dashes.")
        var slug: String
        @Option(
            help: ArgumentHelp(
                "free, pro, business, \"business plus\", \"business max\", \"business extra\", advanced or enterprise. Tracking needs business or higher."
            ))
        var plan: String = "business"
        @OptionGroup var database: DatabaseOptions

        func validate() throws {
            guard (1...190).contains(slug.utf8.count), isSlug(slug) else {
                throw ValidationError(
                    "--slug: use 1 to 190 lower-case letters, digits and dashes, e.g. acme")
            }
            guard !name.isEmpty else { throw ValidationError("NAME must not be empty") }
            _ = try planNamed(plan)
        }

        func run() async throws {
            let ledger = Ledger(database: try await database.open())
            let stamper = Stamper()
            let workspace = Workspace(
                id: stamper.id("ws_"), slug: slug, name: name, plan: try planNamed(plan),
                createdAt: stamper.now())
            _ = try await ledger.perform(.createWorkspace(.init(workspace: workspace)))
            await ledger.stop()
            printJSON { $0.members(workspace) }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every workspace, one JSON object a line.",
            discussion: "  tribute workspace list --database sqlite:tribute.db")
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let file = try await database.openForReading()
            for workspace in try await file.read({ try $0.workspaces() }) {
                printJSON { $0.members(workspace) }
            }
        }
    }

    struct Update: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a workspace; what is not named stays.",
            discussion: """
                tribute workspace update acme --plan enterprise
                tribute workspace update acme --allowed-hostnames example.com,*.example.com
                tribute workspace update acme --on-conflict refuse
                """)

        @Argument(help: "The workspace's slug.") var slug: String
        @Option(help: "A new name.") var name: String?
        @Option(help: "A new plan; see `workspace create --help`.") var plan: String?
        @Option(
            help: ArgumentHelp(
                "Sites whose pages may track with the publishable key; *.example.com stands for sub-domains. An empty text allows every site.",
                valueName: "list"))
        var allowedHostnames: String?
        @Option(
            help: ArgumentHelp(
                "When an invoice comes again with other data: replay the first answer, or refuse with 409.",
                valueName: "policy"))
        var onConflict: String?
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            var update = UpdateWorkspace(slug: slug)
            update.name = name
            update.plan = try plan.map(planNamed)
            update.allowedHostnames = try allowedHostnames.map(hostnames)
            if let onConflict {
                guard let policy = ConflictPolicy(rawValue: onConflict) else {
                    throw ValidationError("--on-conflict: use replay or refuse")
                }
                update.conflictPolicy = policy
            }
            let ledger = Ledger(database: try await database.open(mustExist: true))
            let outcome = try await ledger.perform(.updateWorkspace(update))
            await ledger.stop()
            if case .workspace(let workspace) = outcome { printJSON { $0.members(workspace) } }
        }
    }
}

private func hostnames(_ list: String) throws -> [String] {
    try list.split { $0 == "," || $0 == " " }.map { entry in
        let name = entry.lowercased()
        let plain = name.hasPrefix("*.") ? name.dropFirst(2) : name[...]
        let isName = plain.split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0.utf8.allSatisfy { isSlugByte($0) || $0 == UInt8(ascii: "_") }
        }
        guard isName else {
            throw ValidationError(
                "--allowed-hostnames: '\(entry)' is no host name; use example.com or *.example.com")
        }
        return normalizedHostname(entry)
    }
}

private func isSlugByte(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (97...122).contains(byte) || byte == 0x2D
}

private func isSlug(_ text: String) -> Bool {
    text.utf8.allSatisfy(isSlugByte)
}

private func planNamed(_ text: String) throws -> Plan {
    guard let plan = Plan(rawValue: text) else {
        let names = Plan.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("--plan: '\(text)' is no plan; use one of \(names)")
    }
    return plan
}

extension JSONWriter {
    fileprivate mutating func members(_ workspace: Workspace) {
        member("id", workspace.id.text)
        member("slug", workspace.slug)
        member("name", workspace.name)
        member("plan", workspace.plan.rawValue)
        name("allowedHostnames")
        array(workspace.allowedHostnames) { $0.string($1) }
        member("onConflict", workspace.conflictPolicy.rawValue)
        member("publishableKey", workspace.publishableKey)
        member("createdAt", workspace.createdAt)
    }
}
