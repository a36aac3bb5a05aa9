-- Cuts the table of clicks into partitions by the month in which they were (UTC), so that old
-- months can be detached and kept elsewhere. Clicks are most of the rows, and no promise about
-- money hangs on their key.
--
--   psql "$TRIBUTE_DATABASE" --set months=24 --file partition-clicks-by-month.sql
--
-- Makes partitions from the month of the oldest click to so many months ahead; what is outside of
-- all goes to click_rest. Run again later, it adds the months that are missing while nodes run.
-- The first time stop every node: it copies the table, in one transaction.
--
-- A click that was detached is unknown: leads and sales can't be tracked with it any more.
\set ON_ERROR_STOP on
\if :{?months}
\else
  \set months 24
\endif

BEGIN;
LOCK TABLE registry, workspace, click IN ACCESS EXCLUSIVE MODE;

SELECT relkind = 'r' AS is_whole FROM pg_class WHERE oid = 'click'::regclass \gset
\if :is_whole
  CREATE TABLE click_cut (LIKE click INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
    PARTITION BY RANGE (at);
  CREATE TABLE click_rest PARTITION OF click_cut DEFAULT;
  ALTER TABLE click RENAME TO click_whole;
  ALTER TABLE click_cut RENAME TO click;
  \set source click_whole
\else
  \set source click
\endif

-- Milliseconds since 1970, as events have them.
SELECT format(
  'CREATE TABLE IF NOT EXISTS click_%s PARTITION OF click FOR VALUES FROM (%s) TO (%s)',
  to_char(month, 'YYYYMM'), extract(epoch FROM month)::bigint * 1000,
  extract(epoch FROM month + interval '1 month')::bigint * 1000)
FROM generate_series(
  date_trunc('month', coalesce(
    (SELECT to_timestamp(min(at) / 1000) AT TIME ZONE 'UTC'
     FROM :"source" WHERE at > 0), now() AT TIME ZONE 'UTC')),
  date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => :months),
  interval '1 month') month \gexec

\if :is_whole
  INSERT INTO click SELECT * FROM click_whole;
  DROP TABLE click_whole CASCADE;
  ALTER TABLE click ADD PRIMARY KEY (id, at);
  ALTER TABLE click ADD FOREIGN KEY (link_id) REFERENCES link (id);
  CREATE INDEX click_by_workspace ON click (workspace_id, at, id);
  CREATE INDEX click_by_link ON click (link_id, at, id);
  CREATE INDEX click_by_identity ON click (identity, link_id, at) WHERE identity IS NOT NULL;
  CREATE INDEX click_by_store_visit ON click (store_visit, at) WHERE store_visit IS NOT NULL;
\endif
COMMIT;

ANALYZE click;
