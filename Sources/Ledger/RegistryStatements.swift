import Attribution

/// Statements of links, domains, tags, folders, workspaces and tokens, and of customers' records.
enum RegistryStatements {
    static let linkByID = SQLStatement(
        "SELECT \(LinkSQL.columns) FROM link WHERE id = ?1 AND deleted_at IS NULL")
    static let linkByExternalID = SQLStatement(
        """
        SELECT \(LinkSQL.columns) FROM link
        WHERE workspace_id = ?1 AND external_id = ?2 AND deleted_at IS NULL
        """)
    static let linkByAddress = SQLStatement(
        """
        SELECT \(LinkSQL.columns) FROM link WHERE domain = ?1 AND lookup_key = ?2
          AND deleted_at IS NULL
        """)
    /// link_by_url, which is in the order that is asked for. A plain `url = ?2` would make SQLite
    /// take the indexed expression for a constant and pass the index by.
    static let linkByURL = SQLStatement(
        """
        SELECT \(LinkSQL.columns) FROM link
        WHERE workspace_id = ?1 AND substr(url, 1, 190) = substr(?2, 1, 190)
          AND (url = ?2) IS TRUE AND deleted_at IS NULL
        ORDER BY created_at, id LIMIT 1
        """)
    /// Prefixes of link_by_address: a link of the workspace on a domain, and one of another.
    static let ownLinkOnDomain = SQLStatement(
        """
        SELECT 1 FROM link WHERE domain = ?1 AND workspace_id = ?2 AND deleted_at IS NULL LIMIT 1
        """)
    static let foreignLinkOnDomain = SQLStatement(
        """
        SELECT 1 FROM link WHERE domain = ?1 AND workspace_id <> ?2 AND deleted_at IS NULL LIMIT 1
        """)
    /// link_by_workspace, which has all that is asked for. Deleted ones count: they were made.
    static let linksSince = SQLStatement(
        """
        SELECT count(*) FROM link
        WHERE workspace_id = ?1 AND created_at >= ?2 AND key <> '_root'
        """)
    static let insertLink = SQLStatement(LinkSQL.insert)
    static let updateLink = SQLStatement(LinkSQL.update)
    static let deleteLink = SQLStatement(
        "UPDATE link SET deleted_at = ?2, updated_at = ?2 WHERE id = ?1")

    static let domainBySlug = SQLStatement("SELECT \(Domain.columns) FROM domain WHERE slug = ?1")
    static let domainsOf = SQLStatement(
        """
        SELECT \(Domain.columns) FROM domain WHERE workspace_id = ?1
        """)
    static let insertDomain = SQLStatement(
        """
        INSERT INTO domain (\(Domain.columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
          ?12, ?13)
        """)
    static let updateDomain = SQLStatement(
        """
        UPDATE domain SET slug = ?2, is_primary = ?3, is_archived = ?4, placeholder = ?5,
          expired_url = ?6, not_found_url = ?7, logo = ?8, updated_at = ?9, asset_links = ?10,
          apple_app_site_association = ?11
        WHERE id = ?1
        """)
    /// A prefix of link_by_address.
    static let moveLinks = SQLStatement(
        """
        UPDATE link SET domain = ?2, updated_at = ?3
        WHERE domain = ?1 AND deleted_at IS NULL AND workspace_id = ?4
        """)
    static let deleteDomain = SQLStatement("DELETE FROM domain WHERE id = ?1")
    static let deleteLinksOfDomain = SQLStatement(
        """
        UPDATE link SET deleted_at = ?2, updated_at = ?2
        WHERE domain = ?1 AND deleted_at IS NULL AND workspace_id = ?3
        """)

