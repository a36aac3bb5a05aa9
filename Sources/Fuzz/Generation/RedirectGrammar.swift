/// Links and visits, as `RedirectCase` reads them.
extension Draft {
    mutating func redirectText() {
        put("url ")
        placeText()
        line("query")
        for index in 0..<int(0..<5) {
            if index > 0 { put("&") }
            visitParameter()
        }
        if chance(20) { putOne(["\nos iOS", "\nos Android", "\nos Windows"]) }
        if chance(15) {
            line(pick(["ios", "android"]))
            placeText()
        }
        if chance(15) {
            put("\ncountry DE\ngeo DE ")
            placeText()
        }
        if chance(10) {
            for _ in 0..<2 {
                put("\nvariant 50 ")
                placeText()
            }
        }
        if chance(50) { put("\ntrack 1") }
        if chance(50) { put("\nclick 1") }
        if chance(10) { put("\npassword secret") }
        if chance(30) { putOne(["\nallowed *.example.org", "\nallowed shop.example,a.test"]) }
        if chance(10) {
            line("cookie")
            cookieText()
        }
    }

    private mutating func line(_ name: String) { put("\n\(name) ") }

    private mutating func placeText() {
        switch int(0..<10) {
        case 0...3:
            putOne([
                "https://shop.example", "http://Shop.Example:8443/a",
                "https://b\u{FC}cher.example/",
            ])
            if chance(60) {
                put("?")
                queryPart()
            }
            if chance(15) { put("#top") }
        case 4:
            putOne([
                "https://apps.apple.com/app/id1",
                "https://play.google.com/store/apps?id=a&referrer=r",
                "https://x.onelink.me/a?pid=p", "https://x.sng.link/?wpcn=%7Bvia%7D&wpcl={dub_id}",
                "mailto:anna@example.com", "tel:+49",
                "https://shop.example/?dub_client_reference_id=1",
            ])
        default: urlText()
        }
    }

    private mutating func visitParameter() {
        if chance(70) { return queryPart() }
        put("redir_url=")
        putOne(["https://", "https%3A%2F%2F", "http://", "https://u@", "//"])
        if chance(15) {
            hostText()
        } else {
            putOne(["shop.example", "go.example", "a.go.example", "x.example.org", "a.test"])
        }
        if chance(10) { bytes += Self.scalars[int(0..<Self.scalars.count)] }
        if chance(10) {
            putOne([".evil.example", "@evil.example", "%40evil.example", "%5C", "%09"])
        }
        if chance(50) {
            putOne([
                "/", "/b", "%2Fc", "?x=1", "%3Fvia%3Devil", "%3Fa=b%26dub_id=evil",
                "?client_reference_id=dub_id_evil",
            ])
        }
    }
}
