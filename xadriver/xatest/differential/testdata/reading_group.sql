-- shard: key.sales=region
-- shard: key.clients=id
-- shard: key.gone=k
-- shard: reference=kinds
-- GROUP BY and HAVING: by columns, expressions, positions, aliases, keys, and nothing.
CREATE TABLE sales (region text NOT NULL, no int NOT NULL, kind text, client int, qty int, price numeric(7,2), sold date, ok bool, PRIMARY KEY (region, no));
CREATE TABLE clients (id int PRIMARY KEY, name text, town text, level smallint);
CREATE TABLE gone (k int PRIMARY KEY, kind text, n int);
CREATE TABLE kinds (kind text PRIMARY KEY, label text);
INSERT INTO sales SELECT 'north', i, CASE i % 4 WHEN 0 THEN 'toy' WHEN 1 THEN 'Tea' WHEN 2 THEN 'tea' END, i % 5, i % 3, (i % 6) * 1.10, date '2024-01-28' + i, i % 2 = 0 FROM generate_series(1, 20) i;
INSERT INTO sales VALUES
  ('south', 1, 'toy', 1, 5, 2.20, '2024-02-01', true), ('south', 2, 'tea', NULL, NULL, 9.90, '2024-02-29', NULL), ('south', 3, NULL, 2, 1, NULL, NULL, false),
  ('east', 1, 'map', 7, 2, 0.00, '2023-12-31', true), ('east', 2, 'toy', 1, 5, 2.20, '2024-02-01', true),
  ('west', 1, NULL, NULL, NULL, NULL, NULL, NULL), ('Ålesund', 1, 'tea', 9, 100, 0.01, '2024-01-29', false);
INSERT INTO clients VALUES (1, 'ann', 'Rome', 1), (2, 'bob', 'rome', 2), (3, 'cal', NULL, 1), (4, 'ann', 'Oslo', NULL), (5, NULL, 'Rome', 1), (9, 'eva', 'Rome', 2);
INSERT INTO kinds VALUES ('tea', 'Tea, loose'), ('Tea', 'Tea, bags'), ('toy', NULL), ('ink', 'Ink');

SELECT region, count(*) FROM sales GROUP BY region;
SELECT region, count(*) FROM sales GROUP BY region ORDER BY region;
SELECT kind, count(*) FROM sales GROUP BY kind;
SELECT kind, count(*) FROM sales GROUP BY kind ORDER BY kind;
SELECT kind, count(*) FROM sales GROUP BY kind ORDER BY kind DESC;
SELECT kind, count(*) FROM sales GROUP BY kind ORDER BY kind COLLATE "C" NULLS FIRST;
SELECT kind, count(*) AS n FROM sales GROUP BY kind ORDER BY n DESC, kind;
SELECT kind, count(*) FROM sales GROUP BY kind ORDER BY count(*), kind DESC;
SELECT kind, sum(qty), min(price), max(price) FROM sales GROUP BY kind ORDER BY 1;
SELECT kind, avg(qty), count(qty), count(*) FROM sales GROUP BY kind ORDER BY 1;
SELECT kind FROM sales GROUP BY kind;
SELECT kind FROM sales GROUP BY kind ORDER BY max(no) DESC, kind;
SELECT count(*) FROM sales GROUP BY kind ORDER BY kind;
SELECT count(*) FROM sales GROUP BY kind;
SELECT 1 FROM sales GROUP BY kind;
SELECT region, kind, count(*) FROM sales GROUP BY region, kind ORDER BY region, kind;
SELECT kind, region, count(*) FROM sales GROUP BY kind, region ORDER BY 2 DESC, 1 NULLS FIRST;
SELECT kind, qty, count(*) FROM sales GROUP BY kind, qty ORDER BY kind, qty;
SELECT qty, kind, sum(price) FROM sales GROUP BY kind, qty ORDER BY qty NULLS FIRST, kind;
SELECT ok, count(*), bool_and(qty > 0) FROM sales GROUP BY ok ORDER BY ok;
SELECT sold, count(*) FROM sales GROUP BY sold ORDER BY sold LIMIT 5;
SELECT client, count(*), sum(qty * price) FROM sales GROUP BY client ORDER BY client;
SELECT price, count(*) FROM sales GROUP BY price ORDER BY price;

