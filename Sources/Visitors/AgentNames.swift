/// What people call browsers, systems and devices, and how programs give themselves away.
enum AgentNames {
    /// The same browser has one name on every device; the device tells the rest.
    static func browser(_ family: String) -> String? {
        if family.isEmpty || family == "Other" { return nil }
        if family == "Mobile Safari" { return family }
        for suffix in [" Mobile WebView", " Mobile iOS", " Mobile", " iOS", " WebView"]
        where family.hasSuffix(suffix) {
            return String(family.dropLast(suffix.count))
        }
        return family
    }

    static func system(_ family: String) -> String? {
        switch family {
        case "", "Other": nil
        case "Mac OS X": "Mac OS"
        case "iOS", "iPadOS": "iOS"
        default: family
        }
    }

    /// Without the list, the systems that links can be targeted at.
    static func plainSystem(_ text: String) -> String? {
        if ["iphone", "ipad", "ipod"].contains(where: text.contains) { return "iOS" }
        if text.contains("android") { return "Android" }
        if text.contains("windows nt") { return "Windows" }
        if text.contains("mac os x") { return "Mac OS" }
        return text.contains("linux") ? "Linux" : nil
    }

    static func device(_ text: String, os: String?) -> String {
        let has = { (words: [String]) in words.contains { text.contains($0) } }
        if has(["smart-tv", "smarttv", "googletv", "appletv", "hbbtv", "aft", "bravia", "tv;"])
            && !has(["mobile"])
        {
            return "Smarttv"
        }
        if has(["playstation", "xbox", "nintendo"]) { return "Console" }
        if has(["watch"]) && !has(["watchdog"]) { return "Wearable" }
        if has(["ipad", "tablet", "kindle", "silk/", "playbook"]) { return "Tablet" }
        if has(["iphone", "ipod", "windows phone", "mobile", "phone", "opera mini"]) {
            return "Mobile"
        }
        return text.contains("android") ? "Tablet" : "Desktop"
    }

    /// Words that name programs, in lower case. What people browse with has none of them.
    private static let botWords = [
        "bot", "crawl", "spider", "slurp", "scrape", "fetch", "curl", "wget", "python", "httpx",
        "http-client", "httpclient", "http client", "go-http", "okhttp", "java/", "libwww",
        "lwp::", "perl", "php/", "guzzle", "axios", "node-fetch", "node.js", "undici", "postman",
        "insomnia", "httpie", "facebookexternalhit", "embedly", "preview", "monitor", "pingdom",
        "uptime", "lighthouse", "whatsapp/", "slack-img", "vkshare", "validator", "phantomjs",
        "bingpreview", "mediapartners", "feedfetcher", "google-inspectiontool", "telegrambot",
        "discordbot", "ahrefs", "semrush", "dataprovider", "apache-", "restsharp", "reqwest",
        "aiohttp", "urllib", "winhttp", "node/", "ruby/", "faraday", "powershell",
    ]
    /// Words of people's devices that hold one of the above.
    private static let people = ["cubot", "CUBOT", "Cubot"]

    static func withoutPeople(_ text: String) -> String {
        people.reduce(text) { $0.replacing($1, with: "") }
    }

    static func isBot(_ text: String) -> Bool {
        let rest = withoutPeople(text)
        // Apps that show pages name the people's service, and the system they run on.
        let isInApp =
            ["fban/", "fbav/", "instagram ", "fb_iab"].contains { rest.contains($0) }
            || rest.contains("whatsapp/") && rest.contains("mozilla/")
        if isInApp { return false }
        return rest == "node" || rest == "ruby" || botWords.contains { rest.contains($0) }
    }
}
