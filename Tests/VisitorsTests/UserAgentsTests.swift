import Testing
import Visitors

/// What real user agents are taken for, with the list that Debian packages.
@Suite struct UserAgentsTests {
    private static let agents = Result {
        try UserAgents(patternsFile: "/usr/share/uap-core/regexes.yaml")
    }

    private static let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
    private static let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
    private static let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"
    private static let pixel = "Mozilla/5.0 (Linux; Android 14; Pixel 8)"
    private static let kit = "AppleWebKit/537.36 (KHTML, like Gecko)"
    private static let appleKit = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
    private static let chrome = "\(kit) Chrome/126.0.0.0"

    static let people: [(String, String)] = [
        ("\(mac) \(chrome) Safari/537.36", "Chrome Mac OS Desktop"),
        ("\(mac) \(appleKit) Version/17.5 Safari/605.1.15", "Safari Mac OS Desktop"),
        ("\(windows) \(chrome) Safari/537.36", "Chrome Windows Desktop"),
        ("\(windows) \(chrome) Safari/537.36 Edg/126.0.0.0", "Edge Windows Desktop"),
        ("\(windows) \(chrome) Safari/537.36 OPR/111.0.0.0", "Opera Windows Desktop"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
            "Firefox Windows Desktop"
        ),
        ("Mozilla/5.0 (X11; Linux x86_64) \(chrome) Safari/537.36", "Chrome Linux Desktop"),
        ("Mozilla/5.0 (X11; Linux x86_64) \(chrome) Safari/537.36 visit-1", "Chrome Linux Desktop"),
        (
            "\(phone) \(appleKit) Version/17.5 Mobile/15E148 Safari/604.1",
            "Mobile Safari iOS Mobile"
        ),
        (
            "\(phone) \(appleKit) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
            "Chrome iOS Mobile"
        ),
        ("\(phone) \(appleKit) FxiOS/127.0 Mobile/15E148 Safari/605.1.15", "Firefox iOS Mobile"),
        (
            "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) \(appleKit) Version/17.5 Mobile/15E148 Safari/604.1",
            "Mobile Safari iOS Tablet"
        ),
        ("\(pixel) \(chrome) Mobile Safari/537.36", "Chrome Android Mobile"),
        (
            "Mozilla/5.0 (Linux; Android 13; SM-X906C) \(chrome) Safari/537.36",
            "Chrome Android Tablet"
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; SM-S918B) \(kit) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
            "Samsung Internet Android Mobile"
        ),
        (
            "Mozilla/5.0 (Linux; Android 12; CUBOT NOTE 20) \(chrome) Mobile Safari/537.36",
            "Chrome Android Mobile"
        ),
        (
            "\(phone) \(appleKit) Mobile/15E148 [FBAN/FBIOS;FBAV/465.0.0.36.103;FBBV/1]",
            "Facebook iOS Mobile"
        ),
        (
            "\(phone) \(appleKit) Mobile/15E148 Instagram 335.0.0.19 (iPhone; iOS 17_5)",
            "Instagram iOS Mobile"
        ),
        (
            "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) \(kit) Version/7.0 TV Safari/537.36",
            "- - Smarttv"
        ),
        (
            "Mozilla/5.0 (PlayStation 5 3.20) \(appleKit) Version/13.0 Safari/605.1.15",
            "- - Console"
        ),
        ("", "nil nil Desktop"),
        ("Mozilla/5.0", "nil nil Desktop"),
    ]

    static let bots = [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
        "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Twitterbot/1.0", "TelegramBot (like TwitterBot)", "LinkedInBot/1.0",
        "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "WhatsApp/2.23.20.0", "curl/8.5.0", "Wget/1.21", "python-requests/2.32",
        "python-httpx/0.28",
        "axios/1.7", "node", "node-fetch/3", "Go-http-client/2.0", "okhttp/4.12", "Java/17",
        "Ruby", "PostmanRuntime/7.39", "Apache-HttpClient/4.5", "GuzzleHttp/7",
        "Mozilla/5.0 (compatible; Baiduspider/2.0)", "Mozilla/5.0 (compatible; GPTBot/1.0)",
    ]

    @Test(arguments: people) func person(text: String, expected: String) throws {
        let agent = try Self.agents.get().agent(text)
        #expect(!agent.isBot)
        let words = expected.split(separator: " ")
        #expect(agent.device == words.last.map(String.init))
        if !expected.hasPrefix("-") {
            let found = "\(agent.browser ?? "nil") \(agent.os ?? "nil") \(agent.device)"
            #expect(found == expected)
        }
    }

    @Test(arguments: bots) func bot(text: String) throws {
        #expect(try Self.agents.get().agent(text).isBot)
        #expect(UserAgents().agent(text).isBot, "without the list")
    }

    @Test func everyPatternIsRead() throws {
        #expect(try Self.agents.get().skippedPatterns == 0)
    }

    @Test func longAndStrangeTextsAreQuick() throws {
        let agents = try Self.agents.get()
        let duration = ContinuousClock().measure {
            for text in [
                String(repeating: "a", count: 1 << 20),
                String(repeating: "Mozilla/5.0 (", count: 99),
                String(repeating: "\u{1F496}", count: 1_000), String(repeating: " ", count: 9_999),
            ] {
                _ = agents.agent(text)
            }
        }
        #expect(duration < .seconds(2))
    }

    @Test(arguments: ["/nowhere/regexes.yaml", "/etc/hostname", "/bin/sh"])
    func anotherFileIsRefused(path: String) {
        let error = #expect(throws: PatternsError.self) { try UserAgents(patternsFile: path) }
        #expect(error?.description.contains(path) == true)
    }
}