-- expressions, positions, aliases
SELECT lower(kind), count(*) FROM sales GROUP BY lower(kind) ORDER BY lower(kind);
SELECT lower(kind) AS k, count(*) FROM sales GROUP BY k ORDER BY k;
SELECT lower(kind), count(*) FROM sales GROUP BY 1 ORDER BY 1;
SELECT lower(kind) || '!', count(*) FROM sales GROUP BY lower(kind) ORDER BY 1;
SELECT upper(lower(kind)) AS u, sum(qty) FROM sales GROUP BY lower(kind) ORDER BY u;
SELECT qty % 2 AS odd, count(*) FROM sales GROUP BY qty % 2 ORDER BY odd;
SELECT qty % 2 + 10, count(*) FROM sales GROUP BY qty % 2 ORDER BY 1;
SELECT extract(month FROM sold) AS m, count(*) FROM sales GROUP BY extract(month FROM sold) ORDER BY m;
SELECT date_trunc('month', sold) AS m, sum(qty) FROM sales GROUP BY 1 ORDER BY 1;
SELECT CASE WHEN qty > 1 THEN 'many' WHEN qty IS NULL THEN 'unknown' ELSE 'few' END AS size, count(*) FROM sales GROUP BY size ORDER BY size;
SELECT kind IS NULL AS none, count(*) FROM sales GROUP BY kind IS NULL ORDER BY none;
SELECT coalesce(kind, 'none'), count(*) FROM sales GROUP BY coalesce(kind, 'none') ORDER BY 1;
SELECT length(kind) AS l, qty > 1 AS q, count(*) FROM sales GROUP BY l, q ORDER BY l, q;
SELECT max(kind) AS region, count(*) FROM sales GROUP BY region ORDER BY 2, 1;
SELECT kind AS region, count(*) FROM sales GROUP BY region ORDER BY 2, 1;
SELECT lower(kind) AS kind, count(*) FROM sales GROUP BY kind ORDER BY kind, count(*);
SELECT kind, count(*) FROM sales s GROUP BY s.kind ORDER BY s.kind;
SELECT s.kind, count(*) FROM sales s GROUP BY kind ORDER BY 2 DESC, 1;
SELECT (kind, qty), count(*) FROM sales GROUP BY kind, qty ORDER BY kind, qty;
SELECT kind, count(*) FROM sales GROUP BY (kind) ORDER BY kind;
SELECT kind, qty, count(*) FROM sales GROUP BY (kind, qty) ORDER BY kind, qty;
SELECT kind, kind, count(*) FROM sales GROUP BY kind, kind ORDER BY 1;
SELECT DISTINCT kind, count(*) FROM sales GROUP BY kind, qty ORDER BY kind, count(*);
SELECT count(*) FROM sales GROUP BY ();
SELECT sum(qty) FROM sales WHERE false GROUP BY ();
SELECT 'all' AS what, count(*) FROM sales GROUP BY what;
SELECT NULL AS what, count(*) FROM sales GROUP BY 1;
-- args: 2
SELECT qty + $1::int AS q, count(*) FROM sales GROUP BY q ORDER BY q;
-- args: 2
SELECT qty % $1::int, count(*) FROM sales GROUP BY 1 ORDER BY 1;
-- args: 'tea' | 0
SELECT region, sum(qty) FROM sales WHERE kind = $1 AND qty > $2 GROUP BY region ORDER BY region;

-- by the key, and functional dependency
SELECT id, name, town FROM clients GROUP BY id ORDER BY id;
SELECT id, upper(name), count(*) FROM clients GROUP BY id ORDER BY name, id;
SELECT c.*, count(*) FROM clients c GROUP BY c.id ORDER BY c.id;
SELECT region, no, kind, qty * 2 FROM sales GROUP BY region, no ORDER BY region, no LIMIT 6;
SELECT region, max(no) - count(*) AS gap FROM sales GROUP BY region ORDER BY gap, region;
SELECT region || '/' || kind, count(*) FROM sales GROUP BY region, kind ORDER BY 1, 2;
SELECT town, count(*), min(name) FROM clients GROUP BY town ORDER BY town;
SELECT lower(town) AS t, array_agg(id ORDER BY id) FROM clients GROUP BY t ORDER BY t;
SELECT level, count(town), sum(id) FROM clients GROUP BY level ORDER BY level NULLS FIRST;
SELECT name FROM clients GROUP BY name HAVING count(*) > 1 ORDER BY name;

-- having
SELECT kind, count(*) FROM sales GROUP BY kind HAVING count(*) > 4 ORDER BY kind;
SELECT kind FROM sales GROUP BY kind HAVING count(*) > 4 ORDER BY kind;
SELECT kind FROM sales GROUP BY kind HAVING sum(qty) > 5 AND min(price) < 1 ORDER BY kind;
SELECT kind, sum(qty) FROM sales GROUP BY kind HAVING kind IS NOT NULL ORDER BY kind;
SELECT kind, sum(qty) FROM sales GROUP BY kind HAVING kind LIKE 't%' OR count(*) = 1 ORDER BY kind;
SELECT kind, sum(qty) FROM sales GROUP BY kind HAVING avg(price) > 2.5 ORDER BY sum(qty) DESC, kind;
SELECT kind FROM sales GROUP BY kind HAVING bool_or(ok) ORDER BY kind;
SELECT kind FROM sales GROUP BY kind HAVING count(DISTINCT region) > 1 ORDER BY kind;
SELECT kind FROM sales GROUP BY kind HAVING NULL;
SELECT kind FROM sales GROUP BY kind HAVING false;
SELECT kind FROM sales GROUP BY kind HAVING true ORDER BY kind;
SELECT region FROM sales GROUP BY region HAVING max(qty) >= 5 ORDER BY region;
SELECT count(*) FROM sales HAVING count(*) > 5;
SELECT count(*) FROM sales HAVING count(*) > 500;
SELECT 'yes' FROM sales HAVING sum(qty) > 5;
SELECT 1 HAVING true;
SELECT sum(qty) FROM sales WHERE kind = 'none' HAVING sum(qty) IS NULL;
-- args: 4
SELECT kind, count(*) FROM sales GROUP BY kind HAVING count(*) >= $1 ORDER BY kind;
-- args: 'tea'
SELECT kind, count(*) FROM sales GROUP BY kind HAVING kind = $1;
SELECT kind, count(*) FROM sales WHERE region = 'north' GROUP BY kind HAVING count(*) > 3 ORDER BY kind;
SELECT lower(kind) AS k FROM sales GROUP BY k HAVING sum(price) > 10 ORDER BY k;

