-- shard: key.t=id
-- shard: key.u=id
-- shard: key.t2=id
-- shard: key.t3=id
-- shard: reference=r
CREATE TABLE t (id int PRIMARY KEY, v int, x int, s text);
CREATE TABLE u (id int, n int, w int, s text, PRIMARY KEY (id, n));
CREATE TABLE r (v int PRIMARY KEY, z int);
CREATE TABLE t2 (id int, a int, b int, c text, d int);
CREATE TABLE t3 (a int, id int, b int);
INSERT INTO t SELECT i, i % 5, i % 3, 's' || (i % 4) FROM generate_series(1, 30) i;
INSERT INTO u SELECT i, n, i % 4, 'u' || (i % 3) FROM generate_series(1, 20) i, generate_series(1, 2) n WHERE i % 3 <> 0;
INSERT INTO r SELECT i, i + 3 FROM generate_series(0, 4) i;
-- positions after a merged column
SELECT * FROM (SELECT * FROM t JOIN u USING (id)) AS q(a, b, c, d, e, f, g) WHERE e = 2;
SELECT * FROM (SELECT * FROM t JOIN r USING (v)) AS q(a) WHERE a = 3;
SELECT count(*) FROM (SELECT * FROM t JOIN r USING (v)) AS q(a) WHERE a = 3;
SELECT * FROM (SELECT * FROM t JOIN r USING (v)) AS q(a, b) WHERE b = 3;
SELECT a, count(*) FROM (SELECT * FROM t JOIN r USING (v)) AS q(a) GROUP BY a;
SELECT DISTINCT a FROM (SELECT * FROM t JOIN r USING (v)) AS q(a);
SELECT a, id, count(*) OVER (PARTITION BY a) FROM (SELECT * FROM t JOIN r USING (v)) AS q(a);
WITH q(a, b) AS (SELECT * FROM t NATURAL JOIN r) SELECT * FROM q WHERE a = 3;
SELECT count(*) FROM (SELECT * FROM t JOIN r USING (v)) AS q(a, b) JOIN u ON u.id = q.a;
SELECT count(*) FROM (SELECT * FROM t NATURAL JOIN u) AS q(a, b, c, d) WHERE a = 3;
INSERT INTO t2 SELECT * FROM t JOIN r USING (v);
SELECT count(*) FROM t2 WHERE id = 0;
SELECT count(*) FROM t2 WHERE id = 1;
SELECT count(*) FROM t2 WHERE id = 2;
SELECT count(*) FROM t2 WHERE id = 3;
SELECT count(*) FROM t2 WHERE id = 4;
SELECT id, count(*) FROM t2 GROUP BY id;
DELETE FROM t2;
-- the columns of a whole row
SELECT * FROM (SELECT (r).*, t.id, t.x FROM t JOIN r ON t.v = r.v) AS q(a, b, c, d) WHERE b = 4;
SELECT count(*) FROM (SELECT (r).*, t.id, t.x FROM t JOIN r ON t.v = r.v) AS q(a, b, c, d) WHERE b = 4;
SELECT b, count(*) FROM (SELECT (r).*, t.id, t.x FROM t JOIN r ON t.v = r.v) AS q(a, b, c, d) GROUP BY b;
SELECT id, count(*) FROM t3 GROUP BY id;
SELECT count(*) FROM t3 WHERE id = 4;
SELECT count(*) FROM t3 WHERE id = 5;
SELECT count(*) FROM t3 WHERE id = 6;
SELECT count(*) FROM t3 WHERE id = 7;
DELETE FROM t3;
INSERT INTO t3 SELECT (r).v, 5, (r).z FROM r;
DELETE FROM t3;
INSERT INTO t3 (a, id, b) SELECT (r).*, 1 FROM r;
SELECT id, count(*) FROM t3 GROUP BY id;
SELECT count(*) FROM t3 WHERE id = 4;
SELECT count(*) FROM t3 WHERE id = 3;
DELETE FROM t3;
SELECT id, count(*) FROM t3 GROUP BY id;
SELECT count(*) FROM t3 WHERE id = 2;
DELETE FROM t3;
SELECT count(*) FROM t3 WHERE id = 2;
SELECT count(*) FROM t3 WHERE id = 3;
SELECT count(*) FROM t3;
DELETE FROM t3;
-- table functions and other things with stars
INSERT INTO t3 SELECT u.id, g.* FROM u, LATERAL (SELECT u.w, u.n) g;
SELECT id, count(*) FROM t3 GROUP BY id ORDER BY id;
SELECT count(*) FROM t3 WHERE id = 1;
DELETE FROM t3;
INSERT INTO t3 (id, a, b) SELECT k.* FROM t JOIN r USING (v) AS k, LATERAL (SELECT 1, 2) AS z(p, q) WHERE false;
SELECT j.* FROM (t JOIN r USING (v)) AS j WHERE j.v = 3;
SELECT j.id, count(*) FROM (t JOIN u USING (id)) AS j GROUP BY j.id ORDER BY j.id LIMIT 3;
SELECT * FROM (t JOIN r USING (v)) AS j(id) WHERE id = 3;
SELECT j.id, count(*) FROM (t JOIN r USING (v)) AS j(id, v) GROUP BY j.id;
SELECT id, count(*) FROM (t JOIN r USING (v)) AS j(id, v) GROUP BY id;
SELECT id, count(*) FROM (SELECT * FROM (t JOIN r USING (v)) AS j(id, v)) q GROUP BY id;
UPDATE r SET z = 1 FROM (t JOIN u USING (id)) AS j(a, id) WHERE r.v = j.id AND j.id = 2;
-- grouping by a name of an outer level
SELECT t.id, (SELECT count(*) FROM (SELECT z AS q FROM r WHERE r.v < t.v GROUP BY q) y) FROM t WHERE id < 5 ORDER BY id;
-- time in views and functions
CREATE VIEW recent AS SELECT id, v FROM t WHERE now() = transaction_timestamp();
SELECT count(*) FROM recent;
CREATE TEMP VIEW tv AS SELECT id, v FROM t WHERE v < 3;
SELECT count(*) FROM tv;
CREATE TEMP TABLE r (v int, z int);
INSERT INTO r VALUES (1, 1000);
SELECT t.id, r.z FROM t JOIN r ON t.v = r.v ORDER BY t.id;
CREATE VIEW shadow AS SELECT count(*) AS n FROM public.r;
SELECT n FROM shadow;
SELECT count(*) FROM tv JOIN shadow ON tv.v < n;
DROP TABLE r;
-- defaults
ALTER TABLE t ADD COLUMN made timestamptz DEFAULT now(), ADD COLUMN who text DEFAULT current_user;
BEGIN;
INSERT INTO t (id) VALUES (501);
INSERT INTO t (id) VALUES (502), (503), (504), (505), (506);
SELECT count(DISTINCT made) FROM t WHERE id > 500;
ROLLBACK;
BEGIN;
INSERT INTO t (id) SELECT 500 + n FROM generate_series(1, 8) n;
SELECT count(DISTINCT made) FROM t WHERE id > 500;
UPDATE t SET made = now() WHERE id = 501;
UPDATE t SET made = now() WHERE id = 502;
UPDATE t SET made = now() WHERE id = 503;
UPDATE t SET made = now() WHERE id = 504;
SELECT count(DISTINCT made) FROM t WHERE id > 500;
DELETE FROM t WHERE id = 501 AND made < now();
DELETE FROM t WHERE id = 502 AND made < now();
DELETE FROM t WHERE id = 503 AND made < now();
ROLLBACK;
