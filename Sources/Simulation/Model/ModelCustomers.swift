import Attribution

extension Model {
    /// A customer whom an import brings.
    mutating func addCustomer(_ command: AddCustomer) -> Verdict {
        if let known = customer(command.key) { return .did("customer \(known.id) known") }
        var click: Click?
        if let id = command.clickID {
            switch check(id, in: command.key.workspaceID) {
            case .unusable(let reason): return .refused(reason)
            case .usable(let found): click = found
            }
        }
        var made = command.profile.customer(command.key, from: click, at: command.at)
        made.country = command.country ?? made.country
        insert(made)
        return .did("customer \(made.id) created")
    }

    mutating func createCustomer(_ command: CreateCustomer) -> Verdict {
        let made = command.customer
        if customer(made.key) != nil { return .barred("customerExists") }
        if isStripeIDTaken(made) { return .barred("stripeCustomerTaken") }
        insert(made)
        return .did("customer \(made.id) created")
    }

    mutating func updateCustomer(_ command: UpdateCustomer) -> Verdict {
        guard let before = selected(command.selector, command.workspaceID) else {
            return .barred("customerNotFound")
        }
        let after = command.edit.applied(to: before)
        if let other = customer(after.key), other.id != before.id {
            return .barred("customerExists")
        }
        if isStripeIDTaken(after) { return .barred("stripeCustomerTaken") }
        customerByKey[before.key] = nil
        insert(after)
        renameCalls(of: before, to: after.externalID)
        return .did("customer \(after.id) known")
    }

    /// The person is forgotten; events and totals stay (differences 23), and so does the link that
    /// earned them. Kept calls name the person too.
    mutating func deleteCustomer(_ command: DeleteCustomer) -> Verdict {
        guard var customer = selected(command.selector, command.workspaceID) else {
            return .barred("customerNotFound")
        }
        customerByKey[customer.key] = nil
        rejections[customer.workspaceID]?.removeAll {
            isSame($0.customerExternalID, customer.externalID)
        }
        (customer.name, customer.email, customer.avatar) = (nil, nil, nil)
        (customer.country, customer.stripeCustomerID) = (nil, nil)
        customer.deletedAt = command.at
        customers[customer.id] = customer
        return .did("customer \(customer.id) known")
    }

    private func selected(_ selector: CustomerSelector, _ workspace: WorkspaceID) -> Customer? {
        let found =
            switch selector {
            case .id(let id): customers[id]
            case .externalID(let text):
                customer(CustomerKey(workspaceID: workspace, externalID: text))
            }
        guard let found, found.workspaceID == workspace, found.deletedAt == nil else { return nil }
        return found
    }

    /// Whether another customer of the workspace has the same id at Stripe.
    private func isStripeIDTaken(_ customer: Customer) -> Bool {
        guard let stripeID = customer.stripeCustomerID else { return false }
        return customers.rows.contains {
            $0.id != customer.id && $0.workspaceID == customer.workspaceID && $0.deletedAt == nil
                && isSame($0.stripeCustomerID, stripeID)
        }
    }
}
