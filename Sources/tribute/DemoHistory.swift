import Attribution
import Integrations

/// A made-up half year of a small software company, the same for the same seed but for its ids'
/// present time.
struct DemoHistory {
    private struct Campaign {
        let key: String
        let source: String
        /// Of a hundred clicks, how many go through this link.
        let share: Int
        /// Of a hundred visitors, how many sign up.
        let signups: Int
    }

    private static let campaigns = [
        Campaign(key: "newsletter", source: "newsletter", share: 22, signups: 14),
        Campaign(key: "ads", source: "google", share: 30, signups: 5),
        Campaign(key: "podcast", source: "podcast", share: 8, signups: 12),
        Campaign(key: "youtube", source: "youtube", share: 14, signups: 8),
        Campaign(key: "partner-anna", source: "partner", share: 7, signups: 18),
        Campaign(key: "partner-ben", source: "partner", share: 6, signups: 15),
        Campaign(key: "conference", source: "event", share: 3, signups: 22),
        Campaign(key: "social", source: "social", share: 10, signups: 4),
    ]
    private static let prices: [Int64] = [900, 1_900, 4_900, 9_900, 49_900]
    private static let days: Int64 = 180
    private static let clickCount = 4_000

    let links: [Link]
    private let workspaceID: WorkspaceID
    private let stamper: Stamper
    private let start: Timestamp
    private let end: Timestamp
    private var random: SplitMix
    private var leadCount = 0
    private var saleCount = 0
    private var amount: Int64 = 0

    init(workspaceID: WorkspaceID, seed: UInt64, stamper: Stamper) {
        (self.workspaceID, self.stamper) = (workspaceID, stamper)
        random = SplitMix(seed: seed)
        let end = stamper.now()
        let start = end.adding(-Self.days * Timestamp.day)
        (self.start, self.end) = (start, end)
        links = Self.campaigns.map { campaign in
            var link = Link(
                id: stamper.id("link_"), workspaceID: workspaceID, domain: "localhost",
                key: campaign.key, url: "https://example.com/?utm_source=\(campaign.source)",
                createdAt: start)
            link.utmSource = campaign.source
            link.trackConversion = true
            return link
        }
    }

    var totals: String {
        """
        \(links.count) links, \(Self.clickCount) clicks, \(leadCount) leads, \(saleCount) sales, \
        \(amount / 100) dollars and \(amount % 100) cents
        """
    }

    mutating func commands() -> [Command] {
        var commands: [Command] = []
        let step = Self.days * Timestamp.day / Int64(Self.clickCount)
        for number in 0..<Self.clickCount {
            let at = start.adding(Int64(number) * step + Int64(random.int(0..<Int(step))))
            commands += visit(number, at)
        }
        return commands
    }

    /// A click and what came of it.
    private mutating func visit(_ number: Int, _ at: Timestamp) -> [Command] {
        let index = campaignIndex()
        let campaign = Self.campaigns[index]
        var visitor = Visitor()
        visitor.country = ["US", "DE", "GB", "FR", "IN", "BR"][random.int(0..<6)]
        visitor.referer = "\(campaign.source).example"
        let clickID = ClickID(IDText.event(at: at, random: random.next()))
        var click = RecordClick(id: clickID, linkID: links[index].id, at: at, visitor: visitor)
        click.origin = .imported
        guard random.int(0..<100) < campaign.signups else { return [.recordClick(click)] }

        let key = CustomerKey(workspaceID: workspaceID, externalID: "user_\(number)")
        let profile = CustomerProfile(
            id: stamper.id("cus_"), email: "user\(number)@example.com")
        let signup = at.adding(Int64(random.int(0..<3_600)) * Timestamp.second)
        var lead = RecordLead(
            ids: [LeadID(IDText.event(at: signup, random: random.next()))], customer: key,
            clickID: clickID, eventName: "Sign up", profile: profile, at: signup)
        lead.origin = .imported
        leadCount += 1
        return [.recordClick(click), .recordLead(lead)] + purchases(key, profile, signup)
    }

    /// Two of five customers subscribe and pay each month until they leave.
    private mutating func purchases(
        _ key: CustomerKey, _ profile: CustomerProfile, _ signup: Timestamp
    ) -> [Command] {
        guard random.int(0..<5) < 2 else { return [] }
        let price = Self.prices[random.int(0..<Self.prices.count)]
        var commands: [Command] = []
        var at = signup.adding(Int64(random.int(0..<14)) * Timestamp.day)
        while at < end {
            var sale = RecordSale(
                id: SaleID(IDText.event(at: at, random: random.next())), customer: key,
                money: Money(price, .usd), eventName: "Invoice paid", paymentProcessor: .stripe,
                invoiceID: "in_\(key.externalID)_\(commands.count + 1)",
                metadata: #"{"plan":"\#(price / 100)-monthly"}"#, profile: profile,
                directLeadID: LeadID(IDText.event(at: at, random: random.next())), at: at)
            sale.origin = .imported
            commands.append(.recordSale(sale))
            saleCount += 1
            amount += price
            if random.int(0..<10) == 0 { break }
            at = at.adding(30 * Timestamp.day)
        }
        return commands
    }

    private mutating func campaignIndex() -> Int {
        var rest = random.int(0..<100)
        for (index, campaign) in Self.campaigns.enumerated() {
            if rest < campaign.share { return index }
            rest -= campaign.share
        }
        return 0
    }
}
