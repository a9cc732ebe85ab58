-- shard: key.facts=owner
-- shard: key.people=id
-- shard: key.texts=id
-- shard: key.lonely=k
-- shard: key.tags=tag
-- shard: reference=cities
-- Thousands of rows, most of them under a few keys: gathered joins, groups, windows, sorts and wide rows that no single batch holds.
CREATE TABLE people (id int PRIMARY KEY, name text, city int, born date, boss int);
CREATE TABLE facts (owner int NOT NULL, n int NOT NULL, kind text, amount numeric(10,2), ref int, at timestamptz, PRIMARY KEY (owner, n));
CREATE TABLE texts (id int NOT NULL, body text, raw bytea, list int[]);
CREATE TABLE lonely (k int NOT NULL, n int);
CREATE TABLE tags (tag text NOT NULL, owner int);
CREATE TABLE cities (id int PRIMARY KEY, name text);
CREATE TABLE totals (kind text, n int);
INSERT INTO cities SELECT g, 'city ' || g FROM generate_series(1, 30) g;
INSERT INTO people SELECT g, 'person ' || (g * 7919) % 613, nullif((g * 31) % 37, 0), date '1950-01-01' + (g * 37) % 500, nullif(g / 3, 0) FROM generate_series(1, 600) g;
INSERT INTO facts SELECT CASE WHEN g % 10 < 6 THEN 7 WHEN g % 10 < 8 THEN 8 ELSE 1 + g % 600 END, g, (ARRAY['in', 'out', 'move', NULL])[1 + (g / 3) % 4], ((g * 7907) % 10007) / 4.0 - 500, nullif((g * 17) % 577, 0), timestamptz '2024-01-01 00:00+00' + g * interval '17 minutes' FROM generate_series(1, 6000) g;
INSERT INTO texts SELECT g, repeat(chr(97 + g % 26), 20000 + g * 100), decode(repeat(lpad(to_hex(g), 2, '0'), 5000), 'hex'), ARRAY(SELECT generate_series(1, g * 20)) FROM generate_series(1, 40) g;
INSERT INTO lonely SELECT 4711, g FROM generate_series(1, 3000) g;
INSERT INTO tags SELECT 'tag' || g % 50, g FROM generate_series(1, 900) g;
INSERT INTO totals VALUES ('in', 1), ('out', 2), (NULL, 3);

-- sorts and limits
SELECT owner, n, amount FROM facts ORDER BY amount DESC, n LIMIT 20;
SELECT n FROM facts ORDER BY n OFFSET 5990;
SELECT owner, n FROM facts ORDER BY kind NULLS FIRST, amount, n LIMIT 15 OFFSET 1500;
SELECT id, name FROM people ORDER BY name, id LIMIT 25;
SELECT n FROM lonely ORDER BY n DESC LIMIT 3;
SELECT n FROM facts WHERE amount > 1990 ORDER BY n;
SELECT id, name, city, born, boss FROM people;
SELECT owner, n, kind, amount, ref, at FROM facts ORDER BY n;
SELECT n FROM lonely;

-- groups
SELECT kind, count(*), sum(amount), min(at), max(at), count(DISTINCT owner) FROM facts GROUP BY kind ORDER BY kind;
SELECT owner, count(*), sum(amount) FROM facts GROUP BY owner ORDER BY count(*) DESC, owner LIMIT 12;
SELECT ref % 10 AS d, count(*), round(avg(amount), 6) FROM facts GROUP BY ref % 10 ORDER BY d;
SELECT date_trunc('week', at) AS w, count(*), sum(amount) FROM facts GROUP BY 1 ORDER BY 1;
SELECT owner % 3 AS o, kind, count(*) FROM facts GROUP BY CUBE (owner % 3, kind) ORDER BY grouping(owner % 3, kind), 1, 2;
SELECT count(DISTINCT amount), count(DISTINCT ref), count(DISTINCT kind), sum(DISTINCT ref) FROM facts;
SELECT n, count(*) FROM (SELECT count(*) AS n FROM facts GROUP BY owner) t GROUP BY n ORDER BY n;
SELECT length(string_agg(name, ',' ORDER BY id)), cardinality(array_agg(id)) FROM people;
SELECT count(*), sum(n), avg(n) FROM lonely;
SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY amount) FROM facts;
SELECT DISTINCT kind, owner % 2 AS odd FROM facts ORDER BY 1, 2;
SELECT DISTINCT ON (kind) kind, n, amount FROM facts ORDER BY kind, amount DESC, n;
SELECT variance(amount), stddev(ref), corr(ref, n) IS NULL AS c FROM facts;

