import CLibpq
import Foundation
import Ledger

/// What PostgreSQL's own library takes as a connection string, checked and completed: one host or
/// several, `sslmode`, `target_session_attrs`, and all else that it knows. Passwords are in it, so
/// it is never shown; `url` and `place` are.
package struct ConnectionString: Sendable {
    typealias Parameters = [(name: String, value: String)]

    let parameters: Parameters
    /// The same as a URL that can be typed, without passwords: for people and logs.
    package let url: String
    /// Where the data is, whoever asks: hosts, ports, the database's name and its schema.
    package let place: String

    /// - Throws: `SQLError.other` with what is wrong, without the password.
    package init(_ text: String) throws(SQLError) {
        var given: Parameters = []
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(text, &message) else {
            defer { PQfreemem(message) }
            throw .other(Self.withoutQuote(message.map { String(cString: $0) } ?? "not readable"))
        }
        defer { PQconninfoFree(options) }
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                given.append((String(cString: keyword), String(cString: value)))
            }
            option += 1
        }
        guard !Self.isMisread(given) else {
            throw .other(
                """
                the port is no number, or a piece of the password was taken for the address: \
                write %2F for a / and %40 for an @, or give it by PGPASSWORD
                """)
        }
        let names = Set(given.map(\.name))
        parameters = given + Self.defaults.filter { !names.contains($0.name) }
        (place, url) = (Self.place(of: given), Self.url(of: given))
    }

    /// Whether a piece of a password was taken for a host, a port or a database: one with a plain
    /// `/` or `@`. It must not get into a message, nor be connected to.
    private static func isMisread(_ given: Parameters) -> Bool {
        given.contains { name, value in
            switch name {
            case "host", "dbname": value.contains("@")
            case "port": !value.utf8.allSatisfy { $0 == 0x2C || (48...57).contains($0) }
            default: false
            }
        }
    }

    /// The library repeats what it could not read, and that may be a password.
    private static func withoutQuote(_ message: String) -> String {
        let line = message.split(separator: "\n").first.map(String.init) ?? message
        guard let quote = line.firstIndex(of: "\"") else { return line }
        return String(line[..<quote]) + "…"
    }

    private static let defaults = [
        ("application_name", "tribute"),
        // Of each host, in seconds: one that does not answer must not keep the next from its turn.
        ("connect_timeout", "3"),
        // A standby, or a primary that has become one, is passed by.
        ("target_session_attrs", "read-write"),
        // A connection whose other side is gone ends within half a minute.
        ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
        ("tcp_user_timeout", "20000"),
        ("client_encoding", "UTF8"),
    ].map { (name: $0.0, value: $0.1) }

    private static func place(of given: Parameters) -> String {
        // Another schema of the same database is another place.
        address(given) + query(given.filter { $0.name == "options" })
    }

    private static func url(of given: Parameters) -> String {
        let elsewhere = ["host", "port", "dbname", "user", "password", "sslpassword"]
        let user = given.first { $0.name == "user" }.map { "\(encoded($0.value))@" } ?? ""
        return user + address(given) + query(given.filter { !elsewhere.contains($0.name) })
    }

    private static func address(_ given: Parameters) -> String {
        func list(_ name: String) -> [Substring] {
            given.first { $0.name == name }?.value.split(
                separator: ",", omittingEmptySubsequences: false) ?? []
        }
        let (hosts, ports) = (list("host").isEmpty ? list("hostaddr") : list("host"), list("port"))
        let places = hosts.enumerated().map { index, host in
            let port = ports.indices.contains(index) ? ports[index] : ports.last
            let host = host.contains(":") ? "[\(host)]" : encoded(host)
            return port.map { "\(host):\($0)" } ?? host
        }
        let database = list("dbname").first.map { "/\(encoded($0))" } ?? ""
        return (places.isEmpty ? "localhost" : places.joined(separator: ",")) + database
    }

    private static func query(_ given: Parameters) -> String {
        let items = given.map { "\($0.name)=\(encoded($0.value))" }
        return items.isEmpty ? "" : "?" + items.joined(separator: "&")
    }

    private static func encoded(_ text: some StringProtocol) -> String {
        text.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
    }

    private static let plain = CharacterSet(
        charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
}
