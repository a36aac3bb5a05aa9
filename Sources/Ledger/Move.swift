/// Copies every record from one database to another, of whichever engine, and compares them row
/// by row. Nobody can write to the source meanwhile. Pages are committed in the order of the
/// tables and their keys, so that what is there already says where an interrupted move goes on.
package struct Move {
    package struct Progress: Sendable {
        package enum Step: Sendable { case copying, comparing }
        package let step: Step
        package let table: String
        /// Rows of all tables.
        package let done: Int64
        package let all: Int64
    }

    package enum Problem: Error, Equatable {
        /// Records of somebody else are there.
        case targetNotEmpty
        /// What was moved from there to another place is there still.
        case targetWasMoved(to: String)
        /// A move from elsewhere was begun.
        case otherSource(String)
        /// A move from elsewhere to the source was begun.
        case sourceUnfinished(String)
        /// The source is being moved, or was moved, to another place.
        case otherTarget(String)
        /// It was done before: the source was moved to this target, where data is.
        case finished
        /// A row that differs: the source was changed after an interrupted move had copied it.
        case different(table: String, key: String)
    }

    private let source: any SQLDatabase
    private let target: any SQLDatabase
    private let places: (source: String, target: String)
    private let isSame: (String, String) -> Bool
    private let progress: (Progress) throws -> Void
    /// Rows that are read and committed together.
    package var pageSize = 2_000

    /// - Parameters:
    ///   - places: what the databases are called, for their marks.
    ///   - isSame: whether two of such names lead to the same data.
    package init(
        from source: any SQLDatabase, to target: any SQLDatabase,
        places: (source: String, target: String),
        isSame: @escaping (String, String) -> Bool = { $0 == $1 },
        progress: @escaping (Progress) throws -> Void
    ) {
        (self.source, self.target, self.places) = (source, target, places)
        (self.isSame, self.progress) = (isSame, progress)
    }

    /// - Returns: how many rows there are.
    /// - Throws: `Problem`, `SQLError`. Run again, it goes on.
    package func run() throws -> Int64 {
        try begin()
        let count = try source.write { source in
            try source.lock(.everything)
            let all = try Schema.records.reduce(0) { try $0 + rowCount(of: $1, source) }
            try copy(source, all)
            try compare(source, all)
            try takeOverRegistry(source)
            return all
        }
        // First the one that stops serving: never are there two.
        try source.write { try $0.set(.moved(target: places.target)) }
        try target.write { try $0.set(nil) }
        return count
    }

    /// Marks both, the source first: never does a server start on one while the other is served.
    private func begin() throws {
        let sourceMark = try source.write { try $0.moveMark() }
        switch sourceMark {
        case .moving(let other), .moved(let other):
            guard isSame(other, places.target) else { throw Problem.otherTarget(other) }
        case .unfinished(let other): throw Problem.sourceUnfinished(other)
        case nil: break
        }
        let isBegun = try target.write { target in
            let targetMark = try target.moveMark()
            if case .unfinished(let other) = targetMark {
                guard isSame(other, places.source) else { throw Problem.otherSource(other) }
                return true
            }
            if try Schema.records.allSatisfy({ try rowCount(of: $0, target) == 0 }) { return false }
            if case .moved = sourceMark { throw Problem.finished }
            switch targetMark {
            case .moved(let other), .moving(let other): throw Problem.targetWasMoved(to: other)
            default: throw Problem.targetNotEmpty
            }
        }
        try source.write { try $0.set(.moving(target: places.target)) }
        if !isBegun { try target.write { try $0.set(.unfinished(source: places.source)) } }
    }

    private func rowCount(of table: Schema.Table, _ transaction: any SQLTransaction) throws -> Int64
    {
        try transaction.rows(SQLStatement(once: "SELECT count(*) FROM \(table.name)"))[0].integer(0)
    }

    private func copy(_ source: any SQLTransaction, _ all: Int64) throws {
        var done: Int64 = 0
        for table in Schema.records {
            let pages = TablePages(table, columns: try source.columns(of: table.name))
            var last = try target.write { try pages.lastKey($0) }
            if last != nil { done += try target.write { try rowCount(of: table, $0) } }
            while true {
                let rows = try pages.page(source, after: last, size: pageSize)
                guard let end = rows.last else { break }
                try target.write { try $0.execute(pages.insert, each: rows.map(\.values)) }
                last = pages.key(of: end)
                done += Int64(rows.count)
                try progress(Progress(step: .copying, table: table.name, done: done, all: all))
            }
        }
    }

    /// Every value of every row, on both sides.
    private func compare(_ source: any SQLTransaction, _ all: Int64) throws {
        var done: Int64 = 0
        for table in Schema.records {
            let pages = TablePages(table, columns: try source.columns(of: table.name))
            var last: [SQLValue]?
            while true {
                let rows = try pages.page(source, after: last, size: pageSize)
                let copies = try target.write {
                    try pages.page($0, after: last, size: pageSize)
                }
                for index in 0..<max(rows.count, copies.count) {
                    let (row, copy) = (rows[at: index], copies[at: index])
                    if let row, let copy, row.isSame(as: copy) { continue }
                    let key = (row ?? copy).map(pages.key) ?? []
                    throw Problem.different(
                        table: table.name, key: key.map(\.words).joined(separator: " "))
                }
                guard let end = rows.last else { break }
                last = pages.key(of: end)
                done += Int64(rows.count)
                try progress(Progress(step: .comparing, table: table.name, done: done, all: all))
            }
        }
    }

    /// Caches that were filled before, from either, count for nothing.
    private func takeOverRegistry(_ source: any SQLTransaction) throws {
        let read = SQLStatement(once: "SELECT revision FROM registry")
        let revision = try source.rows(read)[0].integer(0)
        try target.write {
            let past = max(revision, try $0.rows(read)[0].integer(0))
            try $0.execute(
                SQLStatement(once: "UPDATE registry SET revision = ?1"),
                each: [[.integer(past + 1)]])
        }
    }
}

