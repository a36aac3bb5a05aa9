/// Identifiers of the ledger's records. Each kind of record has its own type, so that a click id
/// can't be passed where a link id is meant.
package struct ID<Record>: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let text: String
    package init(_ text: String) { self.text = text }
    package var description: String { text }
    package static func == (a: Self, b: Self) -> Bool { isSame(a.text, b.text) }
    package static func < (a: Self, b: Self) -> Bool { a.text < b.text }
}

package typealias WorkspaceID = ID<Workspace>
package typealias TokenID = ID<Token>
package typealias DomainID = ID<Domain>
package typealias LinkID = ID<Link>
package typealias TagID = ID<Tag>
package typealias FolderID = ID<Folder>
package typealias ClickID = ID<Click>
package typealias CustomerID = ID<Customer>
package typealias LeadID = ID<Lead>
package typealias SaleID = ID<Sale>
package typealias RejectionID = ID<Rejection>

/// How identifiers are spelled. The randomness comes from the caller: this module has none.
package enum IDText {
    private static let crockford = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
    package static let base62 = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// `prefix` + a 128-bit ULID (48 bits of milliseconds, 80 random bits) in upper-case Crockford
    /// base32 without its leading zero digit: 25 characters until the year 3084.
    package static func ulid(prefix: String, at: Timestamp, _ high: UInt16, _ low: UInt64) -> String
    {
        let first = prefix.utf8.count
        return String(unsafeUninitializedCapacity: first + 25) { buffer in
            _ = buffer.initialize(from: prefix.utf8)
            var time = UInt64(clamping: at.milliseconds)
            for position in (0..<9).reversed() {
                buffer[first + position] = crockford[Int(time & 31)]
                time >>= 5
            }
            // 80 bits as sixteen digits: the 16 high bits fill three and one bit of the fourth.
            var rest = low
            for position in (13..<25).reversed() {
                buffer[first + position] = crockford[Int(rest & 31)]
                rest >>= 5
            }
            var upper = (UInt64(high) << 4) | rest
            for position in (9..<13).reversed() {
                buffer[first + position] = crockford[Int(upper & 31)]
                upper >>= 5
            }
            return first + 25
        }
    }

    /// Sixteen characters of `[0-9A-Za-z]` for clicks, leads and sales: seven of milliseconds, nine
    /// random. Ids of later events sort after those of earlier ones, so an index on them grows at
    /// its end. The milliseconds wrap around in August 2081.
    package static func event(at: Timestamp, random: UInt64) -> String {
        String(unsafeUninitializedCapacity: 16) { buffer in
            var time = UInt64(clamping: at.milliseconds)
            var rest = random % eventRandomRange
            for position in stride(from: 15, through: 7, by: -1) {
                buffer[position] = base62[Int(rest % 62)]
                rest /= 62
            }
            for position in stride(from: 6, through: 0, by: -1) {
                buffer[position] = base62[Int(time % 62)]
                time /= 62
            }
            return 16
        }
    }

    /// 62⁹: how many event ids one millisecond has.
    package static let eventRandomRange: UInt64 = 13_537_086_546_263_552

    /// `length` characters of `[0-9A-Za-z]`, one random word for each.
    package static func key(length: Int, random: () -> UInt64) -> String {
        String(decoding: (0..<length).map { _ in base62[Int(random() % 62)] }, as: UTF8.self)
    }
}
