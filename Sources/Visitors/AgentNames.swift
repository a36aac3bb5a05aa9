/// What people call browsers, systems and devices, and how programs give themselves away.
enum AgentNames {
    /// The same browser has one name on every device; the device tells the rest.
    static func browser(_ family: String) -> String? {
        if family.isEmpty || family == "Other" { return nil }
        if family == "Mobile Safari" { return family }
        if family.hasPrefix("Mobile Safari ") { return "Mobile Safari" }
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

    static func device(_ text: String) -> String {
        let has = { (words: [String]) in words.contains { text.contains($0) } }
        if has(["smart-tv", "smarttv", "googletv", "appletv", "hbbtv", "; aft", "bravia", "tv;"])
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

    /// Words that name programs, in lower case, beside the list. What people browse with has none
    /// of them; programs like to give an address (`http`).
    private static let botWords = [
        "bot", "crawl", "spider", "slurp", "scrape", "fetch", "curl", "wget", "python", "http",
        "java/", "libwww", "lwp::", "perl", "php/", "guzzle", "axios", "node.js", "node/",
        "ruby", "faraday", "undici", "postman", "newman/", "insomnia", "restsharp", "reqwest",
        "urllib", "dart/", "powershell", "apache-", "headless", "phantomjs", "playwright",
        "puppeteer", "selenium", "preview", "facebookexternalhit", "facebookcatalog", "embedly",
        "iframely", "cardyb", "metainspector", "whatsapp/", "slack-img", "vkshare", "imageproxy",
        "screenshot", "landingpagefeinfra", "ms-office", "monitor", "pingdom", "uptime",
        "site24x7", "hosttracker", "gtmetrix", "lighthouse", "siteimprove", "woorank",
        "validator", "inspectiontool", "mediapartners", "feedburner", "ahrefs", "semrush",
        "dataprovider", "measurement", "expanse", "barracuda", "wayback", "claude-web",
        "anthropic", "timpi",
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
        return rest == "node" || botWords.contains { rest.contains($0) }
    }
}
