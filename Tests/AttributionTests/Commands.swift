import Attribution

/// Commands of the world's workspaces, plain unless the table's row changes them. Their ids end in
/// 9 and they come a minute after noon.
private let minuteLater = World.noon.adding(60 * Timestamp.second)

func click(_ link: String, _ change: (inout RecordClick) -> Void = { _ in }) -> Command {
    var click = RecordClick(
        id: ID("c9"), linkID: ID(link), at: minuteLater, visitor: Visitor())
    change(&click)
    return .recordClick(click)
}

func lead(
    _ customer: String, by click: String?, _ eventName: String = "Sign up",
    in workspaceID: WorkspaceID = World.home, _ change: (inout RecordLead) -> Void = { _ in }
) -> Command {
    var lead = RecordLead(
        ids: [ID("l9")], customer: CustomerKey(workspaceID: workspaceID, externalID: customer),
        clickID: click.map { ClickID($0) }, eventName: eventName,
        profile: CustomerProfile(id: ID(customer)), at: minuteLater)
    change(&lead)
    return .recordLead(lead)
}

func sale(
    _ customer: String, by click: String? = nil, in workspaceID: WorkspaceID = World.home,
    _ change: (inout RecordSale) -> Void = { _ in }
) -> Command {
    var sale = RecordSale(
        id: ID("s9"), customer: CustomerKey(workspaceID: workspaceID, externalID: customer),
        money: Money(4_900, .usd), eventName: "Purchase", clickID: click.map { ClickID($0) },
        profile: CustomerProfile(id: ID(customer)), directLeadID: ID("l9"), at: minuteLater)
    change(&sale)
    return .recordSale(sale)
}

func customer(_ name: String, by click: String?, country: String? = nil) -> Command {
    .addCustomer(
        AddCustomer(
            key: CustomerKey(workspaceID: World.home, externalID: name),
            profile: CustomerProfile(id: ID(name)), clickID: click.map { ClickID($0) },
            country: country, at: minuteLater))
}
