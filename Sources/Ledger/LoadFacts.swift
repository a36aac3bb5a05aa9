import Attribution

/// Loads what a batch of commands must know, whatever its size in a few steps, because a customer
/// names a click and a click names a link. What is asked in one step does not depend on each other:
/// an engine with a network in between asks it all at once.
package struct FactsLoader {
    private let transaction: any SQLTransaction
    private var questions: [SQLQuestion] = []
    private var answers: [(inout FactsLoader, [[SQLRow]]) throws -> Void] = []
    private var facts: Facts
    private var workspaceIDs: Set<WorkspaceID> = []
    private var linkIDs: Set<LinkID> = []
    private var clickIDs: Set<ClickID> = []
    /// They are new, or there under their own id.
    private var importedClicks: Set<ClickID> = []
    /// What is no click's own id may stand for one.
    private var repeatIDs: Set<ClickID> = []
    private var visits: [VisitKey: Timestamp] = [:]
    /// Ids that visitors have been told, which may have to stand for their last click.
    private var toldIDs: [VisitKey: [ClickID]] = [:]
    private var customers: Set<CustomerKey> = []
    /// Customers whose own click a lead without one falls back to.
    private var clickOwners: Set<CustomerKey> = []
    private var buyers: Set<CustomerKey> = []
    private var leadKeys: Set<LeadKey> = []
    private var claims: Set<LeadClaim> = []
    private var invoices: [InvoiceKey] = []
    private var knownInvoices: [(key: InvoiceKey, sale: SaleID)] = []
    private var importedSales: Set<SaleID> = []
    private var rejections: Set<RejectionKey> = []
    private var asked = Asked()

    private struct Asked {
        var clicks: Set<ClickID> = []
        var repeats: Set<ClickID> = []
        var links: Set<LinkID> = []
        var workspaces: Set<WorkspaceID> = []
    }

    /// - Parameter kept: facts that hold now, which are not loaded again.
    package static func load(
        _ commands: ArraySlice<Command>, _ transaction: any SQLTransaction,
        besides kept: consuming Facts = Facts()
    ) throws -> Facts {
        var loader = FactsLoader(transaction: transaction, facts: consume kept)
        for command in commands { loader.note(command) }
        loader.facts.hasImports = !loader.importedSales.isEmpty
        loader.askNamed()
        loader.askReferences()
        try loader.answer()
        loader.askCustomerHistory()
        loader.askReferences()
        while !loader.questions.isEmpty {
            try loader.answer()
            loader.askReferences()
        }
        if let command = commands.first, command.standsAlone {
            loader.facts.registry = try RegistryLoader.load(command, transaction)
        }
        return loader.facts
    }

    private init(transaction: any SQLTransaction, facts: consuming Facts) {
        self.transaction = transaction
        self.facts = consume facts
    }

    private mutating func note(_ command: Command) {
        switch command {
        case .recordClick(let click):
            linkIDs.insert(click.linkID)
            if click.origin == .imported {
                clickIDs.insert(click.id)
                importedClicks.insert(click.id)
            }
            if let known = click.known {
                clickIDs.insert(known)
                if click.isTold { clickIDs.insert(click.id) }
            }
            if let key = VisitKey(linkID: click.linkID, click.visitor) {
                visits[key] = min(visits[key] ?? click.at, click.at)
                if click.isTold { toldIDs[key, default: []].append(click.id) }
            }
        case .recordLead(let lead):
            noteCustomer(lead.customer)
            note(lead.call, lead.customer.workspaceID)
            claims.insert(lead.claim)
            if let clickID = lead.clickID {
                clickIDs.insert(clickID)
            } else {
                clickOwners.insert(lead.customer)
            }
        case .recordSale(let sale):
            note(sale.call, sale.customer.workspaceID)
            if let clickID = sale.clickID { clickIDs.insert(clickID) }
            if let invoice = sale.invoice { invoices.append(invoice) }
            if sale.origin == .imported { importedSales.insert(sale.id) }
            // The most frequent command of a busy server, about somebody who bought before.
            if facts.knowsBuyer(of: sale) { return }
            noteCustomer(sale.customer)
            buyers.insert(sale.customer)
            leadKeys.insert(sale.lead)
            if let lead = sale.laterLead { leadKeys.insert(lead) }
        case .addCustomer(let customer):
            noteCustomer(customer.key)
            if let clickID = customer.clickID { clickIDs.insert(clickID) }
        case .recordRejection(let record):
            let rejection = record.rejection
            if record.retriedAt != nil {
                rejections.insert(RejectionKey(rejection.workspaceID, rejection.id))
            }
        case .discardRejections(let discard):
            for id in discard.ids { rejections.insert(RejectionKey(discard.workspaceID, id)) }
        // The rest stands alone and has facts of its own.
        default: break
        }
    }

    /// A call that comes for the first time is not looked for.
    private mutating func note(_ call: TrackCall?, _ workspaceID: WorkspaceID) {
        guard let call, call.retriedAt != nil else { return }
        rejections.insert(RejectionKey(workspaceID, call.id))
    }

    private mutating func noteCustomer(_ key: CustomerKey) {
        customers.insert(key)
        workspaceIDs.insert(key.workspaceID)
    }

    /// What the commands say themselves.
    private mutating func askNamed() {
        let unknown = customers.filter { key in
            guard let customer = facts.customers[key] else { return true }
            noteReferences(of: customer, key)
            return false
        }
        ask(unknown, Statements.customer, { $0.arguments }) { loader, key, rows in
            guard let row = rows.first else { return }
            let customer = try Customer(row)
            loader.facts.customers[key] = customer
            loader.noteReferences(of: customer, key)
        }
        ask(rejections, RejectionSQL.isKept, { [.init($0.id), .init($0.workspaceID)] }) {
            loader, key, rows in
            if !rows.isEmpty { loader.facts.rejections.insert(key) }
        }
        ask(invoices, Statements.saleOfInvoice, { $0.arguments }) { loader, key, rows in
            if let row = rows.first { loader.knownInvoices.append((key, try row.id(0))) }
        }
        let unknownSales = importedSales.filter { facts.importedSales[$0] == nil }
        ask(unknownSales, Statements.saleByID, { [.init($0)] }) { loader, id, rows in
            loader.facts.importedSales[id] = try rows.first.map(SaleReceipt.init)
        }
        ask(
            visits.keys, Statements.lastClick,
            { [visits] key in
                let since = visits[key]?.adding(-clickDedupeWindow)
                return [
                    .text(key.identity), .init(key.linkID), .init(since), .init(key.isBot),
                ]
            }
        ) { loader, key, rows in
            let last = try rows.first.map { LastClick(id: try $0.id(0), at: try $0.moment(1)) }
            loader.facts.lastClicks[key] = last
            if let last, let told = loader.toldIDs[key] {
                loader.clickIDs.formUnion(told + [last.id])
            }
        }
    }

    private mutating func noteReferences(of customer: Customer, _ key: CustomerKey) {
        if let linkID = customer.linkID { linkIDs.insert(linkID) }
        if let clickID = customer.clickID, clickOwners.contains(key) { clickIDs.insert(clickID) }
    }

    /// What is known of the batch's customers. Who is not there has no leads and no sales.
    private mutating func askCustomerHistory() {
        var ids: [CustomerKey: CustomerID] = [:]
        for key in customers { ids[key] = facts.customers[key]?.id }
        for key in leadKeys where ids[key.customer] == nil { facts.ask(key, answer: nil) }
        let known = leadKeys.filter { key in
            if let lead = facts.leads[key] {
                linkIDs.insert(lead.linkID)
                return false
            }
            return ids[key.customer] != nil
        }
        for keys in Dictionary(grouping: known, by: { ObjectIdentifier($0.statement) }).values {
            guard let statement = keys.first?.statement else { continue }
            ask(keys, statement, { $0.arguments(ids[$0.customer]) }) { loader, key, rows in
                let state = try rows.first.map(LeadState.init)
                loader.facts.ask(key, answer: state)
                if let state { loader.linkIDs.insert(state.linkID) }
            }
        }
        ask(knownInvoices, Statements.saleByID, { [.init($0.sale)] }) { loader, known, rows in
            loader.facts.invoices[known.key] = try rows.first.map(SaleReceipt.init)
        }
        let claims = claims.filter { ids[$0.customer] != nil }
        ask(claims, Statements.leadClaim, { $0.arguments(ids[$0.customer]) }) {
            loader, claim, rows in
            if !rows.isEmpty { loader.facts.leadClaims.insert(claim) }
        }
        let buyers = buyers.filter {
            (facts.customers[$0]?.sales ?? 0) > 0 && facts.conversions[$0] == nil
        }
        ask(buyers, Statements.conversions, { [.init(ids[$0])] }) { loader, key, rows in
            loader.facts.conversions[key] = Set(try rows.map { try $0.id(0) })
        }
    }

    /// Clicks, links and workspaces that have been named and not asked for yet.
    private mutating func askReferences() {
        let clickIDs = clickIDs.subtracting(asked.clicks)
        asked.clicks.formUnion(clickIDs)
        ask(clickIDs, Statements.click, { [.init($0)] }) { loader, id, rows in
            if let row = rows.first {
                loader.note(try Click(row), as: id)
            } else if !loader.importedClicks.contains(id) {
                loader.repeatIDs.insert(id)
            }
        }
        let repeatIDs = repeatIDs.subtracting(asked.repeats)
        asked.repeats.formUnion(repeatIDs)
        ask(repeatIDs, Statements.repeatedClick, { [.init($0)] }) { loader, id, rows in
            if let row = rows.first { loader.note(try Click(row), as: id) }
        }
        for id in linkIDs {
            if let link = facts.links[id] { workspaceIDs.insert(link.workspaceID) }
        }
        let linkIDs = linkIDs.subtracting(asked.links).filter { facts.links[$0] == nil }
        asked.links.formUnion(linkIDs)
        ask(linkIDs, Statements.linkState, { [.init($0)] }) { loader, id, rows in
            guard let row = rows.first else { return }
            let link = try LinkState(row)
            loader.facts.links[id] = link
            loader.workspaceIDs.insert(link.workspaceID)
        }
        let workspaceIDs = workspaceIDs.subtracting(asked.workspaces)
            .filter { facts.workspaces[$0] == nil }
        asked.workspaces.formUnion(workspaceIDs)
        ask(workspaceIDs, Statements.workspaceState, { [.init($0)] }) { loader, id, rows in
            loader.facts.workspaces[id] = try rows.first.map(WorkspaceState.init)
        }
    }

    /// - Parameter id: the one that was asked for; others may come to stand for the click, too.
    private mutating func note(_ click: Click, as id: ClickID) {
        facts.clicks[id] = click
        facts.clicks[click.id] = click
        linkIDs.insert(click.linkID)
    }

    /// Asks a statement once for each key; `answer` hands each its rows.
    private mutating func ask<Key>(
        _ keys: some Collection<Key>, _ statement: SQLStatement, _ arguments: (Key) -> [SQLValue],
        _ body: @escaping (inout FactsLoader, Key, [SQLRow]) throws -> Void
    ) {
        guard !keys.isEmpty else { return }
        questions.append(SQLQuestion(statement: statement, arguments: keys.map(arguments)))
        answers.append { loader, results in
            for (key, rows) in zip(keys, results) { try body(&loader, key, rows) }
        }
    }

    private mutating func answer() throws {
        let results = try transaction.query(questions)
        let answers = answers
        (questions, self.answers) = ([], [])
        for (answer, rows) in zip(answers, results) { try answer(&self, rows) }
    }
}

