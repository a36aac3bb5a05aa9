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

              tribute workspace create "Acme" --slug acme --plan business --database sqlite:tribute.db
              tribute token create --workspace acme --name server --database sqlite:tribute.db
              tribute serve --database sqlite:tribute.db

            Every command but demo may run while the server does. Shell completion:

              tribute --generate-completion-script bash > /etc/bash_completion.d/tribute
            """,
        version: Tribute.version,
        subcommands: [
            ServeCommand.self, WorkspaceCommand.self, TokenCommand.self, ImportCommand.self,
            VerifyCommand.self, DemoCommand.self, BenchCommand.self,
        ])
}
