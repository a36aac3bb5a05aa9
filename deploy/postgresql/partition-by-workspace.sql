-- Cuts the tables of events (click, lead, sale) into partitions by a hash of their workspace.
--
--   psql "$TRIBUTE_DATABASE" --set partitions=16 --file partition-by-workspace.sql
--
-- Stop every node first. One transaction: it happens whole or not at all. Takes as long as a copy
-- of these tables and needs the room for one. Nodes need no setting: their statements are the same.
--
-- A key of a partitioned table holds its partition's column, so references to single events can't
-- be held by the server any more; `tribute verify --deep` looks at them.
\set ON_ERROR_STOP on
\if :{?partitions}
\else
  \set partitions 16
\endif

BEGIN;
-- Whoever still runs ends here.
LOCK TABLE registry, workspace, click, lead, sale IN ACCESS EXCLUSIVE MODE;

SELECT format(
  'CREATE TABLE %1$s_cut (LIKE %1$s INCLUDING DEFAULTS INCLUDING CONSTRAINTS) '
  'PARTITION BY HASH (workspace_id)', name)
FROM unnest(ARRAY['click', 'lead', 'sale']) name \gexec

SELECT format(
  'CREATE TABLE %1$s_p%2$s PARTITION OF %1$s_cut FOR VALUES WITH (MODULUS %3$s, REMAINDER %2$s)',
  name, part, :'partitions')
FROM unnest(ARRAY['click', 'lead', 'sale']) name, generate_series(0, :partitions - 1) part \gexec

INSERT INTO click_cut SELECT * FROM click;
INSERT INTO lead_cut SELECT * FROM lead;
INSERT INTO sale_cut SELECT * FROM sale;
-- With the references to them.
DROP TABLE click, lead, sale CASCADE;
ALTER TABLE click_cut RENAME TO click;
ALTER TABLE lead_cut RENAME TO lead;
ALTER TABLE sale_cut RENAME TO sale;

ALTER TABLE click ADD PRIMARY KEY (id, workspace_id);
ALTER TABLE lead ADD PRIMARY KEY (id, workspace_id);
ALTER TABLE sale ADD PRIMARY KEY (id, workspace_id);
ALTER TABLE click ADD FOREIGN KEY (link_id) REFERENCES link (id);
ALTER TABLE lead ADD FOREIGN KEY (link_id) REFERENCES link (id);
ALTER TABLE lead ADD FOREIGN KEY (customer_id) REFERENCES customer (id);
ALTER TABLE sale ADD FOREIGN KEY (link_id) REFERENCES link (id);
ALTER TABLE sale ADD FOREIGN KEY (customer_id) REFERENCES customer (id);

CREATE INDEX click_by_workspace ON click (workspace_id, at, id);
CREATE INDEX click_by_link ON click (link_id, at, id);
CREATE INDEX click_by_identity ON click (identity, link_id, at) WHERE identity IS NOT NULL;
CREATE INDEX click_by_store_visit ON click (store_visit, at) WHERE store_visit IS NOT NULL;
CREATE INDEX lead_by_customer ON lead (customer_id, at, id);
CREATE INDEX lead_by_workspace ON lead (workspace_id, at, id);
CREATE INDEX lead_by_link ON lead (link_id, at, id);
-- The promise itself: one sale for an invoice.
CREATE UNIQUE INDEX sale_by_invoice ON sale (workspace_id, invoice_id) WHERE invoice_id <> '';
CREATE INDEX sale_by_workspace ON sale (workspace_id, at, id);
CREATE INDEX sale_by_link ON sale (link_id, at, id);
COMMIT;

ANALYZE click, lead, sale;
