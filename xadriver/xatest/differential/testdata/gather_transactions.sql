-- shard: key.stock=item
-- shard: key.moves=id
-- shard: key.log=who
-- shard: reference=units
-- Reads inside a transaction after its own writes: gathered reads see them, also after SAVEPOINT and ROLLBACK TO.
CREATE TABLE stock (item text PRIMARY KEY, qty int, unit text, price numeric(8,2));
CREATE TABLE moves (id int PRIMARY KEY, item text, delta int);
CREATE TABLE log (who int NOT NULL, what text);
CREATE TABLE units (unit text PRIMARY KEY, label text);
CREATE TABLE counters (name text PRIMARY KEY, n int);
INSERT INTO units VALUES ('kg', 'kilo'), ('l', 'litre');
INSERT INTO stock SELECT 'i' || g, g * 10, (ARRAY['kg', 'l', NULL])[1 + g % 3], g + 0.25 FROM generate_series(1, 8) g;
INSERT INTO moves SELECT g, 'i' || (1 + g % 4), g - 5 FROM generate_series(1, 10) g;
INSERT INTO counters VALUES ('a', 1), ('b', 2);

-- one key, several keys, all keys
BEGIN;
UPDATE stock SET qty = 500 WHERE item = 'i2';
SELECT item, qty FROM stock ORDER BY qty DESC, item LIMIT 3;
SELECT sum(qty), count(*) FROM stock;
UPDATE stock SET qty = qty + 1 WHERE unit = 'kg';
SELECT unit, sum(qty) FROM stock GROUP BY unit ORDER BY unit;
DELETE FROM stock WHERE item IN ('i1', 'i3', 'i5');
SELECT s.item, count(m.id) FROM stock s LEFT JOIN moves m ON m.item = s.item GROUP BY s.item ORDER BY s.item;
INSERT INTO stock VALUES ('i1', 7, 'l', 1), ('new', NULL, 'kg', NULL);
SELECT item, rank() OVER (ORDER BY qty DESC NULLS LAST) AS r FROM stock ORDER BY r, item;
SELECT (SELECT count(*) FROM stock WHERE qty IS NULL) AS open, (SELECT max(price) FROM stock) AS top;
SELECT item FROM stock EXCEPT SELECT item FROM moves ORDER BY item;
ROLLBACK;
SELECT count(*), sum(qty), max(item) FROM stock;
SELECT item, qty FROM stock WHERE item IN ('i1', 'i2', 'new') ORDER BY item;

-- savepoints
BEGIN;
INSERT INTO log VALUES (1, 'start'), (2, 'start');
SAVEPOINT one;
INSERT INTO log SELECT id, 'bulk' FROM moves;
SELECT what, count(*), min(who), max(who) FROM log GROUP BY what ORDER BY what;
SAVEPOINT two;
DELETE FROM log WHERE what = 'start';
UPDATE moves SET delta = 0 WHERE id > 5;
SELECT count(*), sum(delta) FROM moves;
SELECT what, count(*) FROM log GROUP BY what ORDER BY what;
ROLLBACK TO SAVEPOINT two;
SELECT what, count(*) FROM log GROUP BY what ORDER BY what;
SELECT count(*), sum(delta) FROM moves;
SELECT l.who, m.item FROM log l JOIN moves m ON m.id = l.who + 1 WHERE l.what = 'start' ORDER BY 1;
ROLLBACK TO one;
SELECT who, what FROM log ORDER BY who;
RELEASE SAVEPOINT one;
INSERT INTO log VALUES (3, 'late');
SELECT string_agg(who::text, ',' ORDER BY who) FROM log;
COMMIT;
SELECT who, what FROM log ORDER BY who;

-- an error between two savepoints
BEGIN;
UPDATE stock SET price = price * 2;
SAVEPOINT s;
SELECT 10 / (qty - 10) FROM stock;
SELECT count(*) FROM stock;
ROLLBACK TO s;
SELECT sum(price), count(*) FROM stock;
SELECT item FROM stock WHERE price > (SELECT avg(price) FROM stock) ORDER BY item;
INSERT INTO stock VALUES ('i1', 1, NULL, NULL);
ROLLBACK TO s;
SELECT max(price) FROM stock;
ROLLBACK;
SELECT max(price) FROM stock;

-- a failed transaction refuses reads
BEGIN;
INSERT INTO counters VALUES ('a', 9);
SELECT count(*) FROM stock;
SELECT 1;
COMMIT;
SELECT n FROM counters ORDER BY name;

