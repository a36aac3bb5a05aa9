/// What a session is for, and how long anything in it may take. The server ends statements that
/// take longer; the client waits a little more, for a server that does not answer at all, and for a
/// commit that waits for standbys, which the server itself would let wait for ever.
enum SessionRole: Sendable {
    case writer
    case reader(seconds: Int)

    var answerSeconds: Int {
        switch self {
        case .writer: Self.writeSeconds + 2
        case .reader(let seconds): seconds + 2
        }
    }

    private static let writeSeconds = 8

    var settings: [String] {
        let common = [
            "SET client_min_messages = warning", "SET jit = off", "SET TimeZone = 'UTC'",
            "SET standard_conforming_strings = on",
        ]
        switch self {
        case .reader(let seconds):
            return common + [
                "SET statement_timeout = '\(seconds)s'",
                "SET idle_in_transaction_session_timeout = '\(seconds + 10)s'",
            ]
        case .writer:
            return common + [
                "SET statement_timeout = '\(Self.writeSeconds)s'",
                "SET lock_timeout = '5s'",
                // A node that hangs with a workspace locked must not hang the others.
                "SET idle_in_transaction_session_timeout = '10s'",
                // The commit path looks up rows by their keys and nothing else. A plan made while a
                // table was empty would read it whole for ever.
                "SET enable_seqscan = off", "SET enable_hashjoin = off",
                "SET enable_mergejoin = off", "SET plan_cache_mode = force_generic_plan",
                // A commit that was answered is on disk, whatever the server's default is.
                """
                SELECT set_config('synchronous_commit', 'on', false)
                WHERE current_setting('synchronous_commit') = 'off'
                """,
            ]
        }
    }
}
