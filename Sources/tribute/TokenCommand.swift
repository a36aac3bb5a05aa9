import ArgumentParser
import Attribution
import Integrations
import Ledger
import Server
import Wire

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Create, list and revoke API keys.",
        discussion: """
            A key belongs to one workspace, can be limited by scopes and an end, and is revoked by \
            its id.

              tribute token create --workspace acme --name server
              tribute token list --workspace acme
            """,
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create an API key and print it, alone, on standard output.",
            discussion: """
                The key is shown once: only its digest is kept.

                  TOKEN=$(tribute token create --workspace acme --name server)
                  tribute token create --workspace acme --name reader --scopes links.read \
                --expires 2027-01-01
                  tribute token create --workspace acme --name site --publishable

                A publishable key is for browsers: it can call /track/lead/client and \
                /track/sale/client only. A workspace has one; a new one replaces it.
                """)

        @Option(help: "The workspace's slug.") var workspace: String
        @Option(help: "What the key is for, 1 to 50 characters.") var name: String
        @Option(
            help: ArgumentHelp(
                "What the key may do, e.g. links.read,links.write. Default: apis.all, everything but webhooks.",
                valueName: "list"))
        var scopes: String = "apis.all"
        @Option(help: "When the key stops working, ISO 8601. Default: never.") var expires: String?
        @Flag(help: "Make a key for browsers.") var publishable = false
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            guard (1...50).contains(name.count) else {
                throw ValidationError("--name: use 1 to 50 characters")
            }
            let scopes = try self.scopes.split { $0 == "," || $0 == " " }.map { try scope($0) }
            let file = try await database.open(mustExist: true)
            let ledger = Ledger(database: file)
            let key =
                publishable
                ? try await createPublishable(ledger) : try await create(ledger, scopes)
            await ledger.stop()
            print(key)
        }

        private func create(_ ledger: Ledger, _ scopes: [Scope]) async throws -> String {
            let stamper = Stamper()
            let workspace = try await found(workspace, ledger)
            let key = "dub_" + stamper.secret(length: 24)
            let token = Token(
                id: stamper.id("tok_"), workspaceID: workspace.id, name: name,
                digest: sha256Hex(key), scopes: scopes, createdAt: stamper.now(),
                expiresAt: try expiry())
            _ = try await ledger.perform(.createToken(.init(token: token)))
            return key
        }

        private func createPublishable(_ ledger: Ledger) async throws -> String {
            guard expires == nil else {
                throw ValidationError("--expires: a publishable key does not expire")
            }
            var update = UpdateWorkspace(slug: workspace)
            let key = "dub_pk_" + Stamper().secret(length: 24)
            update.publishableKey = key
            _ = try await ledger.perform(.updateWorkspace(update))
            return key
        }

        private func expiry() throws -> Timestamp? {
            guard let expires else { return nil }
            guard let moment = Timestamp(text: expires) else {
                throw ValidationError(
                    "--expires: use ISO 8601, e.g. 2027-01-01 or 2027-01-01T12:00:00Z")
            }
            return moment
        }

        private func scope(_ text: Substring) throws -> Scope {
            guard let scope = Scope(rawValue: String(text)) else {
                let names = Scope.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("--scopes: '\(text)' is no scope; use \(names)")
            }
            return scope
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a workspace's tokens, one JSON object a line, without the keys.",
            discussion: "  tribute token list --workspace acme")
        @Option(help: "The workspace's slug.") var workspace: String
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let ledger = Ledger(database: try await database.openForReading())
            let workspace = try await found(workspace, ledger)
            for token in try await ledger.read({ try $0.tokens(of: workspace.id) }) {
                printJSON {
                    $0.member("id", token.id.text)
                    $0.member("name", token.name)
                    $0.name("scopes")
                    $0.array(token.scopes) { $0.string($1.rawValue) }
                    $0.member("createdAt", token.createdAt)
                    $0.member("expiresAt", token.expiresAt)
                    $0.member("revokedAt", token.revokedAt)
                }
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke a token, effective with the next request.",
            discussion: "tribute token revoke tok_1… --workspace acme")
        @Argument(help: "The token's id; see `tribute token list`.") var id: String
        @Option(help: "The workspace's slug.") var workspace: String
        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let ledger = Ledger(database: try await database.open(mustExist: true))
            let workspace = try await found(workspace, ledger)
            let revoke = RevokeToken(
                workspaceID: workspace.id, id: TokenID(id), at: Stamper().now())
            _ = try await ledger.perform(.revokeToken(revoke))
            await ledger.stop()
            print("revoked \(id)")
        }
    }
}

/// The workspace of this slug, or a message that says where to look.
func found(_ slug: String, _ ledger: Ledger) async throws -> Workspace {
    guard let workspace = try await ledger.read({ try $0.workspace(slug: slug) }) else {
        throw Failure(Refusal.workspaceNotFound(slug).message)
    }
    return workspace
}
