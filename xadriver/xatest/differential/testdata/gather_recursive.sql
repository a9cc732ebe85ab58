-- shard: key.folders=id
-- shard: key.roads=start
-- shard: key.parts=maker
-- shard: reference=towns
-- WITH RECURSIVE: counters, trees whose rows lie on many shards, graphs with cycles, SEARCH and CYCLE.
CREATE TABLE folders (id int PRIMARY KEY, parent int, name text, size int);
CREATE TABLE roads (start text NOT NULL, stop text NOT NULL, miles int, PRIMARY KEY (start, stop));
CREATE TABLE parts (maker int NOT NULL, part text, needs text, n int);
CREATE TABLE towns (name text PRIMARY KEY, people int);
CREATE TABLE seeds (folder int);
INSERT INTO folders VALUES (1, NULL, 'root', 1), (2, 1, 'etc', 2), (3, 1, 'var', 4), (4, 3, 'log', 8), (5, 3, 'lib', 16), (6, 4, 'old', 32), (7, 2, 'ssl', 64), (8, 6, 'a', 1), (9, 6, 'a', 1),
  (20, NULL, 'other', 5), (21, 20, 'x', NULL), (30, 31, 'loop1', 1), (31, 30, 'loop2', 1), (40, 99, 'orphan', 7);
INSERT INTO roads VALUES ('a', 'b', 1), ('b', 'c', 2), ('c', 'a', 3), ('c', 'd', 4), ('d', 'e', 5), ('a', 'd', 9), ('x', 'y', 1), ('e', 'e', 0);
INSERT INTO parts VALUES (1, 'bike', 'wheel', 2), (1, 'bike', 'frame', 1), (2, 'wheel', 'spoke', 20), (2, 'wheel', 'tyre', 1), (3, 'tyre', 'rubber', 3), (3, 'frame', 'tube', 4), (3, 'frame', 'bolt', 8), (2, 'wheel', 'bolt', 2);
INSERT INTO towns VALUES ('a', 10), ('b', 20), ('c', 30), ('d', 40), ('y', 50);
INSERT INTO seeds VALUES (3), (20), (NULL);

-- counters
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT n FROM t ORDER BY n;
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n * 2 FROM t WHERE n < 100) SELECT sum(n), count(*) FROM t;
WITH RECURSIVE t(n) AS (SELECT 0 UNION SELECT (n + 3) % 7 FROM t) SELECT n FROM t ORDER BY n;
WITH RECURSIVE f(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM f WHERE b < 60) SELECT a FROM f ORDER BY a;
WITH RECURSIVE t(n) AS (SELECT count(*) FROM folders UNION ALL SELECT n - 1 FROM t WHERE n > 10) SELECT n FROM t ORDER BY n;
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n FROM t LIMIT 4;
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 12) SELECT t.n, f.name FROM t LEFT JOIN folders f ON f.id = t.n ORDER BY t.n;
-- args: 3
WITH RECURSIVE t(n) AS (SELECT $1::int UNION ALL SELECT n + 1 FROM t WHERE n < $1::int + 3) SELECT f.id, f.name FROM folders f JOIN t ON t.n = f.id ORDER BY 1;

