import Attribution
import Wire

/// Who may send a visitor where, and with which parameters.
struct RedirectModel {
    let visit: RedirectCase
    /// What the visitor brings along.
    let items: [(name: String, value: String)]
    let canary: Bool

    static func isProvider(_ target: AddressModel) -> Bool {
        var host = target.hostText.lowercased()
        if host.hasSuffix(".") { host.removeLast() }
        return host.hasSuffix(".onelink.me") || host.hasSuffix(".sng.link")
    }

    func checkTarget(_ target: String, isChosen: Bool) throws(Finding) {
        let asked = items.first { $0.name == "redir_url" }?.value
        if isChosen {
            guard let place = AddressModel(target), place.isSafe, mayChoose(place.site) else {
                throw Finding("redir_url leads to \(target)")
            }
            return
        }
        if let asked, let place = AddressModel(asked), place.isSafe,
            place.host.allSatisfy({ $0 < 0x80 })
        {
            try expect(!mayChoose(place.site), "redir_url \(asked) is not followed")
        }
        let candidates = self.candidates
        try expect(
            candidates.contains { isSame($0, target) }, "goes to \(target), not \(candidates)")
    }

    private func mayChoose(_ site: String) -> Bool {
        let domain = visit.link.domain
        if site == domain || ends(site, with: ".\(domain)") { return true }
        if let own = AddressModel(visit.link.url), own.site == site { return true }
        return visit.allowed.contains { entry in
            entry.hasPrefix("*.") ? ends(site, with: String(entry.dropFirst())) : entry == site
        }
    }

    /// With something before it.
    private func ends(_ site: String, with end: String) -> Bool {
        site.hasSuffix(end) && site.count > end.count
    }

    private var candidates: [String] {
        let link = visit.link
        if visit.visitor.os == "iOS", let url = link.ios, !url.isEmpty { return [url] }
        if visit.visitor.os == "Android", let url = link.android, !url.isEmpty { return [url] }
        if let country = visit.visitor.country,
            let entry = link.geo?.entries.first(where: { $0.label == country })
        {
            return [entry.url]
        }
        return link.testVariants.map { $0.entries.map(\.url) } ?? [link.url]
    }

    /// - Parameter isPlain: no store and no service with parameters of its own.
    func checkQuery(
        _ url: String, target: String, isChosen: Bool, isPlain: Bool
    ) throws(Finding) {
        let found = FormModel.items(FormModel.query(of: url))
        let own = FormModel.items(FormModel.query(of: target))
        if isChosen, let item = own.first(where: Self.isCredit) {
            throw Finding("\(item.name)=\(item.value) credits somebody through redir_url")
        }
        try checkCredit(found, own)
        guard isPlain else { return }
        let isReference = own.first { $0.name == "dub_client_reference_id" }?.value == "1"
        var expected = own
        for item in items where !isWithheld(item, isReference) { expected.set(item) }
        if let click = visit.clickID, visit.link.trackConversion {
            if isReference {
                expected.removeAll { $0.name == "dub_client_reference_id" }
                expected.set(("client_reference_id", "dub_id_\(click)"))
            } else {
                expected.set(("dub_id", click.text))
            }
        }
        try expect(
            FormModel.isSameItems(found, expected), "the query is \(found), not \(expected)")
    }

    private static func isCredit(_ item: (name: String, value: String)) -> Bool {
        item.name == "dub_id" || item.name == "via"
            || item.name == "client_reference_id" && item.value.utf8.starts(with: "dub_id_".utf8)
    }

    /// What credits somebody comes from the link's owner or from this click.
    private func checkCredit(
        _ found: [(name: String, value: String)], _ own: [(name: String, value: String)]
    ) throws(Finding) {
        for item in found where item.name == "dub_id" || item.name == "via" && !canary {
            let isOwn = own.contains { $0.name == item.name && isSame($0.value, item.value) }
            let isClick = item.name == "dub_id" && item.value == visit.clickID?.text
            try expect(isOwn || isClick, "\(item.name)=\(item.value) credits somebody")
        }
        if canary {
            try expect(!items.contains { $0.name == "via" }, "a visitor brings via (canary)")
        }
    }

    private func isWithheld(_ item: (name: String, value: String), _ isReference: Bool) -> Bool {
        switch item.name {
        case "", "dub_id", "via", "dub-no-track", "redir_url", "bot": true
        case "pw": visit.link.password?.isEmpty == false
        case "client_reference_id": isReference || Self.isCredit(item)
        case "dub_client_reference_id": isReference
        case "qr", "skip_deeplink_preview": item.value == "1"
        default: false
        }
    }
}

extension [(name: String, value: String)] {
    /// In the place of the first of that name.
    fileprivate mutating func set(_ item: (name: String, value: String)) {
        guard let place = firstIndex(where: { isSame($0.name, item.name) }) else {
            return append(item)
        }
        self[place] = item
        let rest = self[(place + 1)...].filter { !isSame($0.name, item.name) }
        self = self[...place] + rest
    }
}
