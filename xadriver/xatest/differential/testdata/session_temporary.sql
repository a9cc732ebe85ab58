-- shard: key.orders=customer
-- shard: key.customers=customer
-- shard: reference=countries
-- Temporary tables, views and sequences beside tables that stay.

CREATE TABLE countries (code text PRIMARY KEY, name text);
CREATE TABLE customers (customer int PRIMARY KEY, name text, country text);
CREATE TABLE orders (customer int NOT NULL, id int NOT NULL, total numeric(8,2), PRIMARY KEY (customer, id));
CREATE TABLE plain (id int, note text);
INSERT INTO countries VALUES ('KE', 'Kenya'), ('CH', 'Switzerland');
INSERT INTO customers SELECT n, 'customer ' || n, CASE n % 3 WHEN 0 THEN 'KE' WHEN 1 THEN 'CH' END FROM generate_series(1, 9) AS n;
INSERT INTO orders SELECT 1 + n % 6, n, n * 1.5 FROM generate_series(1, 18) AS n;
INSERT INTO plain VALUES (1, 'one'), (2, NULL);

-- Made, filled and read.
CREATE TEMP TABLE picked (customer int PRIMARY KEY, why text DEFAULT 'because');
INSERT INTO picked VALUES (1, 'first'), (3, 'third'), (5, DEFAULT), (77, 'nobody');
INSERT INTO picked VALUES (1, 'again');
INSERT INTO picked VALUES (1, 'again') ON CONFLICT (customer) DO UPDATE SET why = excluded.why RETURNING customer, why;
SELECT customer, why FROM picked ORDER BY customer;
UPDATE picked SET why = upper(why) WHERE customer < 4 RETURNING why;
DELETE FROM picked WHERE why = 'because';
SELECT count(*) AS n FROM picked;
CREATE TEMP TABLE picked (a int);
CREATE TEMPORARY TABLE IF NOT EXISTS picked (a int);
CREATE TEMP TABLE numbers (n serial, word text);
INSERT INTO numbers (word) VALUES ('a'), ('b'), ('c');
SELECT word, n > 0 AS counted FROM numbers ORDER BY word;

-- Filled from tables that stay, and the other way round.
INSERT INTO picked SELECT customer, 'big: ' || sum(total) FROM orders GROUP BY customer HAVING sum(total) > 48 ON CONFLICT DO NOTHING;
SELECT customer, why FROM picked ORDER BY customer;
INSERT INTO orders SELECT customer, 100, 1 FROM picked WHERE customer < 10 RETURNING customer, id;
INSERT INTO plain SELECT customer, why FROM picked WHERE customer = 77;
INSERT INTO orders (customer, id) SELECT 8, n FROM numbers WHERE word = 'nothing';
SELECT customer, count(*) AS n, sum(total) AS total FROM orders GROUP BY customer ORDER BY customer;
SELECT id, note FROM plain ORDER BY id;

-- Joined.
SELECT p.customer, c.name FROM picked p LEFT JOIN customers c ON c.customer = p.customer ORDER BY p.customer;
SELECT p.customer, count(o.id) AS n, sum(o.total) AS total FROM picked p JOIN orders o USING (customer) GROUP BY p.customer ORDER BY p.customer;
SELECT o.id FROM orders o JOIN picked p USING (customer) WHERE o.customer = 1 ORDER BY o.id;
SELECT c.name, t.name AS country FROM customers c JOIN countries t ON t.code = c.country JOIN picked p ON p.customer = c.customer ORDER BY c.customer;
SELECT customer FROM customers WHERE customer NOT IN (SELECT customer FROM picked) ORDER BY customer;
SELECT customer FROM picked EXCEPT SELECT customer FROM orders ORDER BY customer;
SELECT p.customer, n.note FROM picked p FULL JOIN plain n ON n.id = p.customer ORDER BY p.customer, n.id;
UPDATE customers c SET name = p.why FROM picked p WHERE p.customer = c.customer RETURNING c.customer, c.name;
DELETE FROM orders o USING picked p WHERE p.customer = o.customer AND o.id = 100;
UPDATE picked p SET why = c.country FROM customers c WHERE c.customer = p.customer;
SELECT customer, why FROM picked ORDER BY customer;
SELECT count(*) AS n FROM orders;

