-- shard: key.t=id
-- shard: key.u=id
-- shard: reference=r
CREATE TABLE t (id int PRIMARY KEY, v int, x int, s text);
CREATE TABLE u (id int, n int, w int, s text, PRIMARY KEY (id, n));
CREATE TABLE r (v int PRIMARY KEY, name text);
CREATE TABLE h (v int PRIMARY KEY, name text);
INSERT INTO t SELECT i, i % 5, i % 3, 's' || (i % 4) FROM generate_series(1, 30) i;
INSERT INTO u SELECT i, n, i % 4, 'u' || (i % 3) FROM generate_series(1, 20) i, generate_series(1, 2) n WHERE i % 3 <> 0;
INSERT INTO r SELECT i, 'r' || i FROM generate_series(0, 4) i;
INSERT INTO h SELECT i, 'h' || i FROM generate_series(0, 4) i;
-- 5 group by a function's column
SELECT 1 AS g, count(*) FROM t, generate_series(1,3) AS g GROUP BY g;
SELECT 1 AS g, count(*) FROM t, generate_series(1,3) AS f(g) GROUP BY g;
SELECT max(v) AS y, count(*) FROM t, LATERAL (VALUES (1),(2)) AS l(y) GROUP BY y;
SELECT 2 AS y, count(*) FROM t, LATERAL unnest(ARRAY[t.v, t.x]) AS y GROUP BY y;
-- nullable key
SELECT u.id, count(*) FROM t LEFT JOIN u ON t.id = u.id GROUP BY u.id;
SELECT DISTINCT u.id FROM t LEFT JOIN u ON t.id = u.id;
SELECT t.id, u.id, count(*) OVER (PARTITION BY u.id) FROM t LEFT JOIN u ON t.id = u.id;
SELECT s.id, count(*) FROM t LEFT JOIN (SELECT id, n FROM u) s ON t.id = s.id GROUP BY s.id;
SELECT DISTINCT ON (u.id) u.id, 1 FROM t LEFT JOIN u ON t.id = u.id ORDER BY u.id;
SELECT q.id, q.c FROM (SELECT u.id, count(*) c FROM t LEFT JOIN u ON t.id = u.id GROUP BY u.id) q ORDER BY q.id;
SELECT count(*) FROM (SELECT u.id, count(*) c FROM t LEFT JOIN u ON t.id = u.id GROUP BY u.id) q;
SELECT count(*) FROM (SELECT DISTINCT u.id FROM t LEFT JOIN u ON t.id = u.id) q;
SELECT count(DISTINCT u.id), count(DISTINCT (u.id, 1)) FROM t LEFT JOIN u ON t.id = u.id;
SELECT u.id, count(*) FROM u RIGHT JOIN t USING (id) GROUP BY u.id;
-- partition by a constant
SELECT id, count(*) OVER (PARTITION BY 1) FROM t;
SELECT id, sum(v) OVER w FROM t WINDOW w AS (PARTITION BY 1);
SELECT q.id, q.c FROM (SELECT id, count(*) OVER (PARTITION BY 1) c FROM t) q;
-- distinct on output name
SELECT DISTINCT ON (id) v AS id, x FROM t ORDER BY id, x;
SELECT DISTINCT ON (id) v AS id, 7 AS y FROM t;
SELECT DISTINCT ON (id) v AS id, 7 AS y FROM t ORDER BY id;
SELECT count(*) FROM (SELECT DISTINCT ON (id) v AS id, 7 AS y FROM t) q;
-- join aliases
SELECT * FROM (t JOIN r ON t.v = r.v) AS j(a, id) WHERE id = 3;
SELECT count(*) FROM (t JOIN r ON t.v = r.v) AS j(a, id) WHERE id = 3;
SELECT j.a, j.b FROM (t JOIN u ON t.x = u.w) AS j(i1, a, b, c) WHERE j.i1 < 4;
SELECT b FROM (t JOIN u ON t.x = u.w) AS j(i1, a, b, c, i2) WHERE i1 < 4 AND i2 < 3;
SELECT row_to_json(j) FROM (t JOIN u ON t.x = u.w) AS j(i1, a, b, c, i2, n2, w2, s2) WHERE i1 < 3;
SELECT row_to_json(j) FROM (t JOIN h ON t.x = h.v) AS j(i1, a, b, c, v2, n2) WHERE i1 < 3;
SELECT j FROM (t JOIN u ON t.x = u.w) AS j(i1, a, b, c, i2, n2, w2, s2) WHERE i1 < 3;
SELECT t.id, row_to_json(k) FROM t JOIN u USING (id) AS k ORDER BY t.s, t.id, u.n LIMIT 5;
SELECT k.id, count(*) FROM t JOIN u USING (id) AS k GROUP BY k.id;
SELECT k.s, count(*) FROM t JOIN u USING (s) AS k GROUP BY k.s;
SELECT k.v, count(*) FROM t JOIN h USING (v) AS k GROUP BY k.v;
SELECT v, count(*) FROM t JOIN h USING (v) AS k WHERE k.v = 2 GROUP BY v;
-- names of columns of moment
SELECT id, now() FROM t WHERE false ORDER BY id;
SELECT id, current_date FROM t WHERE false ORDER BY id;
SELECT id, current_date FROM t WHERE false;
SELECT id, localtimestamp(2) FROM t WHERE false ORDER BY s;
SELECT max(now()) IS NULL AS a, count(*) FROM t WHERE now() > '2000-01-01';
SELECT id, now() AS q FROM t WHERE false ORDER BY id LIMIT 3;
