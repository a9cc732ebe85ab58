-- shard: key.wares=ware
-- shard: key.deliveries=ware
-- shard: key.days=day
-- shard: reference=regions
-- MERGE: joined by the key, from VALUES, from queries, into reference and
-- unsharded tables; every kind of branch.

CREATE TABLE regions (region text PRIMARY KEY, open boolean, visits int DEFAULT 0);
CREATE TABLE wares (ware int PRIMARY KEY, stock int NOT NULL DEFAULT 0 CHECK (stock >= 0), name text DEFAULT 'new', region text);
CREATE TABLE deliveries (ware int NOT NULL, amount int, region text);
CREATE TABLE days (day date PRIMARY KEY, amount int);
CREATE TABLE board (slot int PRIMARY KEY, value text);

INSERT INTO regions VALUES ('north', true), ('south', false), ('west', NULL);
INSERT INTO wares SELECT n, n * 10, 'ware ' || n, CASE WHEN n % 2 = 0 THEN 'north' ELSE 'south' END FROM generate_series(1, 10) AS n;
INSERT INTO deliveries VALUES (1, 5, 'north'), (2, -20, 'south'), (3, NULL, 'west'), (11, 7, 'north'), (12, NULL, NULL), (4, -5, 'north');
INSERT INTO board VALUES (1, 'one'), (2, 'two');

-- A source with the same key.
MERGE INTO wares w USING deliveries d ON w.ware = d.ware
    WHEN MATCHED AND d.amount IS NULL THEN DO NOTHING
    WHEN MATCHED AND w.stock + d.amount = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET stock = w.stock + d.amount, region = d.region
    WHEN NOT MATCHED AND d.amount IS NOT NULL THEN INSERT (ware, stock, region) VALUES (d.ware, d.amount, d.region)
    WHEN NOT MATCHED THEN DO NOTHING;
SELECT ware, stock, name, region FROM wares ORDER BY ware;
SELECT count(*) AS n, sum(stock) AS stock FROM wares;
MERGE INTO wares w USING deliveries d ON w.ware = d.ware AND d.region = 'north'
    WHEN MATCHED THEN UPDATE SET name = w.name || '*';
SELECT ware, name FROM wares WHERE name LIKE '%*' ORDER BY ware;

-- A source that is a query over the same key.
MERGE INTO wares USING (SELECT ware, count(*) AS n, sum(amount) AS total FROM deliveries GROUP BY ware) AS s ON s.ware = wares.ware
    WHEN MATCHED THEN UPDATE SET stock = coalesce(s.total, 0)::int + 100
    WHEN NOT MATCHED THEN INSERT VALUES (s.ware, 0, 'from a query', DEFAULT);
SELECT ware, stock, name, region FROM wares ORDER BY ware;

-- One row of one key.
MERGE INTO wares w USING (SELECT 5 AS ware, 50 AS stock) s ON w.ware = s.ware AND w.ware = 5
    WHEN MATCHED AND w.stock = s.stock THEN UPDATE SET name = 'five'
    WHEN NOT MATCHED THEN INSERT (ware) VALUES (s.ware);
-- args: 20 | 7
MERGE INTO wares w USING (SELECT $1::int AS ware, $2::int AS add) s ON w.ware = s.ware
    WHEN MATCHED THEN UPDATE SET stock = w.stock + s.add
    WHEN NOT MATCHED THEN INSERT (ware, stock) VALUES (s.ware, s.add);
-- args: 20 | 8
MERGE INTO wares w USING (SELECT $1::int AS ware, $2::int AS add) s ON w.ware = s.ware
    WHEN MATCHED THEN UPDATE SET stock = w.stock + s.add
    WHEN NOT MATCHED THEN INSERT (ware, stock) VALUES (s.ware, s.add);
SELECT ware, stock, name FROM wares WHERE ware IN (5, 20) ORDER BY ware;

-- VALUES.
MERGE INTO wares w USING (VALUES (1, 'uno'), (2, 'due'), (30, 'trenta'), (31, NULL)) AS v(ware, name) ON v.ware = w.ware
    WHEN MATCHED THEN UPDATE SET name = v.name
    WHEN NOT MATCHED AND v.name IS NOT NULL THEN INSERT (name, ware, stock) VALUES (upper(v.name), v.ware, length(v.name))
    WHEN NOT MATCHED THEN INSERT (ware, stock) VALUES (v.ware, DEFAULT);
