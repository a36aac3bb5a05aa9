\set customer random(0, :customers - 1)
\set link :customer % :links
\set amount random(1000, 9999)
BEGIN;
INSERT INTO pgbench_sale (invoice, customer, link, amount)
VALUES (gen_random_uuid()::text, :customer, :link, :amount);
SELECT link FROM pgbench_customer WHERE id = :customer;
UPDATE pgbench_customer SET sales = sales + 1, sale_amount = sale_amount + :amount
WHERE id = :customer;
UPDATE pgbench_link SET sales = sales + 1, sale_amount = sale_amount + :amount WHERE id = :link;
COMMIT;
