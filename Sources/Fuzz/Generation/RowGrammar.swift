/// Files to import: CSV with a header, or a JSON object a line.
extension Draft {
    mutating func rowsText() {
        if chance(5) { put("\u{FEFF}") }
        if chance(55) { csvText() } else { ndjsonText() }
    }

    private static let columns = [
        "type", "timestamp", "customerExternalId", "amount", "currency", "eventName", "clickId",
        "linkId", "domain", "key", "metadata", "customerEmail", "customerName", "country",
        "invoiceId", "eventQuantity", "url", "referrer", "note",
    ]

    private mutating func lineEnd() {
        putOne(chance(90) ? ["\n"] : ["\r\n", "\r\n", "\n\n", "\r", ""])
    }

    private mutating func csvText() {
        var columns = ["type", "timestamp", "customerExternalId"]
        if chance(60) { columns += ["eventName", "amount"] }
        for _ in 0..<int(0..<4) { columns.append(pick(Self.columns)) }
        put(columns.joined(separator: ","))
        lineEnd()
        for _ in 0..<int(0..<5) {
            for (index, name) in columns.enumerated() {
                if index > 0 { put(",") }
                csvField(name)
            }
            if chance(3) { put(",") }
            lineEnd()
        }
    }

    private mutating func csvField(_ name: String) {
        if chance(3) { return }
        var inner = Draft(random)
        inner.plainField(name)
        random = inner.random
        let special = inner.bytes.contains { ",\"\n\r".utf8.contains($0) }
        guard special && chance(95) || chance(20) else {
            bytes += inner.bytes
            return
        }
        put("\"")
        for byte in inner.bytes { bytes += byte == 0x22 ? [0x22, 0x22] : [byte] }
        put("\"")
    }

    private mutating func plainField(_ name: String) {
        switch name {
        case "type": putOne(["sale", "lead", "click", "customer", "sale", "lead", "x"])
        case "timestamp": dateText()
        case "amount", "eventQuantity":
            chance(70) ? put("\(int(1..<100))") : putOne(Self.numberTexts)
        case "metadata":
            if chance(50) {
                putOne(["{\"plan\":\"pro\"}", "{}", "[1]", "{},\"x\":1", "nil"])
            } else {
                jsonValue(depth: 3)
            }
        case "currency": putOne(["usd", "EUR", "xxx"])
        case "customerEmail": emailText()
        case "url": urlText()
        case "country": putOne(["DE", "us", "DEU"])
        default: wordText()
        }
    }

    private mutating func wordText() {
        putOne([
            "user_1", "Sign up", "abc", "a,b", "line\nbreak", "say \"hi\"", "\u{E9}t\u{E9}", " x ",
        ])
        if chance(5) { bytes += Self.scalars[int(0..<Self.scalars.count)] }
    }

    private mutating func dateText() {
        if chance(85) { return put("2025-0\(int(1..<10))-1\(int(0..<10))T10:0\(int(0..<10)):00Z") }
        putOne([
            "1735725600000", "2025-02-30", "Jan 1, 2025", "2025/01/31", "9999-12-31", "yesterday",
            "2025-01-01T10:00:00+02:00", "1969-12-31", "Tue, 01 Jan 2030 10:00:00 GMT", "0", "-1",
            "99999999999999999999", "2025-01-01T24:00:00Z", "Feb 30, 2025", "2025-1-1",
        ])
    }

    private mutating func ndjsonText() {
        for _ in 0..<int(1..<5) {
            let kind = pick(["sale", "lead", "click", "customer"])
            put("{\"type\":\"\(kind)\",\"timestamp\":\"")
            dateText()
            put("\"")
            switch kind {
            case "sale": put(",\"customerExternalId\":\"u\",\"amount\":\(int(0..<9_000))")
            case "lead": put(",\"customerExternalId\":\"u\",\"eventName\":\"Sign up\"")
            case "click": put(",\"linkId\":\"link_1\"")
            default: put(",\"customerExternalId\":\"u\(int(0..<9))\"")
            }
            if chance(30) {
                put(",")
                jsonString(suffix: "n")
                put(":")
                jsonValue(depth: 2)
            }
            put("}")
            lineEnd()
        }
    }
}