SELECT ware, stock, name FROM wares WHERE ware IN (1, 2, 30, 31) ORDER BY ware;
MERGE INTO wares w USING (VALUES (6), (7), (8), (9)) AS v(ware) ON v.ware = w.ware WHEN MATCHED AND w.stock > 75 THEN DELETE;
MERGE INTO wares w USING (VALUES (100), (101)) AS v(ware) ON v.ware = w.ware WHEN MATCHED THEN DELETE;
MERGE INTO wares w USING generate_series(40, 44) AS g(n) ON w.ware = g.n WHEN NOT MATCHED THEN INSERT (ware, stock) VALUES (n, n * 2);
SELECT ware, stock, name FROM wares ORDER BY ware;

-- Joined by something else.
MERGE INTO wares w USING regions r ON r.region = w.region
    WHEN MATCHED AND r.open THEN UPDATE SET name = 'open ' || w.name
    WHEN MATCHED THEN UPDATE SET region = upper(w.region);
MERGE INTO wares w USING board b ON b.slot = w.ware WHEN MATCHED THEN UPDATE SET name = b.value WHEN NOT MATCHED THEN DO NOTHING;
MERGE INTO days USING (SELECT DATE '2024-01-01' + ware % 3 AS day, sum(stock)::int AS amount FROM wares GROUP BY 1) AS s ON s.day = days.day
    WHEN MATCHED THEN UPDATE SET amount = days.amount + s.amount
    WHEN NOT MATCHED THEN INSERT VALUES (s.day, s.amount);
SELECT ware, name, region FROM wares ORDER BY ware;
SELECT day, amount FROM days ORDER BY day;

-- Reference and unsharded targets.
MERGE INTO regions r USING (VALUES ('north', 3), ('east', 4)) AS v(region, n) ON v.region = r.region
    WHEN MATCHED THEN UPDATE SET visits = r.visits + v.n
    WHEN NOT MATCHED THEN INSERT (region, visits) VALUES (v.region, v.n);
MERGE INTO regions r USING (SELECT region, count(*) AS n FROM wares WHERE region IS NOT NULL GROUP BY region) s ON s.region = r.region
    WHEN MATCHED THEN UPDATE SET visits = s.n
    WHEN NOT MATCHED THEN INSERT (region, open, visits) VALUES (s.region, true, s.n);
MERGE INTO regions USING (VALUES ('west')) AS v(region) ON v.region = regions.region WHEN MATCHED THEN DELETE;
SELECT region, open, visits FROM regions ORDER BY region COLLATE "C";
MERGE INTO board b USING (VALUES (2, 'zwei'), (3, 'drei')) AS v(slot, value) ON v.slot = b.slot
    WHEN MATCHED THEN UPDATE SET value = v.value
    WHEN NOT MATCHED THEN INSERT VALUES (v.slot, v.value);
MERGE INTO board b USING wares w ON w.ware = b.slot
    WHEN MATCHED AND w.stock > 102 THEN UPDATE SET value = b.value || ' ' || w.stock
    WHEN NOT MATCHED AND w.ware > 41 THEN INSERT VALUES (w.ware, w.name);
SELECT slot, value FROM board ORDER BY slot;

-- In vain.
MERGE INTO wares w USING (VALUES (1, 1), (1, 2)) AS v(ware, add) ON v.ware = w.ware WHEN MATCHED THEN UPDATE SET stock = v.add;
MERGE INTO wares w USING (VALUES (50), (50)) AS v(ware) ON v.ware = w.ware WHEN NOT MATCHED THEN INSERT (ware) VALUES (v.ware);
MERGE INTO wares w USING (VALUES (1)) AS v(ware) ON v.ware = w.ware WHEN MATCHED THEN UPDATE SET stock = -1;
MERGE INTO wares w USING (VALUES (51)) AS v(ware) ON v.ware = w.ware WHEN NOT MATCHED THEN INSERT (stock) VALUES (1);
MERGE INTO wares w USING nowhere n ON n.ware = w.ware WHEN MATCHED THEN DELETE;
MERGE INTO wares w USING (VALUES (1)) AS v(ware) ON v.ware = w.ware WHEN MATCHED THEN DO NOTHING WHEN MATCHED THEN DELETE;
SELECT count(*) AS n, sum(stock) AS stock, count(DISTINCT region) AS regions FROM wares;

-- In a transaction.
BEGIN;
MERGE INTO wares w USING deliveries d ON w.ware = d.ware WHEN MATCHED THEN DELETE;
SELECT count(*) FROM wares;
ROLLBACK;
WITH s AS (SELECT ware, max(amount) AS amount FROM deliveries WHERE ware < 3 GROUP BY ware)
MERGE INTO wares w USING s ON s.ware = w.ware WHEN MATCHED THEN UPDATE SET stock = abs(s.amount);
SELECT ware, stock FROM wares WHERE ware < 5 ORDER BY ware;
SELECT count(*) FROM wares;
