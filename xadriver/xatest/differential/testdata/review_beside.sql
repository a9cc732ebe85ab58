-- shard: key.t=id
-- shard: key.u=id
-- shard: key.nk=id
-- shard: key.ev=id
-- shard: reference=r
CREATE TABLE t (id int PRIMARY KEY, v int, x int, s text);
CREATE TABLE u (id int, n int, w int, s text, PRIMARY KEY (id, n));
CREATE TABLE r (v int PRIMARY KEY, z int, s text);
CREATE TABLE h (v int PRIMARY KEY, z int, s text);
CREATE TABLE ev (id int PRIMARY KEY, n int);
INSERT INTO t SELECT i, i % 5, i % 3, 's' || (i % 4) FROM generate_series(1, 30) i;
INSERT INTO u SELECT i, n, i % 4, 'u' || (i % 3) FROM generate_series(1, 20) i, generate_series(1, 2) n WHERE i % 3 <> 0;
INSERT INTO r SELECT i, i + 3, 'r' FROM generate_series(0, 4) i;
INSERT INTO h SELECT i, i + 3, 'h' FROM generate_series(0, 4) i;
BEGIN;
INSERT INTO t (id, v) VALUES (1, 1), (2, 2), (3, 3), (4, 4) ON CONFLICT (id) DO UPDATE SET v = (SELECT count(*) FROM u);
SELECT id, v FROM t WHERE id < 5 ORDER BY id;
ROLLBACK;
BEGIN;
INSERT INTO t (id, v) VALUES (1, 1), (2, 2), (3, 3), (4, 4) ON CONFLICT (id) DO UPDATE SET v = (SELECT z FROM h WHERE h.v = excluded.v);
SELECT id, v FROM t WHERE id < 5 ORDER BY id;
ROLLBACK;
BEGIN;
INSERT INTO t (id, v) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET v = (SELECT count(*) FROM u);
INSERT INTO t (id, v) VALUES (2, 1) ON CONFLICT (id) DO UPDATE SET v = (SELECT count(*) FROM u);
INSERT INTO t (id, v) VALUES (3, 1) ON CONFLICT (id) DO UPDATE SET v = (SELECT z FROM h WHERE h.v = excluded.v);
INSERT INTO t (id, v) VALUES (4, 1) ON CONFLICT (id) DO UPDATE SET v = (SELECT z FROM h WHERE h.v = excluded.v);
SELECT id, v FROM t WHERE id < 5 ORDER BY id;
ROLLBACK;
BEGIN;
INSERT INTO t (id, v) VALUES (101, 1) RETURNING id, (SELECT count(*) FROM u), (SELECT count(*) FROM h);
INSERT INTO t (id, v) VALUES (102, 1) RETURNING id, (SELECT count(*) FROM u), (SELECT count(*) FROM h);
INSERT INTO t (id, v) VALUES (103, 1), (104, 2), (105, 3), (106, 1) RETURNING id, (SELECT count(*) FROM u), (SELECT count(*) FROM h);
INSERT INTO t (id, v) VALUES (107, 1), (108, 2), (109, 3), (110, 1) RETURNING id, (SELECT count(*) FROM t);
INSERT INTO t (id, v) SELECT id + 200, 1 FROM t WHERE id < 6 RETURNING id, (SELECT count(*) FROM u);
INSERT INTO t (id, v) SELECT id + 300, 1 FROM u WHERE n = 1 AND id < 6 RETURNING id, (SELECT count(*) FROM h);
ROLLBACK;
BEGIN;
INSERT INTO t (id, v) SELECT v + 1, z FROM r ON CONFLICT (id) DO UPDATE SET v = (SELECT count(*) FROM u);
INSERT INTO t (id, v) SELECT id, n FROM u WHERE n = 1 ON CONFLICT (id) DO UPDATE SET v = (SELECT z FROM h WHERE h.v = excluded.v);
SELECT v, count(*) FROM t GROUP BY v ORDER BY v;
ROLLBACK;
BEGIN;
UPDATE t SET v = 1 WHERE id < 5 RETURNING id, (SELECT count(*) FROM u);
DELETE FROM t WHERE id < 5 RETURNING id, (SELECT count(*) FROM h);
ROLLBACK;
BEGIN;
INSERT INTO h (v, z) SELECT id, v FROM t WHERE id BETWEEN 1 AND 6 ON CONFLICT (v) DO UPDATE SET z = (SELECT count(*) FROM u) RETURNING v, z;
INSERT INTO h (v, z) VALUES (1, 1) ON CONFLICT (v) DO UPDATE SET z = (SELECT count(*) FROM u) RETURNING v, z;
INSERT INTO h (v, z) VALUES (50, 1) RETURNING v, (SELECT count(*) FROM u);
INSERT INTO r (v, z) VALUES (1, 1) ON CONFLICT (v) DO UPDATE SET z = (SELECT count(*) FROM u) RETURNING v, z;
INSERT INTO r (v, z) VALUES (2, 1) ON CONFLICT (v) DO UPDATE SET z = (SELECT sum(z) FROM h) RETURNING v, z;
INSERT INTO r (v, z) VALUES (60, 1) RETURNING v, (SELECT count(*) FROM u), (SELECT count(*) FROM h);
SELECT t.id, r.v, r.z FROM t JOIN r ON t.id = r.v ORDER BY 1;
SELECT t.id, r.v, r.z FROM t JOIN r ON t.id = r.v WHERE t.id = 2;
ROLLBACK;
-- what stays after a failure in the middle, outside of transactions
INSERT INTO t (id) VALUES (400), (401), (402), (403), (1);
SELECT count(*) FROM t WHERE id >= 400;
INSERT INTO t (id) SELECT id + 380 FROM t UNION ALL SELECT 1;
SELECT count(*) FROM t WHERE id >= 380;
UPDATE t SET v = 10 / (id - 17);
SELECT sum(v) FROM t;
UPDATE t SET id = 1000 WHERE id IN (3, 4);
SELECT count(*) FROM t WHERE id = 1000;
-- statements together
INSERT INTO ev SELECT 1, 1; INSERT INTO ev SELECT i, 1 FROM generate_series(2, 9) i; INSERT INTO ev SELECT i, 1 FROM generate_series(9, 12) i;
SELECT count(*) FROM ev;
BEGIN; INSERT INTO ev SELECT i, 1 FROM generate_series(2, 9) i; COMMIT;
SELECT count(*) FROM ev;