/// A table's rows in the order of its key, a page at a time.
private struct TablePages {
    private let table: Schema.Table
    private let keyPlaces: [Int]
    private let first: SQLStatement
    private let next: SQLStatement
    private let lastOnes: SQLStatement
    let insert: SQLStatement

    init(_ table: Schema.Table, columns: [String]) {
        self.table = table
        keyPlaces = table.key.compactMap { columns.firstIndex(of: $0) }
        let list = columns.joined(separator: ", ")
        let key = table.key.joined(separator: ", ")
        let places = table.key.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        let end = "ORDER BY \(key) LIMIT ?\(table.key.count + 1)"
        first = SQLStatement("SELECT \(list) FROM \(table.name) ORDER BY \(key) LIMIT ?1")
        next = SQLStatement("SELECT \(list) FROM \(table.name) WHERE (\(key)) > (\(places)) \(end)")
        let backwards = table.key.map { "\($0) DESC" }.joined(separator: ", ")
        lastOnes = SQLStatement(
            "SELECT \(list) FROM \(table.name) ORDER BY \(backwards) LIMIT 1")
        let values = columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        insert = SQLStatement("INSERT INTO \(table.name) (\(list)) VALUES (\(values))")
    }

    func page(
        _ transaction: any SQLTransaction, after last: [SQLValue]?, size: Int
    ) throws -> [SQLRow] {
        let limit = SQLValue.integer(Int64(size))
        guard let last else { return try transaction.rows(first, [limit]) }
        return try transaction.rows(next, last + [limit])
    }

    func lastKey(_ transaction: any SQLTransaction) throws -> [SQLValue]? {
        try transaction.rows(lastOnes).first.map(key)
    }

    func key(of row: SQLRow) -> [SQLValue] { keyPlaces.map { row.values[$0] } }
}

extension SQLValue {
    fileprivate var words: String {
        switch self {
        case .null: "NULL"
        case .integer(let number): "\(number)"
        case .text(let text): text
        }
    }
}

extension SQLRow {
    /// To the byte: Swift takes texts that look alike for equal.
    fileprivate func isSame(as other: SQLRow) -> Bool {
        values.elementsEqual(other.values) { a, b in
            switch (a, b) {
            case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
            default: a == b
            }
        }
    }
}

extension Array {
    fileprivate subscript(at index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