-- trees
WITH RECURSIVE t AS (SELECT id, name FROM folders WHERE id = 1 UNION ALL SELECT f.id, f.name FROM folders f JOIN t ON f.parent = t.id) SELECT * FROM t ORDER BY id;
WITH RECURSIVE t(id, path, depth) AS (SELECT id, name, 0 FROM folders WHERE parent IS NULL UNION ALL SELECT f.id, t.path || '/' || f.name, depth + 1 FROM folders f, t WHERE f.parent = t.id) SELECT path, depth, id FROM t ORDER BY path, id;
WITH RECURSIVE t AS (SELECT id, parent, name FROM folders WHERE id = 8 UNION ALL SELECT f.id, f.parent, f.name FROM folders f JOIN t ON f.id = t.parent) SELECT name FROM t ORDER BY id;
WITH RECURSIVE t(top, id, size) AS (SELECT id, id, size FROM folders WHERE id < 30 UNION ALL SELECT t.top, f.id, f.size FROM folders f JOIN t ON f.parent = t.id) SELECT top, count(*), sum(size) FROM t GROUP BY top ORDER BY top;
WITH RECURSIVE t AS (SELECT id, 0 AS depth FROM folders WHERE parent IS NULL UNION ALL SELECT f.id, depth + 1 FROM folders f JOIN t ON f.parent = t.id) SELECT depth, count(*), array_agg(id ORDER BY id) FROM t GROUP BY depth ORDER BY depth;
WITH RECURSIVE t AS (SELECT f.id, f.parent FROM folders f JOIN seeds s ON s.folder = f.id UNION SELECT f.id, f.parent FROM folders f JOIN t ON f.parent = t.id) SELECT id FROM t ORDER BY id;
WITH RECURSIVE t AS (SELECT id, ARRAY[id] AS path FROM folders WHERE parent IS NULL UNION ALL SELECT f.id, t.path || f.id FROM folders f JOIN t ON f.parent = t.id) SELECT path FROM t ORDER BY path;
WITH RECURSIVE t AS (SELECT id, parent FROM folders WHERE id = 31 UNION SELECT f.id, f.parent FROM folders f JOIN t ON f.parent = t.id) SELECT id FROM t ORDER BY id;
SELECT f.id, (WITH RECURSIVE u AS (SELECT f.id AS id UNION SELECT g.id FROM folders g JOIN u ON g.parent = u.id) SELECT count(*) - 1 FROM u) AS below FROM folders f ORDER BY f.id;
SELECT id FROM folders WHERE id NOT IN (WITH RECURSIVE t AS (SELECT id FROM folders WHERE parent IS NULL UNION ALL SELECT f.id FROM folders f JOIN t ON f.parent = t.id) SELECT id FROM t) ORDER BY id;
WITH RECURSIVE t AS (SELECT id, name, 1 AS depth FROM folders WHERE id = 1 UNION ALL (SELECT f.id, f.name, depth + 1 FROM folders f JOIN t ON f.parent = t.id WHERE depth < 3)) SELECT max(depth), string_agg(name, ',' ORDER BY id) FROM t;
-- args: 3 | 2
WITH RECURSIVE t AS (SELECT id, 0 AS d FROM folders WHERE id = $1 UNION ALL SELECT f.id, d + 1 FROM folders f JOIN t ON f.parent = t.id WHERE d < $2) SELECT id, d FROM t ORDER BY id;
WITH RECURSIVE t AS (SELECT id, size::bigint AS total FROM folders WHERE parent IS NULL UNION ALL SELECT f.id, t.total + coalesce(f.size, 0) FROM folders f JOIN t ON f.parent = t.id), leaf AS (SELECT t.* FROM t WHERE NOT EXISTS (SELECT 1 FROM folders f WHERE f.parent = t.id)) SELECT * FROM leaf ORDER BY id;

-- graphs
WITH RECURSIVE r(stop) AS (SELECT 'a' UNION SELECT roads.stop FROM roads JOIN r ON roads.start = r.stop) SELECT stop FROM r ORDER BY stop;
WITH RECURSIVE r AS (SELECT stop, miles, ARRAY['a', stop] AS path FROM roads WHERE start = 'a' UNION ALL SELECT d.stop, r.miles + d.miles, path || d.stop FROM roads d JOIN r ON d.start = r.stop WHERE d.stop <> ALL (path)) SELECT stop, min(miles) AS best, count(*) AS ways FROM r GROUP BY stop ORDER BY stop;
WITH RECURSIVE r AS (SELECT start, stop FROM roads UNION SELECT r.start, d.stop FROM r JOIN roads d ON d.start = r.stop) SELECT start, string_agg(stop, '' ORDER BY stop) AS reach FROM r GROUP BY start ORDER BY start;
WITH RECURSIVE r AS (SELECT start, stop, 1 AS hops FROM roads WHERE start = 'a' UNION ALL SELECT d.start, d.stop, hops + 1 FROM roads d JOIN r ON d.start = r.stop) CYCLE stop SET looped USING trail SELECT stop, hops, looped, trail FROM r ORDER BY hops, trail;
WITH RECURSIVE r AS (SELECT start, stop FROM roads WHERE start = 'a' UNION ALL SELECT d.start, d.stop FROM roads d JOIN r ON d.start = r.stop) CYCLE start, stop SET c TO 'yes' DEFAULT 'no' USING p SELECT start, stop, c FROM r WHERE c = 'yes' ORDER BY start, stop, array_length(p, 1);
WITH RECURSIVE t AS (SELECT id, parent FROM folders WHERE id = 30 UNION ALL SELECT f.id, f.parent FROM folders f JOIN t ON f.parent = t.id) CYCLE id SET again USING path SELECT id, again FROM t ORDER BY path;
WITH RECURSIVE t AS (SELECT id, name FROM folders WHERE id = 1 UNION ALL SELECT f.id, f.name FROM folders f JOIN t ON f.parent = t.id) SEARCH DEPTH FIRST BY id SET ord SELECT id, name FROM t ORDER BY ord;
WITH RECURSIVE t AS (SELECT id, name FROM folders WHERE id = 1 UNION ALL SELECT f.id, f.name FROM folders f JOIN t ON f.parent = t.id) SEARCH BREADTH FIRST BY name, id SET ord SELECT id, name, ord FROM t ORDER BY ord;
WITH RECURSIVE t AS (SELECT id FROM folders WHERE id IN (1, 30) UNION ALL SELECT f.id FROM folders f JOIN t ON f.parent = t.id) SEARCH DEPTH FIRST BY id SET ord CYCLE id SET loop USING path SELECT id, loop FROM t ORDER BY ord;
WITH RECURSIVE r AS (SELECT t.name FROM towns t WHERE people = 10 UNION SELECT d.stop FROM roads d JOIN r ON d.start = r.name) SELECT r.name, t.people FROM r LEFT JOIN towns t ON t.name = r.name ORDER BY 1;

