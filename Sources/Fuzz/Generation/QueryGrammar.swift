/// Addresses, queries, cookies and e-mail addresses.
extension Draft {
    mutating func queryText() {
        switch int(0..<10) {
        case 0...4: urlText()
        case 5, 6: queryPart()
        case 7: cookieText()
        case 8: emailText()
        default: appText()
        }
    }

    mutating func urlText() {
        putOne(["https://", "https://", "https://", "http://", "HTTPS://", "Http://", "ftp://", ""])
        if chance(10) { putOne(["user@", "u:p@", "\u{E9}@", "a@b@", "@"]) }
        hostText()
        if chance(15) { putOne([":80", ":8443", ":", ":65535", ":65536", ":+80", ":-1", ":8a"]) }
        if chance(70) { pathText() }
        if chance(60) {
            put("?")
            queryPart()
        }
        if chance(20) { putOne(["#", "#top", "#a?b=c", "##", "#\u{E9}", "#%"]) }
    }

    mutating func hostText() {
        if chance(5) { return putOne(["[::1]", "[", "[]", "[::1", "127.0.0.1", "localhost", "."]) }
        for _ in 0..<int(1..<4) {
            for _ in 0..<int(1..<4) {
                putOne(["a", "shop", "go", "X", "9", "-", "xn--"])
                if chance(6) { bytes += Self.scalars[int(0..<Self.scalars.count)] }
                if chance(6) { putOne(["\u{FC}", "\u{4F8B}\u{3048}", "\u{441}", "\u{1F600}"]) }
            }
            put(chance(96) ? "." : pick(["\u{3002}", "\u{FF0E}", "..", "%2e"]))
        }
        putOne(["example", "com", "test", "com.", "org"])
    }

    private mutating func pathText() {
        for _ in 0..<int(1..<4) {
            putOne(["/", "/", "/", "/a", "/pricing", "/b%20c", "/%", "/\u{E9}", "\\", "//", "/.."])
            if chance(3) { bytes += Self.scalars[int(0..<Self.scalars.count)] }
        }
    }

    mutating func queryPart() {
        for index in 0..<int(0..<6) {
            if index > 0 { putOne(["&", "&", "&", "&", "&&", ";"]) }
            queryName()
            if chance(85) { put("=") }
            queryValue()
        }
    }

    private mutating func queryName() {
        putOne([
            "a", "b", "utm_source", "via", "dub_id", "redir_url", "qr", "pw", "bot", "", "%61",
            "dub%5Fid", "VIA", "referrer", "caf\u{E9}", "caf%C3%A9", "client_reference_id", "+",
            "dub-no-track", "dub_client_reference_id", "skip_deeplink_preview", "a%00",
        ])
    }

    private mutating func queryValue() {
        for _ in 0..<int(0..<4) {
            putOne([
                "1", "x", "evil", "a+b", "%20", "%2B", "%", "%4", "%zz", "%C3%A9", "%FF", "%00",
                "%0D%0A", "=", "https%3A%2F%2F", "\u{E9}", "{via}", "anna", "%26", "%23", "%25",
            ])
        }
        if chance(3) { bytes += Self.scalars[int(0..<Self.scalars.count)] }
    }

    mutating func cookieText() {
        for index in 0..<int(1..<5) {
            if index > 0 { putOne(["; ", ";", " ; ", ";;", ","]) }
            putOne([
                "dub_id_go.example_k", "dub_test_url", "dub_password_1", "a", " a", "", "A",
                "dub_id_go.example_a%2Fb",
            ])
            if chance(90) { put("=") }
            queryValue()
        }
    }

    private mutating func appText() {
        putOne([
            "mailto:", "MAILTO:", "sms:", "tel:", "tg:", "whatsapp:", "xmpp:", "javascript:",
            "data:",
            "mailto", ":",
        ])
        putOne(["", "anna@example.com", "+4930123", "//send?text=hi", " x", "a\nb", "\u{301}x"])
    }
}
