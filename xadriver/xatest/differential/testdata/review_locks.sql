-- shard: key.t=id
-- shard: key.u=id
-- shard: reference=r
CREATE SCHEMA app;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE app.mood AS ENUM ('ok', 'sad');
CREATE TABLE t (id int PRIMARY KEY, v int, x int, s text, m mood);
CREATE TABLE u (id int, n int, w int, s text, PRIMARY KEY (id, n));
CREATE TABLE r (v int PRIMARY KEY, z int, ts timestamptz, d text);
CREATE TABLE h (v int PRIMARY KEY, z int, m mood);
INSERT INTO t SELECT i, i % 5, i % 3, (ARRAY['a', 'B', 'c', 'A', 'b'])[1 + i % 5], (CASE WHEN i % 2 = 0 THEN 'sad' ELSE 'ok' END)::mood FROM generate_series(1, 30) i;
INSERT INTO u SELECT i, n, i % 4, 'u' || (i % 3) FROM generate_series(1, 20) i, generate_series(1, 2) n WHERE i % 3 <> 0;
INSERT INTO r SELECT i, i + 3 FROM generate_series(0, 4) i;
-- types of one name
SET search_path = app, public;
SELECT t.id, t.m FROM t JOIN u ON t.v = u.w WHERE t.id < 4 AND u.id < 4 AND u.n = 1 ORDER BY t.m, t.id;
SELECT m, count(*) FROM t GROUP BY m ORDER BY m;
SELECT max(m), min(m) FROM t;
UPDATE t SET m = 'ok' FROM u WHERE t.v = u.w AND u.n = 1 AND u.id = 1;
INSERT INTO h SELECT DISTINCT ON (v) v, 1, m FROM t ORDER BY v, id;
UPDATE t SET m = h.m FROM h WHERE h.v = t.v AND t.id > 20;
RESET search_path;
SELECT m, count(*) FROM t GROUP BY m ORDER BY m;
SET search_path = app;
SELECT t.id, t.m FROM public.t JOIN public.u ON t.v = u.w WHERE t.id < 4 AND u.id < 4 AND u.n = 1 ORDER BY t.m, t.id;
UPDATE public.t SET m = 'ok' FROM public.u WHERE t.v = u.w AND u.n = 1 AND u.id = 2;
INSERT INTO public.t SELECT id + 500, v, x, s, m FROM public.t WHERE id < 4;
UPDATE public.t SET id = id + 1000 WHERE id > 500;
RESET search_path;
-- literals that tell the time
UPDATE r SET ts = 'now';
SELECT count(DISTINCT r.ts) FROM t JOIN r ON r.v = 1 WHERE t.v < 9;
INSERT INTO r (v, ts) VALUES (70, 'now'::timestamptz);
SELECT count(DISTINCT r.ts) FROM t JOIN r ON r.v = 70 WHERE t.v < 9;
UPDATE r SET d = current_database();
SELECT count(DISTINCT r.d) FROM t JOIN r ON r.v = 1 WHERE t.v < 9;
-- a collation with a name that deceives
CREATE COLLATION app."C" (provider = icu, locale = 'en-US');
SELECT s, id FROM t ORDER BY s COLLATE app."C", id;
SELECT s COLLATE app."C" AS q, id FROM t ORDER BY q, id LIMIT 7;
-- sizes
SELECT pg_relation_size('t') >= 0;
-- advisory locks
BEGIN;
SELECT pg_advisory_xact_lock(77) IS NULL, count(*) FROM t;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77;
SELECT count(pg_advisory_xact_lock(id)) FROM t WHERE id = 5;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 5;
SELECT pg_advisory_xact_lock(id) IS NULL FROM t WHERE id IN (10, 11, 12, 13, 14) ORDER BY id;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid BETWEEN 10 AND 14;
SELECT count(*) FROM (SELECT pg_advisory_xact_lock(100 + t.id) FROM t JOIN u ON t.v = u.w WHERE t.id < 4) q;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid BETWEEN 101 AND 104;
ROLLBACK;
-- names
CREATE TABLE "xapg_part" (c1 int PRIMARY KEY, c2 int, "C 3" text);
INSERT INTO xapg_part SELECT i, i % 3, 'q' FROM generate_series(1, 10) i;
SELECT "xapg_part".c2, count(*), max(t."s") FROM t JOIN xapg_part ON t.v = c2 GROUP BY 1 ORDER BY 1;
SELECT t.id c1, t.v AS c2 FROM t ORDER BY c2, c1 LIMIT 3;
SELECT t.v AS c1, count(*) AS c2 FROM t GROUP BY c1 ORDER BY c2, c1;