-- explosion of parts, several recursive queries, and joins with the rest
WITH RECURSIVE e(part, needs, n) AS (SELECT part, needs, n FROM parts WHERE part = 'bike' UNION ALL SELECT p.part, p.needs, e.n * p.n FROM parts p JOIN e ON p.part = e.needs) SELECT needs, sum(n) FROM e GROUP BY needs ORDER BY needs;
WITH RECURSIVE e AS (SELECT maker, part, needs, 1 AS lvl FROM parts WHERE part = 'bike' UNION ALL SELECT p.maker, p.part, p.needs, lvl + 1 FROM parts p JOIN e ON p.part = e.needs) SELECT lvl, maker, count(*) FROM e GROUP BY ROLLUP (lvl, maker) ORDER BY lvl, maker;
WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 3), b(m) AS (SELECT n * 10 FROM a UNION ALL SELECT m + 1 FROM b WHERE m % 10 < 2) SELECT m FROM b ORDER BY m;
WITH RECURSIVE base AS (SELECT id FROM folders WHERE size > 10), t AS (SELECT id FROM base UNION SELECT f.parent FROM folders f JOIN t ON f.id = t.id WHERE f.parent IS NOT NULL) SELECT id FROM t ORDER BY id;
WITH RECURSIVE t AS (SELECT id, parent FROM folders WHERE id = 9 UNION ALL SELECT f.id, f.parent FROM folders f JOIN t ON f.id = t.parent) SELECT t.id, r.stop FROM t LEFT JOIN roads r ON r.miles = t.id ORDER BY 1, 2;
WITH RECURSIVE plain AS (SELECT count(*) AS n FROM roads) SELECT n FROM plain;
SELECT * FROM (WITH RECURSIVE t(n) AS (SELECT min(id) FROM folders UNION ALL SELECT n + 10 FROM t WHERE n < 35) SELECT n FROM t) x JOIN folders f ON f.id = x.n ORDER BY n;
WITH RECURSIVE folders AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM folders WHERE id < 3) SELECT * FROM folders ORDER BY id;
WITH RECURSIVE t AS (SELECT id FROM folders WHERE false UNION ALL SELECT f.id FROM folders f JOIN t ON f.parent = t.id) SELECT count(*) FROM t;

-- errors
WITH RECURSIVE t AS (SELECT id FROM folders WHERE id = 1 UNION ALL SELECT max(f.id) FROM folders f JOIN t ON f.parent = t.id) SELECT * FROM t;
WITH RECURSIVE t AS (SELECT id FROM t) SELECT * FROM t;
WITH RECURSIVE t AS (SELECT id FROM folders UNION ALL SELECT a.id FROM t a JOIN t b ON a.id = b.id) SELECT * FROM t;
WITH RECURSIVE t AS (SELECT f.id FROM folders f WHERE id = 1 UNION ALL SELECT f.id FROM folders f LEFT JOIN t ON f.parent = t.id) SELECT * FROM t;
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 0.5 FROM t WHERE n < 3) SELECT * FROM t;
WITH RECURSIVE t AS (SELECT id, 12 / (id - 3) AS q FROM folders WHERE id = 1 UNION ALL SELECT f.id, 12 / (f.id - 3) FROM folders f JOIN t ON f.parent = t.id) SELECT count(*) FROM t;
WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x FROM b), b AS (SELECT 1 AS x UNION ALL SELECT x FROM a) SELECT * FROM a;
WITH t AS (SELECT id FROM folders WHERE id = 1 UNION ALL SELECT f.id FROM folders f JOIN t ON f.parent = t.id) SELECT * FROM t;
