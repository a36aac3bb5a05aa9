import ArgumentParser
import Server

@main
struct TributeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tribute",
        abstract: "Conversion attribution you can reconcile: links, clicks, leads and sales.",
        discussion: """
            A first sale in a minute:

              tribute demo --database sqlite:tribute.db
              tribute serve --database sqlite:tribute.db

            or from an empty database:

              export TRIBUTE_DATABASE=sqlite:tribute.db
              tribute workspace create "Acme" --slug acme --plan business
              tribute token create --workspace acme --name server
              tribute serve

            Every command but demo, restore and move may run while the server does: stop it for \
            these. \
            A backup (a file beside which FILE.sha256 lies) can be read by the commands that only \
            read, and is never changed. Shell completion:

              tribute --generate-completion-script bash > /etc/bash_completion.d/tribute
            """,
        version: Tribute.version,
        subcommands: [
            ServeCommand.self, WorkspaceCommand.self, TokenCommand.self, ImportCommand.self,
            RejectionsCommand.self, VerifyCommand.self, SimulateCommand.self, BackupCommand.self,
            RestoreCommand.self, MoveCommand.self, MigrateCommand.self,
            DemoCommand.self, BenchCommand.self,
        ])
}
