/// What the migrations have made.
package enum Schema {
    package struct Table: Sendable {
        package let name: String
        /// The columns of its primary key.
        package let key: [String]
        init(_ name: String, _ key: String...) { (self.name, self.key) = (name, key) }
    }

    /// The tables of records, those that others refer to first.
    package static let records = [
        Table("workspace", "id"), Table("token", "id"), Table("domain", "id"), Table("link", "id"),
        Table("tag", "id"), Table("link_tag", "link_id", "position"), Table("folder", "id"),
        Table("click", "id"), Table("repeat_click", "id"),
        Table("customer", "workspace_id", "external_id"),
        Table("lead", "id"), Table("lead_claim", "customer_id", "event_name"),
        Table("sale", "id"), Table("conversion", "customer_id", "link_id"),
        Table("rejection", "workspace_id", "is_public", "number"),
    ]

    /// Every table: records, and what a database says of itself.
    package static let tables = ["schema_migration", "registry"] + records.map(\.name)
}

extension SQLTransaction {
    /// The names of a table's columns, in their order; none if there is no such table.
    package func columns(of table: String) throws -> [String] {
        try rows(dialect.columnsOfTable, [.text(table)]).map { try $0.text(0) }
    }
}
