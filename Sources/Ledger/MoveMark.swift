/// What is written into a database that a move has begun to fill, or has emptied of its use, so
/// that nobody serves from it by mistake.
package enum MoveMark: Equatable, Sendable {
    /// Not everything is here yet.
    case unfinished(source: String)
    /// Everything is being copied to another place, which is not complete yet.
    case moving(target: String)
    /// Everything is elsewhere now; this is the past.
    case moved(target: String)
}

extension SQLTransaction {
    package func moveMark() throws -> MoveMark? {
        guard try !columns(of: "move").isEmpty else { return nil }
        let rows = try rows(SQLStatement(once: "SELECT state, place FROM move"))
        guard let row = rows.first else { return nil }
        let place = try row.text(1)
        switch try row.text(0) {
        case "moved": return .moved(target: place)
        case "moving": return .moving(target: place)
        default: return .unfinished(source: place)
        }
    }

    package func set(_ mark: MoveMark?) throws {
        try run(script: "DROP TABLE IF EXISTS move")
        guard let mark else { return }
        let (state, place) =
            switch mark {
            case .unfinished(let source): ("unfinished", source)
            case .moving(let target): ("moving", target)
            case .moved(let target): ("moved", target)
            }
        try run(
            script: """
                CREATE TABLE move (state \(dialect.textType) NOT NULL,
                  place \(dialect.textType) NOT NULL) \(dialect.tableSuffix)
                """)
        try execute(
            SQLStatement(once: "INSERT INTO move (state, place) VALUES (?1, ?2)"),
            each: [[.text(state), .text(place)]])
    }
}
