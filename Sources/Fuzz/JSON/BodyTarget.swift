import Attribution
import Integrations
import Wire

/// Bodies of sales and leads against `BodyModel`, and the commands that are made of them.
struct BodyTarget: FuzzTarget {
    let canary: Bool
    let tokens = [
        "\"amount\":", "\"eventName\":", "\"customerExternalId\":\"c\"", "\"clickId\":\" x \"",
        "\"metadata\":{}", "\"currency\":\"eur\"", "null", "\"\"", "1e2", "100.0", "-1", "[]", "{}",
        "9007199254740992", "\"invoiceId\":", "\"mode\":\"wait\"", "\"eventQuantity\":3",
        "\"customerEmail\":\"a@b.co\"", "\"paymentProcessor\":\"stripe\"", "\"externalId\":\"e\"",
    ]
    private let stamper = Stamper()
    private let workspace = WorkspaceID("ws_fuzz")

    init(canary: Bool) { self.canary = canary }

    func grammar(_ draft: inout Draft) { draft.body() }

    func check(_ input: [UInt8], _ classes: inout Classes) throws(Finding) -> Bool {
        let members = try? input.withUnsafeBufferPointer { try readMembers($0) }
        let model = members.map { BodyModel($0, amountMax: canary ? 100_000 : nil) }
        let isSale = try checkSale(input, members, model)
        let isLead = try checkLead(input, members, model)
        try checkCalls(input, isSale: isSale, isLead: isLead)
        return isSale || isLead
    }

    private func outcome<Value>(
        _ input: [UInt8], _ make: (UnsafeBufferPointer<UInt8>) throws(BodyError) -> Value
    ) -> Result<Value, BodyError> {
        input.withUnsafeBufferPointer { bytes in
            do throws(BodyError) { return .success(try make(bytes)) } catch {
                return .failure(error)
            }
        }
    }

    /// The first field that breaks a rule, `nil` for none and "" for a body that is no object.
    private func checkField(
        _ error: BodyError?, _ expected: String?, _ kind: String
    ) throws(Finding) {
        switch error {
        case nil: try expect(expected == nil, "\(kind): \(expected ?? "") breaks its rule")
        case .malformed:
            try expect(expected == "", "\(kind): malformed, expected \(expected ?? "a command")")
        case .invalid(let issue):
            try expect(
                issue.path == expected,
                "\(kind): \(issue.text), expected \(expected ?? "a command")")
        }
    }

    private func checkSale(
        _ input: [UInt8], _ members: [JSONMember]?, _ model: BodyModel?
    ) throws(Finding) -> Bool {
        let result = outcome(input) { bytes throws(BodyError) in
            try Body<SaleField>(bytes).command(workspace, stamper)
        }
        let expected = model.map { $0.breach(sale: true) } ?? ""
        guard let members, let model, case .success(let sale) = result else {
            try checkField(result.error, expected, "sale")
            return false
        }
        try checkField(nil, expected, "sale")
        try expect(sale.money.minorUnits == model.amount, "amount \(sale.money.minorUnits)")
        try expect(
            sale.customer.externalID == model.customer(trimmed: false),
            "customer \(sale.customer.externalID)")
        try checkMetadata(sale.metadata, members)
        try expect(isTrimmed(sale.clickID?.text), "click \(sale.clickID?.text ?? "")")
        try expect(
            isSame(sale.invoiceID, model.text("invoiceId")), "invoice \(sale.invoiceID ?? "")")
        try expect(
            sale.money.currency.code == (model.text("currency") ?? "usd").lowercased(),
            "currency \(sale.money.currency.code)")
        try expect(sale.id.text != sale.directLeadID.text, "one id twice")
        return true
    }

    private func checkLead(
        _ input: [UInt8], _ members: [JSONMember]?, _ model: BodyModel?
    ) throws(Finding) -> Bool {
        let result = outcome(input) { bytes throws(BodyError) in
            try Body<LeadField>(bytes).command(workspace, stamper)
        }
        let expected = model.map { $0.breach(sale: false) } ?? ""
        guard let members, let model, case .success(let lead) = result else {
            try checkField(result.error, expected, "lead")
            return false
        }
        try checkField(nil, expected, "lead")
        try expect(lead.ids.count == Int(model.quantity), "\(lead.ids.count) leads")
        try expect(Set(lead.ids).count == lead.ids.count, "one id twice")
        try expect(
            lead.customer.externalID == model.customer(trimmed: true),
            "customer \(lead.customer.externalID)")
        try expect(!lead.eventName.isEmpty && isTrimmed(lead.eventName), "name \(lead.eventName)")
        try checkMetadata(lead.metadata, members)
        return true
    }

    private func checkMetadata(_ text: String?, _ members: [JSONMember]) throws(Finding) {
        let sent = members.first { $0.name == "metadata" }?.value.raw?.text
        try expect(isSame(text, sent), "metadata \(text ?? "none")")
    }

    private func isTrimmed(_ text: String?) -> Bool {
        guard let scalars = text?.unicodeScalars, let first = scalars.first,
            let last = scalars.last
        else { return true }
        return !BodyModel.isSpace(first) && !BodyModel.isSpace(last)
    }

    /// Each way in agrees with the others: what a body makes, its call makes.
    private func checkCalls(_ input: [UInt8], isSale: Bool, isLead: Bool) throws(Finding) {
        for endpoint in TrackEndpoint.allCases {
            let result = outcome(input) { bytes throws(BodyError) in
                try endpoint.command(bytes, workspace, stamper, hostname: nil)
            }
            let command = (try? result.get()) ?? nil
            switch endpoint {
            case .sale: try expect((command != nil) == isSale, "a sale's call differs")
            case .lead: try expect((command != nil) == isLead, "a lead's call differs")
            case .clientSale, .clientLead: try checkClient(command)
            case .click, .visit: try expect(command == nil, "a click is made of a body")
            }
        }
    }
}

extension BodyTarget {
    /// Browsers name the customer in one way only.
    private func checkClient(_ command: Command?) throws(Finding) {
        let customer: String? =
            switch command {
            case .recordSale(let sale): sale.customer.externalID
            case .recordLead(let lead): lead.customer.externalID
            default: nil
            }
        guard let customer else { return }
        try expect(!customer.isEmpty && isTrimmed(customer), "a site's customer '\(customer)'")
    }
}

extension Result {
    var error: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