-- no rows, few rows, a pinned key
SELECT kind, count(*) FROM gone GROUP BY kind;
SELECT count(*), sum(n), kind FROM gone GROUP BY kind ORDER BY kind;
SELECT count(*), sum(n), max(kind) FROM gone;
SELECT count(*) FROM gone GROUP BY ();
SELECT count(*) FROM gone HAVING count(*) = 0;
SELECT k, kind FROM gone GROUP BY k ORDER BY k;
SELECT kind, count(*) FROM sales WHERE qty = 12345 GROUP BY kind;
SELECT kind, sum(qty) FROM sales WHERE region = 'south' GROUP BY kind ORDER BY kind;
SELECT kind, sum(qty) FROM sales WHERE region IN ('south', 'east') GROUP BY kind ORDER BY kind;
SELECT kind, sum(qty) FROM sales WHERE region IN ('south', 'east') GROUP BY kind ORDER BY sum(qty) DESC NULLS LAST LIMIT 1;
SELECT kind, count(*) FROM sales WHERE region = 'nowhere' GROUP BY kind;

-- more than one way to group
SELECT kind, ok, count(*) FROM sales GROUP BY GROUPING SETS ((kind), (ok), ()) ORDER BY kind, ok, count(*);
SELECT kind, ok, count(*), grouping(kind, ok) FROM sales GROUP BY ROLLUP (kind, ok) ORDER BY grouping(kind, ok), kind, ok;
SELECT kind, qty, sum(price) FROM sales GROUP BY CUBE (kind, qty) ORDER BY grouping(kind), grouping(qty), kind, qty;
SELECT grouping(kind), count(*) FROM sales GROUP BY GROUPING SETS (kind, ()) ORDER BY 1, 2;
SELECT kind, count(*) FROM gone GROUP BY ROLLUP (kind);
SELECT region, kind, sum(qty) FROM sales GROUP BY region, ROLLUP (kind) ORDER BY region, grouping(kind), kind;

-- with a reference table
SELECT k.label, count(*), sum(s.qty) FROM sales s JOIN kinds k ON k.kind = s.kind GROUP BY k.label ORDER BY k.label;
SELECT k.kind, k.label, sum(s.qty) FROM sales s JOIN kinds k USING (kind) GROUP BY k.kind ORDER BY k.kind;
SELECT k.kind, count(s.no) FROM kinds k JOIN sales s ON s.kind = k.kind AND s.qty > 1 GROUP BY k.kind ORDER BY 2 DESC, 1;
SELECT s.kind, k.label, count(*) FROM sales s LEFT JOIN kinds k ON k.kind = s.kind GROUP BY s.kind, k.label ORDER BY s.kind;

-- mistakes
SELECT kind, qty FROM sales GROUP BY kind;
SELECT kind, count(*) FROM sales;
SELECT region, no, kind FROM sales GROUP BY region;
SELECT kind FROM sales GROUP BY count(*);
SELECT kind FROM sales GROUP BY 2;
SELECT kind, count(*) FROM sales GROUP BY 2;
SELECT kind FROM sales GROUP BY nobody;
SELECT kind FROM sales GROUP BY 'kind';
SELECT kind FROM sales HAVING count(*) > 1;
SELECT kind FROM sales GROUP BY kind HAVING qty > 1;
SELECT kind, count(*) AS n FROM sales GROUP BY kind HAVING n > 1;
SELECT kind FROM sales GROUP BY kind HAVING 1;
SELECT kind FROM sales GROUP BY kind ORDER BY qty;
SELECT kind FROM sales WHERE count(*) > 1 GROUP BY kind;
SELECT sum(count(*)) FROM sales GROUP BY kind;
SELECT lower(kind) FROM sales GROUP BY upper(kind);
SELECT kind, grouping(qty) FROM sales GROUP BY kind;
SELECT * FROM sales GROUP BY region;