-- joins
SELECT count(*), sum(f.amount) FROM facts f JOIN people p ON p.id = f.owner;
SELECT count(*), sum(f.amount) FROM facts f JOIN people p ON p.id = f.ref;
SELECT count(*), count(p.id), count(f.n) FROM facts f FULL JOIN people p ON p.id = f.ref;
SELECT c.name, count(*), sum(f.amount) FROM facts f JOIN people p ON p.id = f.ref JOIN cities c ON c.id = p.city GROUP BY c.name ORDER BY c.name;
SELECT p.id, count(f.n) FROM people p LEFT JOIN facts f ON f.ref = p.id AND f.kind = 'in' GROUP BY p.id ORDER BY 2 DESC, 1 LIMIT 10;
SELECT a.id, b.id FROM people a JOIN people b ON a.born = b.born AND a.id < b.id ORDER BY 1, 2;
SELECT count(*) FROM people a JOIN people b ON a.city = b.city AND a.born > b.born;
SELECT p.id FROM people p WHERE NOT EXISTS (SELECT 1 FROM facts f WHERE f.ref = p.id) ORDER BY p.id;
SELECT count(*) FROM facts f WHERE ref IN (SELECT id FROM people WHERE city = 5);
SELECT p.name, t.total FROM people p JOIN (SELECT ref, sum(amount) AS total FROM facts GROUP BY ref HAVING count(*) > 10) t ON t.ref = p.id ORDER BY t.total DESC, p.id LIMIT 8;
SELECT t.tag, count(*), sum(f.amount) FROM tags t JOIN facts f ON f.ref = t.owner GROUP BY t.tag ORDER BY t.tag COLLATE "C" LIMIT 12;
SELECT f.kind, x.n, count(*) FROM facts f LEFT JOIN totals x ON x.kind = f.kind GROUP BY f.kind, x.n ORDER BY 1, 2;
SELECT l.n, p.name FROM lonely l JOIN people p ON p.id = l.n WHERE l.n BETWEEN 590 AND 610 ORDER BY l.n;
SELECT p.id, v.n FROM people p, LATERAL (SELECT n FROM facts f WHERE f.ref = p.id ORDER BY amount DESC, n LIMIT 1) v WHERE p.id < 15 ORDER BY p.id;

-- windows, sets, recursion
SELECT * FROM (SELECT kind, n, amount, row_number() OVER (PARTITION BY kind ORDER BY amount DESC, n) AS r FROM facts) t WHERE r <= 3 ORDER BY kind, r;
SELECT max(running), min(running) FROM (SELECT sum(amount) OVER (ORDER BY n) AS running FROM facts) t;
SELECT owner, n, amount - lag(amount) OVER (PARTITION BY owner ORDER BY n) AS diff FROM facts WHERE owner IN (7, 8, 9) ORDER BY diff DESC NULLS LAST, n LIMIT 10;
SELECT count(*) FROM (SELECT ref FROM facts EXCEPT SELECT id FROM people) t;
SELECT count(*) FROM (SELECT owner FROM facts INTERSECT ALL SELECT id FROM people) t;
SELECT count(*) FROM (SELECT name FROM people UNION SELECT tag FROM tags UNION SELECT name FROM cities) t;
WITH RECURSIVE t AS (SELECT id, 1 AS depth FROM people WHERE boss IS NULL UNION ALL SELECT p.id, depth + 1 FROM people p JOIN t ON p.boss = t.id) SELECT depth, count(*), min(id), max(id) FROM t GROUP BY depth ORDER BY depth;
WITH f AS (SELECT owner, sum(amount) AS s FROM facts GROUP BY owner), g AS (SELECT avg(s) AS m FROM f) SELECT count(*) FROM f, g WHERE f.s > g.m;

-- wide rows
SELECT id, length(body) AS l, length(raw) AS b, cardinality(list) AS c FROM texts ORDER BY id;
SELECT id, body, raw FROM texts ORDER BY id DESC LIMIT 3;
SELECT md5(string_agg(body, '|' ORDER BY id)) FROM texts;
SELECT a.id, b.id FROM texts a JOIN texts b ON left(a.body, 20000) = left(b.body, 20000) AND a.id < b.id ORDER BY 1, 2;
SELECT body FROM texts WHERE id = 20;
SELECT max(body) = repeat('z', 22500) AS z, max(length(raw)) FROM texts;
SELECT sum(x) FROM texts, unnest(list) AS x;
SELECT list[400:405] AS part FROM texts WHERE cardinality(list) > 700 ORDER BY id;

-- errors late in the rows
SELECT 1 / (n - 5999) FROM facts;
SELECT n, 1 / (n - 6000) FROM facts ORDER BY n;
SELECT (CASE n WHEN 3000 THEN 'x' ELSE '1' END)::int FROM lonely;
SELECT f.n / (f.ref - 570) FROM facts f JOIN people p ON p.id = f.ref;
-- args: 7 | 100
SELECT count(*), max(n) FROM facts WHERE owner <> $1 AND amount > $2;
-- args: '{1,2,3,7,8,9,600,601}'
SELECT owner, count(*) FROM facts WHERE owner = ANY ($1) GROUP BY owner ORDER BY owner;