    static let tagsOfLink = SQLStatement(
        """
        SELECT \(Tag.columns("t")) FROM link_tag l JOIN tag t ON t.id = l.tag_id
        WHERE l.link_id = ?1 ORDER BY l.position
        """)
    static let tagByID = SQLStatement(
        "SELECT \(Tag.columns("t")) FROM tag t WHERE t.workspace_id = ?1 AND t.id = ?2")
    /// tag_by_name. In any case of ASCII letters; the argument is in lower case.
    static let tagByName = SQLStatement(
        """
        SELECT \(Tag.columns("t")) FROM tag t
        WHERE t.workspace_id = ?1 AND lower(t.name) = ?2
        """)
    static let insertTag = SQLStatement(
        """
        INSERT INTO tag (id, workspace_id, name, color, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
        """)
    static let updateTag = SQLStatement("UPDATE tag SET name = ?2, color = ?3 WHERE id = ?1")
    static let clearTag = SQLStatement("DELETE FROM link_tag WHERE tag_id = ?1")
    static let deleteTag = SQLStatement("DELETE FROM tag WHERE id = ?1")
    static let clearLinkTags = SQLStatement("DELETE FROM link_tag WHERE link_id = ?1")
    static let insertLinkTag = SQLStatement(
        "INSERT INTO link_tag (link_id, tag_id, position) VALUES (?1, ?2, ?3)")

    static let folderByID = SQLStatement(
        "SELECT \(Folder.columns("f")) FROM folder f WHERE f.workspace_id = ?1 AND f.id = ?2")
    static let folderByName = SQLStatement(
        "SELECT \(Folder.columns("f")) FROM folder f WHERE f.workspace_id = ?1 AND f.name = ?2")
    static let insertFolder = SQLStatement(
        """
        INSERT INTO folder (id, workspace_id, name, description, access_level, created_at,
          updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        """)
    static let updateFolder = SQLStatement(
        """
        UPDATE folder SET name = ?2, description = ?3, access_level = ?4, updated_at = ?5
        WHERE id = ?1
        """)
    static let clearFolder = SQLStatement(
        "UPDATE link SET folder_id = NULL WHERE folder_id = ?1")
    static let deleteFolder = SQLStatement("DELETE FROM folder WHERE id = ?1")

    static let customerByID = SQLStatement(
        """
        SELECT \(Customer.columns("c")) FROM customer c
        WHERE c.id = ?2 AND c.workspace_id = ?1 AND c.deleted_at IS NULL
        """)
    static let customerByStripeID = SQLStatement(
        """
        SELECT \(Customer.columns("c")) FROM customer c
        WHERE c.workspace_id = ?1 AND c.stripe_customer_id = ?2
        """)
    static let updateCustomer = SQLStatement(
        """
        UPDATE customer SET external_id = ?2, name = ?3, email = ?4, avatar = ?5, country = ?6,
          stripe_customer_id = ?7, subscription_canceled_at = ?8, deleted_at = ?9
        WHERE id = ?1
        """)

    static let planOf = SQLStatement("SELECT plan FROM workspace WHERE id = ?1")
    static let workspaceBySlug = SQLStatement(
        "SELECT \(Workspace.columns("w")) FROM workspace w WHERE w.slug = ?1")
    static let insertWorkspace = SQLStatement(
        """
        INSERT INTO workspace (id, slug, name, plan, allowed_hostnames, publishable_key,
          conflict_policy, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        """)
    static let updateWorkspace = SQLStatement(
        """
        UPDATE workspace SET name = ?2, plan = ?3, allowed_hostnames = ?4, publishable_key = ?5,
          conflict_policy = ?6
        WHERE id = ?1
        """)

    static let tokenByID = SQLStatement("SELECT \(Token.columns("t")) FROM token t WHERE t.id = ?1")
    static let tokenCount = SQLStatement(
        "SELECT count(*) FROM token WHERE workspace_id = ?1 AND revoked_at IS NULL")
    static let insertToken = SQLStatement(
        """
        INSERT INTO token (id, workspace_id, name, digest, scopes, created_at, expires_at,
          revoked_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        """)
    static let revokeToken = SQLStatement("UPDATE token SET revoked_at = ?2 WHERE id = ?1")

    static let touch = SQLStatement("UPDATE registry SET probe = probe + 1")
    static let revision = SQLStatement("SELECT revision FROM registry")
    static let advanceRevision = SQLStatement("UPDATE registry SET revision = revision + 1")
}
