import ArgumentParser

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract:
            "Measure on this machine: sales or redirects per second, or each stage of a sale.",
        discussion: """
            Machines differ and are noisy, so everything is measured beside something else in the \
            same run: only the ratios say something. They can be compared with those that were \
            recorded with the sources (bench/thresholds.json).

              tribute bench            # durable sales per second over sockets
              tribute bench redirects  # visitors who follow links
              tribute bench stages     # microseconds of each stage
              tribute bench --check    # status 1 if a ratio is 30 % worse
            """,
        subcommands: [
            BenchSalesCommand.self, BenchRedirectsCommand.self, BenchStagesCommand.self,
            BenchProfileCommand.self,
        ],
        defaultSubcommand: BenchSalesCommand.self)
}
