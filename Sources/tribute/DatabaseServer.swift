import ArgumentParser
import Foundation
import Ledger

#if PostgreSQL
    import PostgresEngine

    /// A database on a PostgreSQL server, as the command line handles it.
    struct DatabaseServer {
        private let string: ConnectionString

        /// - Throws: `ValidationError`, which never repeats a password.
        init(_ url: String) throws {
            do throws(SQLError) { string = try ConnectionString(url) } catch {
                throw ValidationError(
                    "--database: this PostgreSQL URL can't be read: \(error.detail)")
            }
        }

        /// Without a password.
        var text: String { "postgres://\(string.url)" }
        /// Where the data is, whoever asks.
        var identity: String { string.place }

        /// - Parameter readSeconds: within which a read must be answered.
        /// - Parameter anyMark: whatever a move says of it.
        func open(
            mustExist: Bool = false, anyMark: Bool = false, readSeconds: Int = 30
        ) async throws -> PostgresDatabase {
            do {
                let database = try PostgresDatabase(string, readSeconds: readSeconds)
                let schema = try database.schema()
                if mustExist, schema == .none { throw nothingThere }
                if schema != .current { try database.migrate() }
                if !anyMark { try await database.demandNoMark(text) }
                return database
            } catch { throw failure(error) }
        }

        /// The schema stays as it is: nodes of another version may be at work.
        ///
        /// - Throws: `Failure` if it is not this version's.
        func openForReading() async throws -> PostgresDatabase {
            do {
                // Verifying may take an hour.
                let database = try PostgresDatabase(string, readSeconds: 24 * 60 * 60)
                switch try database.schema() {
                case .current: return database
                case .none: throw nothingThere
                case .other:
                    throw Failure(
                        """
                        The schema of \(text) is not that of this version. Start a node of this \
                        version, which brings it up to date, or use the version of those that run.
                        """)
                }
            } catch { throw failure(error) }
        }

        /// Looks for two seconds: the session of a program that has just ended, or was killed, is
        /// there for a moment longer.
        ///
        /// - Throws: `Failure` if a node is connected.
        func demandNobodyElse() throws {
            let others = SQLStatement(
                once: """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE application_name = 'tribute' AND datname = current_database()
                      AND pid <> pg_backend_pid()
                    """)
            do {
                let database = try PostgresDatabase(string)
                defer { database.close() }
                for _ in 0..<20 {
                    if try database.write({ try $0.rows(others)[0].integer(0) }) == 0 { return }
                    usleep(100_000)
                }
            } catch { throw failure(error) }
            throw Failure(
                """
                Somebody uses \(text). Stop every server and command first (those on another \
                schema of the database, too); nothing was changed.
                """)
        }

        /// Statements of a schema, in one transaction.
        func run(script: String) throws {
            do {
                let database = try PostgresDatabase(string)
                defer { database.close() }
                try database.write { try $0.run(script: script) }
            } catch { throw failure(error) }
        }

        private var nothingThere: Failure {
            Failure(
                "\(text) holds no data of Tribute. Start the server or `tribute demo` once, or check --database."
            )
        }

        /// What a person can do about a server that can't be used.
        private func failure(_ error: any Error) -> any Error {
            switch error {
            case let error as MigrationError: Failure("\(error)")
            case SQLError.unavailable(let detail):
                Failure(
                    """
                    The database \(text) can't be used: \(detail). The server must run, and \
                    the database and the role must exist; a password may come from PGPASSWORD or \
                    ~/.pgpass.
                    """)
            // No schema, no right to make tables, or tables of somebody else.
            case let error as SQLError where error.detail.contains(/^PostgreSQL (3F|42)/):
                Failure(
                    """
                    The database \(text) can't be used: \(error.detail). Tribute needs a schema of \
                    its own, in which its role may make tables: a new database, or CREATE SCHEMA \
                    name and ?options=-csearch_path%3Dname at the end of the URL.
                    """)
            case let error as SQLError:
                Failure("The database \(text) can't be used: \(error.detail)")
            default: error
            }
        }
    }
#else
    /// This build has no PostgreSQL.
    struct DatabaseServer {
        init(_ url: String) throws {
            throw ValidationError(
                """
                --database: this program was built without PostgreSQL; use sqlite:PATH, or build \
                it with libpq-dev installed and without --disable-default-traits
                """)
        }
        var text: String { "" }
        var identity: String { "" }
        func open(
            mustExist: Bool = false, anyMark: Bool = false, readSeconds: Int = 30
        ) async throws -> any SQLDatabase {
            throw ValidationError("built without PostgreSQL")
        }
        func openForReading() async throws -> any SQLDatabase { try await open() }
        func run(script: String) throws {}
        func demandNobodyElse() throws {}
    }
#endif
