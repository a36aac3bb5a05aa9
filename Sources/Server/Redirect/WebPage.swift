import Attribution
import HTTPTypes
import Hummingbird
import Wire

/// The few pages that visitors see in place of a destination. Everything that comes from a link is
/// escaped; nothing runs in them.
enum WebPage {
    static let notFound = plain(.notFound, "This link does not exist.")
    static let expired = plain(.gone, "This link has expired.")
    static let tooManyGuesses: Response = {
        var page = plain(.tooManyRequests, "Too many wrong passwords. Try again in a minute.")
        page.headers[.retryAfter] = "60"
        return page
    }()
    static let nothingYet = plain(.ok, "Nothing is linked here yet.")
    static let loop = plain(
        HTTPResponse.Status(code: 508, reasonPhrase: "Loop Detected"),
        "This link leads back to where it comes from.")

    /// Asks for the link's password; the answer comes as `?pw=`, with what the visitor brought
    /// along.
    static func password(
        isWrong: Bool, with items: [(name: String, value: String)]
    ) -> Response {
        let kept = items.filter { $0.name != "pw" && !$0.name.isEmpty }.prefix(50).map { item in
            "<input type=hidden name=\"\(escaped(item.name))\" value=\"\(escaped(item.value))\">"
        }.joined()
        return html(
            .ok, "This link needs a password",
            """
            <h1>This link needs a password</h1>
            \(isWrong ? "<p role=alert>Wrong password.</p>" : "")
            <form method=get>\(kept)
            <label>Password <input type=password name=pw required autofocus></label>
            <button>Go on</button></form>
            """)
    }

    /// What stands behind a short link, for who would rather look first.
    static func inspect(_ link: Link, shortLink: String) -> Response {
        let url = link.url.isEmpty ? "nowhere yet" : link.url
        return html(
            .ok, "Where \(shortLink) leads",
            """
            <h1>\(escaped(link.title ?? shortLink))</h1>
            <p>\(escaped(shortLink)) leads to</p><p><code>\(escaped(url))</code></p>
            """)
    }

    /// For sites that unfold links: the link's own title, description and image.
    static func preview(_ link: Link, shortLink: String) -> Response {
        let tags: [(String, String?)] = [
            ("og:title", link.title), ("og:description", link.description),
            ("og:image", link.image), ("og:video", link.video), ("og:url", shortLink),
            ("twitter:card", link.image == nil ? "summary" : "summary_large_image"),
            ("twitter:title", link.title), ("twitter:description", link.description),
            ("twitter:image", link.image),
        ]
        let metas = tags.compactMap { name, value in
            value.map { "<meta property=\"\(name)\" content=\"\(escaped($0))\">" }
        }.joined()
        return html(
            .ok, link.title ?? shortLink,
            "<p><a href=\"\(escaped(link.url))\">\(escaped(link.url))</a></p>",
            head: metas
                + "<meta name=description content=\"\(escaped(link.description ?? ""))\">")
    }

    /// Hands over to an app: browsers don't follow a redirect to one.
    static func app(_ url: String) -> Response {
        html(
            .ok, "Opening an app",
            "<p><a href=\"\(escaped(url))\">Go on to \(escaped(url))</a></p>",
            head: "<meta http-equiv=refresh content=\"0;url=\(escaped(url))\">")
    }

    /// The destination under the short link's address.
    static func frame(_ link: Link, url: String) -> Response {
        html(
            .ok, link.title ?? link.domain,
            "<iframe src=\"\(escaped(url))\" style=\"position:fixed;inset:0;width:100%;height:100%;border:0\" allowfullscreen></iframe>"
        )
    }

    private static func plain(_ status: HTTPResponse.Status, _ text: String) -> Response {
        html(status, text, "<p>\(text)</p>")
    }

    private static func html(
        _ status: HTTPResponse.Status, _ title: String, _ body: String, head: String = ""
    ) -> Response {
        let text = """
            <!doctype html><html lang=en><meta charset=utf-8>\
            <meta name=viewport content="width=device-width"><title>\(escaped(title))</title>\(head)
            <body style="font-family:sans-serif;margin:3rem">\(body)</body></html>

            """
        return Response(
            status: status,
            headers: [
                .contentType: "text/html; charset=utf-8", .poweredBy: "Tribute",
                .robotsTag: "noindex", .cacheControl: "no-store",
                // The password's form is answered with a redirect, which `form-action` would bind.
                .contentSecurityPolicy:
                    "default-src 'none'; style-src 'unsafe-inline'; frame-src http: https:; form-action http: https:; base-uri 'none'",
                .contentTypeOptions: "nosniff",
            ],
            body: .init(byteBuffer: .init(string: text)))
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
