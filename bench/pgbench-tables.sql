CREATE TABLE pgbench_customer (
  id BIGINT PRIMARY KEY, link BIGINT NOT NULL, sales BIGINT NOT NULL DEFAULT 0,
  sale_amount BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE pgbench_link (
  id BIGINT PRIMARY KEY, sales BIGINT NOT NULL DEFAULT 0, sale_amount BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE pgbench_sale (
  invoice TEXT PRIMARY KEY, customer BIGINT NOT NULL, link BIGINT NOT NULL, amount BIGINT NOT NULL
);
INSERT INTO pgbench_customer (id, link) SELECT n, n % :links FROM generate_series(0, :customers - 1) n;
INSERT INTO pgbench_link (id) SELECT n FROM generate_series(0, :links - 1) n
