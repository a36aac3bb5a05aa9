import Attribution
import HTTPTypes
import Hummingbird
import Server
import Wire

/// Where a visitor of a link is sent, against a second writing of the rules.
struct RedirectTarget: FuzzTarget {
    let canary: Bool
    let tokens = [
        "\nquery ", "\nurl https://", "\nos iOS", "\nos Android", "\nios https://", "\ncountry DE",
        "\ngeo DE https://", "\ntrack 1", "\nclick 1", "\npassword x", "\nallowed *.example.org",
        "redir_url=https://", "dub_id=evil", "via=evil", "%64ub_id=evil", "?", "&", "=", "#", "@",
        "go.example", "shop.example", "%0D%0A", "\\", "\nvariant 50 https://", "pw=x", "&qr=1",
        "?dub_client_reference_id=1", "%2F", "%3F", "%26", ":", ".onelink.me", ".sng.link",
    ]

    init(canary: Bool) { self.canary = canary }

    func grammar(_ draft: inout Draft) { draft.redirectText() }

    func check(_ input: [UInt8], _ classes: inout Classes) throws(Finding) -> Bool {
        guard let visit = RedirectCase(String(decoding: input, as: UTF8.self)) else { return false }
        let request = VisitRequest(
            QueryTarget.request(
                path: "/k?\(visit.query)", authority: visit.link.domain, cookie: visit.cookie),
            address: nil)
        let destination = Destination(
            visit.link, request, visit.visitor, now: RedirectCase.now,
            allowedHostnames: visit.allowed)
        let visited = destination.visited
        let url = destination.url(
            visited, click: visit.clickID, shortLink: "https://\(visit.link.domain)/k")
        let items = FormModel.items(visit.query.utf8.prefix { $0 != 0x23 })
        let model = RedirectModel(visit: visit, items: items, canary: canary)
        try checkHeader(url)
        try model.checkTarget(destination.target, isChosen: destination.isChosenByVisitor)
        guard let target = AddressModel(destination.target) else {
            try expect(isSame(url, visit.link.url), "an app's address becomes \(url)")
            return true
        }
        try checkFrame(url, target)
        let isPlain = !destination.isStore && !RedirectModel.isProvider(target)
        try model.checkQuery(
            url, target: destination.target, isChosen: destination.isChosenByVisitor,
            isPlain: isPlain)
        return true
    }

    /// Nothing that could end a header or begin another.
    private func checkHeader(_ url: String) throws(Finding) {
        try expect(
            url.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }, "a header of \(url.debugDescription)")
    }

    /// The same place as the target: all but the query.
    private func checkFrame(_ url: String, _ target: AddressModel) throws(Finding) {
        guard let found = AddressModel(url), found.isSafe else {
            throw Finding("no safe address: \(url)")
        }
        try expect(
            found.scheme == target.scheme && found.user == target.user && found.host == target.host
                && found.port == target.port && found.host.allSatisfy { $0 < 0x80 },
            "another place: \(url)")
        let path = target.path.isEmpty ? [0x2F] : target.path
        try expect(
            found.path == path && found.fragment == target.fragment, "another page: \(url)")
    }
}

extension AddressModel {
    var path: [UInt8] { Array(rest.prefix { $0 != 0x3F && $0 != 0x23 }) }
    var fragment: [UInt8] { Array(rest.drop { $0 != 0x23 }) }

    /// The host as it is compared: lower case, without the root's dot and `www.`.
    var site: String {
        var host = hostText.lowercased()
        if host.hasSuffix(".") { host.removeLast() }
        return host.hasPrefix("www.") ? String(host.dropFirst(4)) : host
    }
}
