import ArgumentParser
import Ledger

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Bring the schema up to date, and end.",
        discussion: """
            The server does this when it starts; with several nodes it can be a step of its own \
            before the first of the new version. Steps only add: nodes of the version before go on \
            meanwhile.

              tribute migrate --database postgres://tribute@db.internal/tribute
            """)

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let opened = try await database.open()
        let version = Migration.all.last?.version ?? 0
        try opened.close()
        print("\(try database.place().text) has schema version \(version)")
    }
}
