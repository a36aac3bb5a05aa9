/// Bodies of sales and leads: mostly fields that exist, mostly with values that fit.
extension Draft {
    mutating func body() {
        put(chance(90) ? "{" : " {\n")
        var isFirst = true
        let isLead = chance(50)
        let required =
            isLead
            ? ["\"eventName\":\"Sign up\"", "\"customerExternalId\":\"user_7\""]
            : ["\"amount\":4900", "\"customerExternalId\":\"user_7\""]
        for member in required where chance(75) {
            put((isFirst ? "" : ",") + member)
            isFirst = false
        }
        for _ in 0..<int(0..<6) {
            put(isFirst ? "" : ",")
            isFirst = false
            bodyMember()
        }
        put("}")
    }

    private mutating func bodyMember() {
        let name = pick(Self.fields)
        put("\"\(name)\":")
        if chance(15) { return jsonValue(depth: 2) }
        switch name {
        case "amount", "eventQuantity": chance(40) ? jsonNumber() : put("\(int(0..<101))")
        case "currency":
            putOne(["\"usd\"", "\"EUR\"", "\"jpy\"", "\"xxx\"", "\"Kwd\"", "\"\u{212A}wd\""])
        case "paymentProcessor": putOne(["\"stripe\"", "\"custom\"", "\"Stripe\"", "\"paddle\""])
        case "mode": putOne(["\"async\"", "\"wait\"", "\"deferred\"", "\"now\""])
        case "customerEmail": quoted { $0.emailText() }
        case "metadata": metadata()
        default: bodyText()
        }
    }

    private mutating func quoted(_ write: (inout Draft) -> Void) {
        var inner = Draft(random)
        write(&inner)
        random = inner.random
        put("\"")
        bytes += inner.bytes.filter { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }
        put("\"")
    }

    private mutating func metadata() {
        switch int(0..<8) {
        case 0: put("{\"plan\":\"pro\",\"seats\":12}")
        case 1:
            put("{\"a\":\"" + String(repeating: "x", count: pick([9_991, 9_992, 9_993])) + "\"}")
        default: jsonValue(depth: 3)
        }
    }

    private mutating func bodyText() {
        switch int(0..<8) {
        case 0: put("\"\"")
        case 1: put("\" \u{A0}text\u{FEFF} \"")
        case 2:
            let length = pick([99, 100, 101, 254, 255, 256, 999, 1_000, 1_001, 2_048, 2_049])
            put("\"" + String(repeating: pick(["x", "\u{E9}"]), count: length) + "\"")
        case 3: put("\"" + String(repeating: "\u{1F600}", count: pick([49, 50, 51])) + "\"")
        default: jsonString()
        }
    }

    mutating func emailText() {
        if chance(50) {
            return putOne(["anna@example.com", "a.b+c@x-y.co.uk", "a@b", "o'hara@x.ie"])
        }
        for _ in 0..<int(0..<6) {
            putOne(["a", "Z", "9", ".", "_", "'", "+", "-", "..", "\u{E9}"])
        }
        put(chance(95) ? "@" : "@@")
        for _ in 0..<int(0..<3) {
            for _ in 0..<int(0..<4) { putOne(["a", "Z", "9", "-", "_"]) }
            put(".")
        }
        putOne(["com", "c", "de", "c0", "museum", "co ", "", "\u{FF43}om"])
    }

    private static let fields = [
        "customerExternalId", "externalId", "customerId", "amount", "currency", "eventName",
        "paymentProcessor", "invoiceId", "leadEventName", "metadata", "clickId", "customerName",
        "customerEmail", "customerAvatar", "mode", "eventQuantity", "amount", "metadata", "unknown",
    ]
}
