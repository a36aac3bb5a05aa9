/// Heads of requests with what stands behind them: mostly plain ones.
extension Draft {
    mutating func headText() {
        if chance(2) { putOne(["\r\n", " ", "\n"]) }
        putOne(["POST", "POST", "POST", "GET", "GET", "PUT", "HEAD", "OPTIONS"])
        if chance(3) { putOne(["S", "-A", "\t", " "]) }
        put(" ")
        putOne(["/track/sale", "/api/track/lead", "/k", "/", "/k?via=anna", "/%C3%A9"])
        if chance(3) { putOne([" ", "#a", "\u{E9}", "\t", "?"]) }
        put(
            chance(97)
                ? " HTTP/1.1" : pick([" HTTP/1.0", " HTTP/1.2", " http/1.1", "", " HTTP/1.1 "]))
        lineEnd()
        for _ in 0..<int(0..<7) {
            headerName()
            headerValue()
            lineEnd()
        }
        lineEnd()
        if chance(60) {
            putOne([
                "{\"amount\":1}", "a: b\r\n\r\n", "\r\n", "\0", "POST / HTTP/1.1\r\n\r\n",
            ])
        }
    }

    private mutating func lineEnd() {
        put(chance(99) ? "\r\n" : pick(["\n", "\r", "\r\r\n", "\n\r", "\r\n ", "\r\n\t"]))
    }

    private mutating func headerName() {
        var name = pick([
            "Host", "Authorization", "Content-Length", "Content-Length", "Content-Type",
            "User-Agent", "Accept", "Cookie", "X-A", "X_B", "a", "Connection", "TE", "Keep-Alive",
        ])
        if chance(4) {
            name = pick(["Transfer-Encoding", "Expect", "Upgrade", "Trailer", "Proxy-Connection"])
        }
        switch int(0..<10) {
        case 0...2: name = name.lowercased()
        case 3: name = name.uppercased()
        default: break
        }
        put(name)
        if chance(2) { putOne([" ", "\t", "s", "_", "!", "\0", "\u{E9}"]) }
        if chance(99) { put(":") }
    }

    private mutating func headerValue() {
        putOne(["", " ", " ", " ", "  ", "\t"])
        putOne([
            "0", "1", "12", "25", "007", "999999999", "keep-alive", "Keep-Alive", "api.example",
            "localhost:8080", "Bearer dub_1", "application/json", "a b", "a: b", "",
        ])
        if chance(5) {
            putOne([
                "1000000000", "18446744073709551616", "+1", "-1", "0x1", "1,1", "1 1", "close",
                "keep-alive, close", "chunked", "\u{E9}", "\0", "\u{7F}", "\r", "\n",
            ])
        }
        if chance(10) { putOne([" ", "\t", " \t "]) }
    }
}
