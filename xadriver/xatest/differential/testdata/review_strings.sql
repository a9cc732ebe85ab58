-- shard: key.t=id
-- shard: key.u=id
-- shard: key.su=k
-- shard: reference=r
CREATE TABLE t (id int PRIMARY KEY, v int, x int, s text);
CREATE TABLE u (id int, n int, w int, s text, PRIMARY KEY (id, n));
CREATE TABLE h (v int PRIMARY KEY, z int);
CREATE TABLE su (k text PRIMARY KEY, n int);
INSERT INTO t SELECT i, i % 5, i % 3, 's' || (i % 4) FROM generate_series(1, 30) i;
INSERT INTO u SELECT i, n, i % 4, 'u' || (i % 3) FROM generate_series(1, 20) i, generate_series(1, 2) n WHERE i % 3 <> 0;
INSERT INTO h SELECT i, i + 3 FROM generate_series(0, 4) i;
-- strings
SET standard_conforming_strings = off;
INSERT INTO su VALUES ('a\\b', 1), ('c\\d', 2), ('e\\f', 3), ('g\\h', 4), ('i\\j', 5);
SELECT k, n FROM su WHERE k = 'a\\b';
SELECT k, n FROM su WHERE k = 'c\\d';
SELECT k, n FROM su WHERE k = 'e\\f';
RESET standard_conforming_strings;
SELECT k, n FROM su WHERE k = 'a\b';
SELECT k, n FROM su WHERE k = 'c\d';
SELECT k, n FROM su WHERE k = 'e\f';
SELECT k, n FROM su ORDER BY n;
-- a temporary table that hides one behind a view
CREATE VIEW vt AS SELECT id, v FROM t;
CREATE TEMP TABLE t (id int, v int);
SELECT count(*) FROM vt;
SELECT v, count(*) FROM vt GROUP BY v ORDER BY v;
SELECT id FROM vt WHERE id = 7;
SELECT id FROM vt WHERE id = 8;
SELECT id FROM vt WHERE id = 9;
SELECT id FROM vt WHERE id = 10;
DROP TABLE t;
SELECT count(*) FROM vt;
-- PREPARE and what changes meanwhile
PREPARE p AS SELECT v, count(*) FROM t GROUP BY v ORDER BY v;
EXECUTE p;
CREATE SCHEMA app;
CREATE TABLE app.t (id int PRIMARY KEY, v int);
INSERT INTO app.t VALUES (1, 77);
SET search_path = app, public;
EXECUTE p;
RESET search_path;
EXECUTE p;
PREPARE p2 AS SELECT * FROM t WHERE id = $1;
EXECUTE p2(5);
DEALLOCATE p2;
PREPARE p3(int, text) AS SELECT $1, $2, count(*) FROM t WHERE v = $1 OR s = $2;
EXECUTE p3(1, 's1');
EXECUTE p3(1.6, 's1');
EXECUTE p3('1', NULL);
EXECUTE p3(1);
EXECUTE p3((SELECT 1), 'x');
EXECUTE p3(1 + 1, 'a' || 'b');
PREPARE p4 AS INSERT INTO t (id, v) VALUES ($1, $2), ($1 + 1, $2) RETURNING id, v;
EXECUTE p4(700, 1);
EXECUTE p4('702', '2');
PREPARE p5(varchar(2)) AS SELECT count(*) FROM t WHERE s = $1;
EXECUTE p5('s1xx');
PREPARE p6(char(4)) AS SELECT '[' || $1 || ']', length($1), count(*) FROM t;
EXECUTE p6('s1');
PREPARE p7(int[]) AS SELECT id FROM t WHERE id = ANY($1) ORDER BY id;
EXECUTE p7('{1,2,3}');
EXECUTE p7(ARRAY[1, 2, NULL]);
PREPARE p8 AS DELETE FROM t WHERE id = $1;
EXECUTE p8(700);
EXECUTE p8(NULL);
PREPARE p9(int) AS UPDATE t SET v = $1 FROM h WHERE h.v = t.v AND h.z = $1;
EXECUTE p9(5);
PREPARE p10(numeric) AS SELECT id FROM t WHERE id = $1;
EXECUTE p10(5);
EXECUTE p10(5.5);
PREPARE p11(text) AS SELECT id FROM t WHERE id = $1::int;
EXECUTE p11('5');
-- inheritance without equal ids
CREATE TABLE child (y int) INHERITS (t);
INSERT INTO child (id, v, y) VALUES (805, 50, 1), (806, 60, 2), (807, 70, 3), (808, 80, 4), (809, 1, 1), (810, 1, 2);
SELECT id, v FROM t WHERE id = 805;
SELECT id, v FROM t WHERE id = 806;
SELECT id, v FROM t WHERE id = 807;
SELECT count(*) FROM t;
SELECT count(*) FROM ONLY t;
UPDATE t SET v = t.v + 1 FROM h WHERE h.v = t.v;
SELECT sum(v) FROM t;
SELECT sum(v) FROM child;
UPDATE t SET id = id + 1000 WHERE id > 800;
SELECT count(*) FROM child;
SELECT count(*) FROM ONLY t;
DELETE FROM t USING h WHERE h.v = t.v AND t.id > 800;
SELECT count(*) FROM child;
-- partitions
CREATE TABLE pt (id int, d int, v int, PRIMARY KEY (id, d)) PARTITION BY RANGE (d);
CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (10);
CREATE TABLE pt2 PARTITION OF pt FOR VALUES FROM (10) TO (20);
INSERT INTO pt SELECT i, i, i % 3 FROM generate_series(0, 19) i;
UPDATE pt SET d = 19 - d WHERE v = 1;
SELECT count(*), sum(d) FROM pt1;
SELECT t.id, pt1.d FROM t JOIN pt1 ON t.v = pt1.id ORDER BY t.id, pt1.d;
SELECT tableoid::regclass, count(*) FROM pt GROUP BY 1 ORDER BY 1;
-- generated and identity columns
CREATE TABLE gi (id int GENERATED ALWAYS AS IDENTITY, a int, b int GENERATED ALWAYS AS (a * 2) STORED, c text DEFAULT 'x' || 1);
INSERT INTO gi (a) SELECT v FROM t ORDER BY id LIMIT 5;
SELECT a, b, c FROM gi ORDER BY a;
SELECT gi.a, gi.b, t.id FROM gi JOIN t ON t.id = gi.b ORDER BY 1, 2, 3;
SELECT gi, t.id FROM gi JOIN t ON t.id = gi.b WHERE false;
