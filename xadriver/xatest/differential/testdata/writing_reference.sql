-- shard: key.sales=shop
-- shard: reference=units,codes,events
-- Writes to reference tables: they are made on every shard and must be the same
-- everywhere, whatever computes their values.

CREATE TABLE units (unit text PRIMARY KEY, factor numeric(12,4) NOT NULL DEFAULT 1, base text REFERENCES units (unit), CHECK (factor > 0));
CREATE TABLE codes (id serial PRIMARY KEY, code uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE, dice double precision DEFAULT random(), made timestamptz DEFAULT clock_timestamp(), word text);
CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), what text);
CREATE TABLE sales (shop int NOT NULL, no int NOT NULL, unit text REFERENCES units (unit), code uuid, amount int, PRIMARY KEY (shop, no));

INSERT INTO units (unit) VALUES ('m');
INSERT INTO units VALUES ('km', 1000, 'm'), ('cm', 0.01, 'm'), ('dm', 0.1, 'm') RETURNING unit, factor;
INSERT INTO units VALUES ('mile', 1609.344, 'm'), ('yard', DEFAULT, NULL);
INSERT INTO units SELECT unit || '²', factor * factor FROM units WHERE base = 'm' AND factor * factor < 1e6;
INSERT INTO units VALUES ('inch', 2.54, 'cm'), ('foot', 30.48, 'cm'), ('point', 0.0353, 'inch');
SELECT unit, factor, base FROM units ORDER BY unit COLLATE "C";
SELECT count(*) FROM units;

-- In vain.
INSERT INTO units VALUES ('m', 2);
INSERT INTO units VALUES ('x', 1, 'no such unit');
INSERT INTO units VALUES ('x', 0);
INSERT INTO units VALUES (NULL, 1);
INSERT INTO units VALUES ('y', 1), ('z', -1);
DELETE FROM units WHERE unit = 'm';
UPDATE units SET unit = 'metre' WHERE unit = 'm';
UPDATE units SET factor = 0;
SELECT count(*) FROM units;

-- UPDATE and DELETE.
UPDATE units SET factor = factor * 2 WHERE unit LIKE '%²' RETURNING unit, factor;
UPDATE units u SET factor = u.factor * b.factor FROM units b WHERE b.unit = u.base AND u.base = 'cm';
-- args: 0.9144 | 'yard' | 'm'
UPDATE units SET factor = $1, base = $3 WHERE unit = $2;
UPDATE units SET factor = (SELECT count(*) FROM units) WHERE unit = 'point';
DELETE FROM units WHERE factor > 1e6 RETURNING unit;
DELETE FROM units WHERE base = 'inch';
SELECT unit, factor, base FROM units ORDER BY factor, unit COLLATE "C";

-- Values that nobody can foresee are still the same on every shard: rows of all
-- shards find them by a join.
INSERT INTO codes (word) SELECT 'word ' || n FROM generate_series(1, 10) AS n;
INSERT INTO codes (word) VALUES ('apple'), ('pear'), ('plum');
INSERT INTO codes (word, code, dice) VALUES ('explicit', gen_random_uuid(), random() * 100), ('zero', '00000000-0000-0000-0000-000000000000', 0);
INSERT INTO codes DEFAULT VALUES;
SELECT count(*) AS n, count(DISTINCT id) AS ids, count(DISTINCT code) AS codes, count(DISTINCT dice) > 5 AS dices, bool_and(made <= clock_timestamp()) AS past, count(word) AS words FROM codes;
INSERT INTO sales SELECT n, 1, 'm', c.code, n * 2 FROM generate_series(1, 16) AS n JOIN codes c ON c.word = 'word ' || (1 + n % 10);
INSERT INTO sales (shop, no, code) SELECT 100 + n, 1, (SELECT code FROM codes WHERE word = 'plum') FROM generate_series(1, 8) AS n;
SELECT s.shop, c.word FROM sales s JOIN codes c ON c.code = s.code ORDER BY s.shop;
SELECT c.word, count(*) AS n, sum(s.amount) AS amount FROM codes c LEFT JOIN sales s ON s.code = c.code WHERE c.word < 'plum' GROUP BY c.word ORDER BY c.word;
UPDATE codes SET code = gen_random_uuid(), dice = random() WHERE word = 'apple';
UPDATE sales s SET code = c.code FROM codes c WHERE c.word = 'apple' AND s.shop > 100;
UPDATE codes SET dice = random() + 10;
SELECT count(*) AS n FROM sales s JOIN codes c USING (code) WHERE c.word = 'apple';
SELECT count(*) AS n FROM sales s JOIN codes c USING (code) WHERE c.dice >= 10 AND c.dice < 11;
UPDATE sales s SET amount = 7 FROM codes c WHERE c.code = s.code AND c.id > 0 AND c.word = 'apple';
SELECT count(*) AS n, sum(amount) AS amount FROM sales;
INSERT INTO events (what) VALUES ('first'), ('second'), ('third') RETURNING what, at = now() AS now;
INSERT INTO events (what, at) VALUES ('old', now() - interval '1 year'), ('fixed', '2020-02-02 02:02:02+00');
INSERT INTO events (id, what) VALUES (1000000, 'by hand');
INSERT INTO events (id, what) OVERRIDING SYSTEM VALUE VALUES (1000000, 'by hand');
UPDATE events SET at = now() WHERE what = 'second';
SELECT what, at < now() - interval '300 days' AS old FROM events ORDER BY what;
SELECT count(*) AS n, count(DISTINCT id) AS ids, max(id) >= 1000000 AS high FROM events;
DELETE FROM codes WHERE word IS NULL OR word LIKE 'word 1%';
SELECT count(*) AS n, count(c.code) AS found FROM sales s LEFT JOIN codes c ON c.code = s.code;

-- In one transaction with sharded rows.
BEGIN;
INSERT INTO units VALUES ('ell', 1.1430, 'm');
INSERT INTO sales (shop, no, unit) VALUES (1, 2, 'ell'), (2, 2, 'ell'), (3, 2, 'ell'), (4, 2, 'ell');
SELECT s.shop, u.factor FROM sales s JOIN units u ON u.unit = s.unit WHERE s.no = 2 ORDER BY s.shop;
DELETE FROM units WHERE unit = 'ell';
ROLLBACK;
SELECT count(*) AS n FROM sales WHERE unit = 'ell';
INSERT INTO sales (shop, no, unit) VALUES (1, 3, 'ell');
INSERT INTO sales (shop, no, unit) VALUES (1, 3, 'foot'), (2, 3, 'inch'), (9, 3, NULL);
DELETE FROM units WHERE unit IN ('foot', 'mile');
DELETE FROM units WHERE unit = 'mile';
SELECT u.unit, count(s.no) AS n FROM units u LEFT JOIN sales s ON s.unit = u.unit GROUP BY u.unit ORDER BY u.unit COLLATE "C";
SELECT unit FROM units ORDER BY unit FOR UPDATE;
SELECT unit FROM units WHERE unit = 'cm' FOR SHARE;
WITH gone AS (DELETE FROM events WHERE what = 'old' RETURNING what) SELECT what FROM gone;
WITH new AS (INSERT INTO units VALUES ('rod', 5.0292, 'm') RETURNING unit, factor) SELECT n.unit, n.factor, count(*) AS shops FROM new n, sales s WHERE s.no = 1 GROUP BY n.unit, n.factor;
SELECT count(*) FROM units;
