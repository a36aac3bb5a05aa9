import Attribution

/// The link table's statements, made from the table of a link's fields.
enum LinkSQL {
    private static let fixed = [
        "id", "workspace_id", "domain", "key", "url", "created_at", "updated_at",
    ]
    private static let counters = [
        "clicks", "leads", "conversions", "sales", "sale_amount", "last_clicked",
    ]
    private static let settable = LinkField.all.map(\.column)

    static let columnNames = fixed + settable + counters
    static let columns = columnNames.joined(separator: ", ")

    static func columns(_ table: String) -> String {
        columnNames.map { "\(table).\($0)" }.joined(separator: ", ")
    }

    static let insert: String = {
        let names = fixed + settable + ["lookup_key"]
        let places = names.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        return "INSERT INTO link (\(names.joined(separator: ", "))) VALUES (\(places))"
    }()

    static let update: String = {
        let names = ["domain", "key", "url", "updated_at"] + settable
        let settings = names.enumerated().map { "\($1) = ?\($0 + 2)" }
        // An older key that differs from another in case only keeps how it is looked for.
        let lookup = """
            lookup_key = CASE WHEN domain = ?2 AND key = ?3 THEN lookup_key
              ELSE ?\(names.count + 2) END
            """
        return "UPDATE link SET \((settings + [lookup]).joined(separator: ", ")) WHERE id = ?1"
    }()

    static func insertArguments(_ link: Link) -> [SQLValue] {
        [
            .init(link.id), .init(link.workspaceID), .text(link.domain), .text(link.key),
            .text(link.url), .init(link.createdAt), .init(link.updatedAt),
        ] + fieldValues(link) + [.text(foldedKey(link.key))]
    }

    static func updateArguments(_ link: Link) -> [SQLValue] {
        [
            .init(link.id), .text(link.domain), .text(link.key), .text(link.url),
            .init(link.updatedAt),
        ] + fieldValues(link) + [.text(foldedKey(link.key))]
    }

    private static func fieldValues(_ link: Link) -> [SQLValue] {
        LinkField.all.map { field in
            switch field.value {
            case .text(let path): SQLValue(link[keyPath: path])
            case .flag(let path): SQLValue(link[keyPath: path])
            case .moment(let path): SQLValue(link[keyPath: path])
            case .urls(let path): SQLValue(link[keyPath: path]?.description)
            }
        }
    }
}

extension Link {
    init(_ row: SQLRow, from first: Int = 0) throws {
        self.init(
            id: try row.id(first), workspaceID: try row.id(first + 1),
            domain: try row.text(first + 2), key: try row.text(first + 3),
            url: try row.text(first + 4), createdAt: try row.moment(first + 5))
        updatedAt = try row.moment(first + 6)
        var column = first + 7
        for field in LinkField.all {
            switch field.value {
            case .text(let path): self[keyPath: path] = try row.optionalText(column)
            case .flag(let path): self[keyPath: path] = try row.flag(column)
            case .moment(let path): self[keyPath: path] = try row.optionalMoment(column)
            case .urls(let path):
                self[keyPath: path] = try row.optionalText(column).flatMap(LabelledURLs.init)
            }
            column += 1
        }
        clicks = try row.integer(column)
        leads = try row.integer(column + 1)
        conversions = try row.integer(column + 2)
        sales = try row.integer(column + 3)
        saleAmount = try row.integer(column + 4)
        lastClicked = try row.optionalMoment(column + 5)
    }
}

extension LinkState {
    init(_ row: SQLRow) throws {
        self.init(
            id: try row.id(0), workspaceID: try row.id(1), domain: try row.text(2),
            key: try row.text(3), url: try row.text(4), externalID: try row.optionalText(5),
            tenantID: try row.optionalText(6), isDisabled: try row.optionalMoment(7) != nil,
            isDeleted: try row.optionalMoment(8) != nil, saleAmount: try row.integer(9))
    }
}