-- reference and unsharded tables in the same transaction
BEGIN;
INSERT INTO units VALUES ('t', 'ton');
UPDATE stock SET unit = 't' WHERE qty > 60;
UPDATE counters SET n = (SELECT count(*) FROM stock WHERE unit = 't') WHERE name = 'a';
SELECT u.label, count(s.item) FROM units u LEFT JOIN stock s USING (unit) GROUP BY u.label ORDER BY u.label;
SELECT c.name, c.n, s.item FROM counters c LEFT JOIN stock s ON s.qty = c.n * 10 ORDER BY c.name;
DELETE FROM units WHERE unit = 'l';
SELECT s.item, u.label FROM stock s LEFT JOIN units u USING (unit) ORDER BY s.item;
COMMIT;
SELECT unit, label FROM units ORDER BY unit;
SELECT name, n FROM counters ORDER BY name;
SELECT unit, count(*) FROM stock GROUP BY unit ORDER BY unit;

-- a table made, filled, read and dropped in one transaction
BEGIN;
CREATE TABLE drafts (id int, t text);
INSERT INTO drafts SELECT g, 'd' || g FROM generate_series(1, 5) g;
SELECT max(id), string_agg(t, '' ORDER BY id DESC) FROM drafts;
SELECT d.id, m.delta FROM drafts d JOIN moves m ON m.id = d.id * 2 ORDER BY d.id;
TRUNCATE drafts;
SELECT count(*) FROM drafts;
ROLLBACK;
SELECT count(*) FROM drafts;

-- emptied tables
BEGIN;
DELETE FROM moves;
SELECT count(*), max(id), sum(delta) FROM moves;
SELECT item, count(*) FROM moves GROUP BY item;
SELECT s.item FROM stock s WHERE NOT EXISTS (SELECT 1 FROM moves m WHERE m.item = s.item) ORDER BY s.item LIMIT 3;
INSERT INTO moves VALUES (77, 'i9', 1);
SELECT m.id, s.qty FROM moves m FULL JOIN stock s ON s.item = m.item ORDER BY s.qty, m.id LIMIT 2;
ROLLBACK;
SELECT count(*), min(id), max(id) FROM moves;
BEGIN;
TRUNCATE log, moves;
SELECT (SELECT count(*) FROM log) AS l, (SELECT count(*) FROM moves) AS m;
ROLLBACK;
SELECT (SELECT count(*) FROM log) AS l, (SELECT count(*) FROM moves) AS m;

-- read only, isolation
BEGIN TRANSACTION READ ONLY;
SELECT count(*) FROM stock JOIN moves USING (item);
INSERT INTO log VALUES (9, 'no');
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT unit, max(qty) FROM stock GROUP BY unit ORDER BY unit;
UPDATE stock SET qty = -qty WHERE item IN ('i1', 'i8');
SELECT min(qty), max(qty) FROM stock;
SELECT item, qty, sum(qty) OVER (ORDER BY item) AS running FROM stock ORDER BY item;
COMMIT;
SELECT sum(qty) FROM stock;

-- with arguments
BEGIN;
-- args: 'i4' | 40
UPDATE stock SET qty = qty - $2 WHERE item = $1;
-- args: 0
SELECT item FROM stock WHERE qty = $1 ORDER BY item;
-- args: 'i4' | 5
SELECT (SELECT qty FROM stock WHERE item = $1) + $2::int AS a, count(*) FILTER (WHERE qty > $2) AS b, max(qty * $2) AS c FROM stock WHERE item <> $1 AND qty / $2 > 1;
-- args: 'kg' | NULL | 2
SELECT coalesce(unit, $1) AS u, count(*) FROM stock WHERE $2::text IS NULL OR item = $2 GROUP BY coalesce(unit, $1) HAVING count(*) >= $3 ORDER BY 1 LIMIT $3 + 1 OFFSET 0;
-- args: 'i%' | 'i'
SELECT replace(item, $2, 'n') AS n, $2::text || item AS p FROM stock WHERE item LIKE $1 AND starts_with(item, $2) ORDER BY replace(item, $2, 'n') DESC LIMIT 3;
-- args: 2.5 | true | '{i1,i7}'
SELECT item, price + $1 AS p, $2::bool AS t FROM stock WHERE item = ANY ($3) OR (price > $1 * 3 AND $2) ORDER BY item;
-- args: 3 | 3
SELECT a.id, b.id FROM moves a JOIN moves b ON a.item = b.item AND a.id < b.id WHERE a.id > $1 AND b.id - a.id > $2 ORDER BY 1, 2;
-- args: 0
SELECT qty / $1 FROM stock;
ROLLBACK;
-- args: 'x'
SELECT count(*) FROM stock WHERE qty = $1::int;
-- args: 1
SELECT count(*) FROM moves WHERE id = $1 OR delta = $1 OR item = 'i' || $1::int;
-- args: 1 | 2
SELECT $1::int AS a, $2::int AS b, $1::int + $2::int AS c FROM moves WHERE id BETWEEN $1 AND $2 ORDER BY id;
