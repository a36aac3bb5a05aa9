import Foundation
import Ledger
import Server

/// Which workspaces are in which other databases: a line for each, `slug url`; `#` begins a
/// comment.
struct ShardMap {
    /// In the order of their first lines.
    private var databases: [(url: String, slugs: Set<String>)] = []

    /// - Throws: `Failure` that names the line.
    init(path: String) throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        var seen: Set<String> = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            if words.isEmpty { continue }
            guard words.count == 2 else {
                throw Failure("\(path), line \(index + 1): write a slug and a database URL.")
            }
            let (slug, url) = (String(words[0]), String(words[1]))
            guard seen.insert(slug).inserted else {
                throw Failure("\(path), line \(index + 1): '\(slug)' is there twice.")
            }
            if let place = databases.firstIndex(where: { $0.url == url }) {
                databases[place].slugs.insert(slug)
            } else {
                databases.append((url, [slug]))
            }
        }
    }

    /// Every database with its schema up to date, the main one first.
    ///
    /// - Throws: `Failure` if a workspace is not where the map says: its sales would be looked for
    ///   in the wrong place.
    static func opened(_ map: ShardMap?, main: any SQLDatabase) async throws -> [Shard] {
        var shards = [Shard(database: main, slugs: nil)]
        for (url, slugs) in map?.databases ?? [] {
            let place = try DatabasePlace(url)
            guard case .server(let server) = place else {
                throw Failure("\(place.text): workspaces of a map are on PostgreSQL servers.")
            }
            let database: any SQLDatabase = try await server.open(mustExist: true)
            for slug in slugs {
                guard try await database.read({ try $0.workspace(slug: slug) }) != nil else {
                    throw Failure(
                        """
                        There is no workspace '\(slug)' in \(place.text). Make it there first: \
                        tribute workspace create … --slug \(slug) --database URL
                        """)
                }
                guard try await main.read({ try $0.workspace(slug: slug) }) == nil else {
                    throw Failure("The workspace '\(slug)' is in the main database too.")
                }
            }
            shards.append(Shard(database: database, slugs: slugs))
        }
        return shards
    }
}
