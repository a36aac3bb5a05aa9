/// One forward step of the schema. A step that has been released is never edited: its checksum
/// stands in every database it was applied to.
package struct Migration: Sendable {
    package let version: Int64
    package let name: String
    package let script: String

    package static let all: [Migration] = [
        .start, .links, .indexes, .rejections, .probe, .repeats,
    ]

    /// FNV-1a of the script: it finds an edited step, it is no defence against anybody.
    var checksum: Int64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in script.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int64(bitPattern: hash)
    }

    func script(for dialect: Dialect) -> String {
        script.replacing("BIGINT", with: dialect.integerType)
            .replacing(" TEXT", with: " \(dialect.textType)")
            .replacing(") CLUSTERED STRICT;", with: ") \(dialect.clusteredTableSuffix);")
            .replacing(") STRICT;", with: ") \(dialect.tableSuffix);")
    }
}

/// Why a database can't be used by this version of the program.
package enum MigrationError: Error, Equatable, CustomStringConvertible {
    case newerSchema(found: Int64, known: Int64)
    case editedStep(version: Int64, name: String)

    package var description: String {
        switch self {
        case .newerSchema(let found, let known):
            """
            The database has schema version \(found), this program knows versions up to \
            \(known). Start a newer version of tribute, or restore a backup from before the upgrade.
            """
        case .editedStep(let version, let name):
            """
            Migration \(version) (\(name)) of this database differs from the one in this program. \
            The database was made by a modified build; use that build, or move the data by import.
            """
        }
    }
}

extension SQLDatabase {
    /// Brings the schema up to date, each step in a transaction of its own, so that a crash leaves
    /// a database between two steps and never inside one.
    package func migrate(_ migrations: [Migration] = Migration.all) throws {
        try write { transaction in
            try transaction.run(
                script: """
                    CREATE TABLE IF NOT EXISTS schema_migration (
                      version \(transaction.dialect.integerType) NOT NULL PRIMARY KEY,
                      name \(transaction.dialect.textType) NOT NULL,
                      checksum \(transaction.dialect.integerType) NOT NULL
                    ) \(transaction.dialect.tableSuffix);
                    """)
        }
        for migration in migrations {
            try write { transaction in
                try transaction.lock(.schema)
                guard try migration.isPending(in: transaction, knownUpTo: migrations.last) else {
                    return
                }
                try transaction.run(script: migration.script(for: transaction.dialect))
                try transaction.execute(
                    SQLStatement(once: "INSERT INTO schema_migration VALUES (?1, ?2, ?3)"),
                    each: [
                        [
                            .integer(migration.version), .text(migration.name),
                            .integer(migration.checksum),
                        ]
                    ])
            }
        }
    }
}

extension SQLTransaction {
    /// Whether the schema is the one that this program works with.
    package func isUpToDate() throws -> Bool {
        let applied = try rows(
            SQLStatement(once: "SELECT version, checksum FROM schema_migration ORDER BY version"))
        return try applied.elementsEqual(Migration.all) { row, migration in
            try row.integer(0) == migration.version && row.integer(1) == migration.checksum
        }
    }
}

extension Migration {
    fileprivate func isPending(
        in transaction: any SQLTransaction, knownUpTo last: Migration?
    ) throws -> Bool {
        let applied = try transaction.rows(
            SQLStatement(
                once: "SELECT version, name, checksum FROM schema_migration ORDER BY version"))
        if let newest = try applied.last?.integer(0), let known = last?.version, newest > known {
            throw MigrationError.newerSchema(found: newest, known: known)
        }
        guard let row = try applied.first(where: { try $0.integer(0) == version }) else {
            return true
        }
        guard try row.integer(2) == checksum else {
            throw MigrationError.editedStep(version: version, name: try row.text(1))
        }
        return false
    }
}