-- They hide tables of the same name, until they go.
CREATE TEMP TABLE plain (id int, other text);
INSERT INTO plain VALUES (7, 'temporary');
SELECT id, other FROM plain;
SELECT note FROM plain;
SELECT id, note FROM public.plain ORDER BY id;
SELECT id, other FROM pg_temp.plain;
DROP TABLE plain;
SELECT count(*) AS stays FROM plain;
CREATE TEMP TABLE customers AS SELECT 1 AS customer, 'hidden'::text AS name;
SELECT name FROM customers;
SELECT count(*) AS all_of_them FROM public.customers;
DROP TABLE pg_temp.customers;
SELECT count(*) AS all_of_them FROM customers;
DROP TABLE pg_temp.customers;

-- From a query.
CREATE TEMP TABLE best AS SELECT customer, max(total) AS most FROM orders GROUP BY customer;
SELECT customer, most FROM best ORDER BY customer;
SELECT customer, total INTO TEMP chosen FROM orders WHERE customer = 2;
SELECT count(*) AS n, sum(total) AS total FROM chosen;
CREATE TEMP TABLE shaped (LIKE orders INCLUDING ALL);
INSERT INTO shaped SELECT customer, id, total FROM orders WHERE id < 5;
SELECT customer, id FROM shaped ORDER BY id;
ALTER TABLE best ADD COLUMN note text DEFAULT 'x';
CREATE INDEX ON best (most);
TRUNCATE best;
SELECT count(*) AS none_left FROM best;

-- In transactions.
BEGIN;
CREATE TEMP TABLE short (id int) ON COMMIT DROP;
INSERT INTO short SELECT id FROM orders WHERE customer = 1;
SELECT count(*) AS n FROM short;
COMMIT;
SELECT count(*) AS n FROM short;
CREATE TEMP TABLE emptied (id int) ON COMMIT DELETE ROWS;
BEGIN;
INSERT INTO emptied VALUES (1), (2);
SELECT count(*) AS two FROM emptied;
COMMIT;
SELECT count(*) AS zero FROM emptied;
BEGIN;
INSERT INTO picked VALUES (500, 'not kept');
CREATE TEMP TABLE never (a int);
ROLLBACK;
SELECT count(*) AS n FROM picked WHERE customer = 500;
SELECT a FROM never;
BEGIN;
INSERT INTO picked VALUES (501, 'kept');
UPDATE customers SET name = 'one' WHERE customer = 1;
SAVEPOINT here;
DELETE FROM picked;
ROLLBACK TO here;
COMMIT;
SELECT count(*) AS kept FROM picked WHERE customer = 501;
BEGIN;
INSERT INTO picked VALUES (502, 'kept'), (503, 'kept');
UPDATE customers SET name = 'all';
COMMIT;
SELECT count(*) AS kept, count(DISTINCT customer) AS customers FROM picked WHERE why = 'kept';
SELECT count(DISTINCT name) AS names FROM customers;

-- Views and sequences.
CREATE TEMP VIEW rich AS SELECT customer, total FROM orders WHERE total > 20;
SELECT customer, total FROM rich ORDER BY total;
DROP VIEW rich;
CREATE TEMP SEQUENCE steps START 10;
SELECT nextval('steps') >= 10 AS enough;
DROP SEQUENCE steps;

-- They go.
DROP TABLE picked, numbers;
SELECT customer FROM picked;
DROP TABLE IF EXISTS picked, best, chosen, shaped, emptied;
SELECT count(*) AS orders FROM orders;
CREATE TEMP TABLE discarded (a int);
DISCARD TEMP;
SELECT a FROM discarded;
