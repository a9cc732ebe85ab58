-- shard: key.t=id
-- shard: key.u=id
-- shard: reference=r
CREATE TABLE t (id int PRIMARY KEY, v int, x int, s text, at timestamptz DEFAULT now());
CREATE TABLE u (id int, n int, w int, s text, PRIMARY KEY (id, n));
CREATE TABLE r (v int PRIMARY KEY, name text);
CREATE TABLE h (v int PRIMARY KEY, name text);
INSERT INTO t (id, v, x, s) SELECT i, i % 5, i % 3, 's' || (i % 4) FROM generate_series(1, 30) i;
INSERT INTO u SELECT i, n, i % 4, 'u' || (i % 3) FROM generate_series(1, 20) i, generate_series(1, 2) n WHERE i % 3 <> 0;
INSERT INTO r SELECT i, 'r' || i FROM generate_series(0, 4) i;
INSERT INTO h SELECT i, 'h' || i FROM generate_series(0, 4) i;
SELECT count(DISTINCT at) FROM t;
-- views with the time
CREATE VIEW vt AS SELECT id, v, now() AS ts FROM t;
SELECT count(*) FROM vt WHERE ts = now();
SELECT v, count(*) FROM vt WHERE ts = now() GROUP BY v ORDER BY v;
SELECT count(DISTINCT ts) FROM vt;
SELECT id, ts = now() FROM vt ORDER BY id LIMIT 3;
SELECT a.id FROM vt a JOIN vt b ON a.v = b.id AND a.ts = b.ts AND a.ts = now();
BEGIN;
SELECT count(*) FROM vt WHERE ts = now();
SELECT count(DISTINCT ts) FROM vt;
INSERT INTO t (id, v) VALUES (101, 1);
INSERT INTO t (id, v) VALUES (102, 1);
INSERT INTO t (id, v) VALUES (103, 1);
INSERT INTO t (id, v) VALUES (104, 1), (105, 1), (106, 1);
SELECT count(DISTINCT at) FROM t WHERE id > 100;
SELECT count(*) FROM t WHERE id > 100 AND at = now();
UPDATE t SET at = now() WHERE id = 101;
UPDATE t SET at = now() WHERE id IN (102, 103, 104, 105, 106);
SELECT count(DISTINCT at) FROM t WHERE id > 100;
COMMIT;
-- own now
CREATE SCHEMA app;
CREATE FUNCTION app.now() RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$ SELECT '2001-01-01 00:00+00'::timestamptz $$;
SELECT id, app.now() AS q FROM t WHERE id < 4 ORDER BY id;
SELECT app.now() AS q, count(*) FROM t;
SELECT app.now() AS q, t.id FROM t JOIN u ON t.x = u.w WHERE t.id < 3 AND u.id < 3;
-- user functions and aggregates with names of built in ones
CREATE FUNCTION public.max(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN $1 > $2 THEN $1 ELSE $2 END $$;
SELECT max(v, x) FROM t;
SELECT id, max(v, x) FROM t ORDER BY id;
SELECT max(v, x), count(*) FROM t GROUP BY v, x;
SELECT max(max(v, x)) FROM t;
CREATE FUNCTION len_add(int, text) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce($1, 0) + coalesce(length($2), 0) $$;
CREATE AGGREGATE public.sum(text) (sfunc = len_add, stype = int, initcond = '0');
SELECT sum(s) FROM t;
CREATE FUNCTION len_fin(int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'n' || $1 $$;
CREATE AGGREGATE public.max(int, text) (sfunc = len_add2, stype = int, initcond = '0');
CREATE AGGREGATE public.avg(text) (sfunc = len_add, stype = int, initcond = '0');
SELECT avg(s) FROM t;
CREATE AGGREGATE public.min(boolean) (sfunc = booland_statefunc, stype = boolean);
SELECT min(v > 0) FROM t;
CREATE FUNCTION cnt_big(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT $1 + CASE WHEN $2 > 1 THEN 1 ELSE 0 END $$;
CREATE AGGREGATE public.bit_or(boolean) (sfunc = boolor_statefunc, stype = boolean);
SELECT bit_or(v > 0) FROM t;
CREATE AGGREGATE app.sum(int) (sfunc = cnt_big, stype = int, initcond = '0');
SELECT app.sum(v) FROM t;
-- functions replaced in the transaction
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT $1 * 10 $$;
SELECT f(t.v), count(*) FROM t JOIN u ON t.x = u.w GROUP BY 1;
SELECT max(f(v)) FROM t;
BEGIN;
CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT $1 * 100 $$;
SELECT f(t.v), count(*) FROM t JOIN u ON t.x = u.w GROUP BY 1;
SELECT max(f(v)) FROM t;
SELECT f(max(v)) FROM t;
ROLLBACK;
BEGIN;
CREATE FUNCTION g(int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT $1 * 100 $$;
SELECT g(t.v), count(*) FROM t JOIN u ON t.x = u.w GROUP BY 1;
ROLLBACK;
BEGIN;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE m (id int PRIMARY KEY, m mood);
SELECT v::text::int, count(*) FROM t GROUP BY 1 ORDER BY 1;
ROLLBACK;
-- row functions
CREATE FUNCTION full_t(t) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1.id || '-' || $1.s $$;
SELECT full_t(t) FROM t ORDER BY 1;
SELECT t.full_t FROM t WHERE id < 5;
SELECT t.full_t, u.id FROM t JOIN u ON t.x = u.w WHERE t.id < 3 AND u.id < 3;
SELECT full_t(t), u.id FROM t JOIN u ON t.x = u.w WHERE t.id < 3 AND u.id < 3;
SELECT (t).v, u FROM t JOIN u ON t.x = u.w WHERE t.id < 3 AND u.id < 3;