extension CustomerKey {
    fileprivate var arguments: [SQLValue] { [.init(workspaceID), .text(externalID)] }
}
extension LeadKey {
    fileprivate func arguments(_ customerID: CustomerID?) -> [SQLValue] {
        var arguments: [SQLValue] = [.init(customerID)]
        if case .newest(let until) = choice { arguments.append(.init(until)) }
        if let eventName { arguments.append(.text(eventName)) }
        return arguments
    }

    fileprivate var statement: SQLStatement {
        switch choice {
        case .newest: eventName == nil ? Statements.newestLead : Statements.newestNamedLead
        case .oldest: eventName == nil ? Statements.oldestLead : Statements.oldestNamedLead
        }
    }
}
extension LeadClaim {
    fileprivate func arguments(_ customerID: CustomerID?) -> [SQLValue] {
        [.init(customerID), .text(normalizedName)]
    }
}
extension InvoiceKey {
    fileprivate var arguments: [SQLValue] { [.init(workspaceID), .text(invoiceID)] }
}

extension LeadState {
    init(_ row: SQLRow) throws {
        self.init(
            id: try row.id(0), linkID: try row.id(1), clickID: try row.optionalID(2),
            at: try row.moment(3))
    }
}

extension SaleReceipt {
    convenience init(_ row: SQLRow) throws {
        self.init(
            sale: try Sale(row), customer: try Customer(row, from: Sale.columnCount))
    }
}

extension WorkspaceState {
    init(_ row: SQLRow) throws {
        self.init(
            allowedHostnames: try row.text(1).split(separator: " ").map(String.init),
            conflictPolicy: try row.option(2), saleAmount: try row.integer(3))
    }
}
