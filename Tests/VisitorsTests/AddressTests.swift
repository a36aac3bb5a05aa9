import Testing
import Visitors

/// Whose word is taken on where a visitor comes from.
@Suite struct AddressTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.1.2.3", true), ("10.0.0.0/8", "11.0.0.1", false),
        ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
        ("192.0.2.0/31", "192.0.2.1", true), ("192.0.2.0/31", "192.0.2.2", false),
        ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "2001:db8::1", false),
        ("::/0", "203.0.113.9", true), ("2001:db8::/32", "2001:db8:1::5", true),
        ("2001:db8::/32", "2001:db9::", false), ("127.0.0.1", "::ffff:127.0.0.1", true),
        ("10.0.0.0/8, ::1", "::1", true), ("10.0.0.0/8", "no address", false),
    ])
    func contains(list: String, address: String, expected: Bool) throws {
        #expect(try #require(AddressRanges(list)).contains(address) == expected)
    }

    @Test(arguments: [
        "", ",", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "::1/129", "a",
        "10.0.0.1,x",
        "10.0.0.256", "1.2.3.4/8/9",
    ])
    func malformed(list: String) { #expect(AddressRanges(list) == nil) }

    @Test(arguments: [
        ("203.0.113.9", ["1.1.1.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", ["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", ["6.6.6.6", "1.1.1.1, 10.0.0.2"], "1.1.1.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["1.1.1.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, "], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1:4711"], "1.1.1.1"),
        ("10.0.0.1", ["[2001:db8::1]:80"], "2001:db8::1"),
        ("10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["1.1.1.1"], "1.1.1.1"),
    ])
    func client(peer: String, forwarded: [String], expected: String) throws {
        let trusted = try #require(AddressRanges("10.0.0.0/8"))
        #expect(clientAddress(peer: peer, forwardedFor: forwarded, trusted: trusted) == expected)
    }

    @Test(arguments: ["/nowhere/a.mmdb", "/etc/hostname"])
    func anotherFileIsNoDatabase(path: String) {
        let error = #expect(throws: PlacesError.self) { try Places(databaseFile: path) }
        #expect(error?.description.contains(path) == true)
    }
}
