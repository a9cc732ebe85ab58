-- shard: key.t=id
-- shard: key.t3=id
-- shard: reference=r
CREATE TABLE t (id int PRIMARY KEY, v int);
CREATE TABLE t3 (a int, b int, id int);
CREATE TABLE r (v int PRIMARY KEY, z int);
INSERT INTO t SELECT i, i % 5 FROM generate_series(1, 30) i;
INSERT INTO r SELECT i, i + 3 FROM generate_series(0, 4) i;
WITH t AS (SELECT id, 3 AS v FROM t) DELETE FROM t USING r WHERE r.v = t.v AND t.v = 3;
SELECT count(*) FROM t;
WITH t AS (SELECT 1 AS id) DELETE FROM t WHERE id = (SELECT max(v) FROM r);
WITH t AS (SELECT 1 AS id) DELETE FROM t WHERE v = 1;
SELECT count(*) FROM t;
