-- shard: key.t=id
-- shard: key.u=id
-- shard: key.d=id
-- shard: key.e=id
-- shard: reference=r
CREATE TABLE t (id int PRIMARY KEY, v int, x int, s text);
CREATE TABLE u (id int, n int, w int, s text, PRIMARY KEY (id, n));
CREATE TABLE r (v int PRIMARY KEY, name text);
CREATE TABLE h (v int PRIMARY KEY, name text);
INSERT INTO t SELECT i, i % 5, i % 3, 's' || (i % 4) FROM generate_series(1, 30) i;
INSERT INTO u SELECT i, n, i % 4, 'u' || (i % 3) FROM generate_series(1, 20) i, generate_series(1, 2) n WHERE i % 3 <> 0;
INSERT INTO r SELECT i, 'r' || i FROM generate_series(0, 4) i;
INSERT INTO h SELECT i, 'h' || i FROM generate_series(0, 4) i;
-- domains that are NOT NULL in outer joins
CREATE DOMAIN filled AS text NOT NULL CHECK (VALUE <> '');
CREATE TABLE d (id int PRIMARY KEY, f filled, g int);
INSERT INTO d SELECT i, 'f' || i % 3, i % 4 FROM generate_series(1, 30) i WHERE i % 2 = 0;
SELECT t.id, d.f FROM t LEFT JOIN d ON t.id = d.id ORDER BY d.f, t.id;
SELECT d.f, count(*) FROM t LEFT JOIN d ON t.id = d.id GROUP BY d.f ORDER BY d.f;
SELECT DISTINCT d.f FROM t LEFT JOIN d ON t.id = d.id;
SELECT t.v, max(d.f) FROM t LEFT JOIN d ON t.id = d.id GROUP BY t.v;
SELECT t.id, d.f, u.id FROM t JOIN u ON t.x = u.w LEFT JOIN d ON t.id = d.id AND d.g = 1 WHERE u.id < 3;
-- a constraint that is not valid
CREATE DOMAIN small AS int;
CREATE TABLE e (id int PRIMARY KEY, k small, m int);
INSERT INTO e SELECT i, i * 10, i % 3 FROM generate_series(1, 20) i;
ALTER DOMAIN small ADD CONSTRAINT lt CHECK (VALUE < 100) NOT VALID;
SELECT id, k FROM e ORDER BY k DESC LIMIT 4;
SELECT k, count(*) FROM e GROUP BY k;
SELECT e.id, e.k FROM e JOIN t ON e.m = t.x WHERE t.id < 2;
UPDATE e SET m = e.m + 1 FROM t WHERE t.v = e.m AND t.x = 0;
-- casts to text of one's own
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE FUNCTION mood_text(mood) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'mood:' || enum_range(NULL, $1)::text $$;
ALTER TABLE t ADD COLUMN m mood;
UPDATE t SET m = CASE WHEN id % 2 = 0 THEN 'happy' ELSE 'sad' END::mood;
CREATE CAST (mood AS text) WITH FUNCTION mood_text(mood) AS ASSIGNMENT;
SELECT m, count(*) FROM t GROUP BY m;
SELECT id, m FROM t ORDER BY m, id LIMIT 3;
SELECT t.id, t.m FROM t JOIN u ON t.x = u.w WHERE u.id < 3 AND t.id < 3;
UPDATE t SET m = 'ok' FROM u WHERE t.x = u.w AND u.id < 3;
-- one that gives another value of the type
DROP CAST (mood AS text);
CREATE FUNCTION mood_text2(mood) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'ok'::text $$;
CREATE CAST (mood AS text) WITH FUNCTION mood_text2(mood);
SELECT m, count(*) FROM t GROUP BY m;
-- functions that run queries given as text
SELECT query_to_xml('SELECT count(*) FROM t', true, false, '')::text;
SELECT word, ndoc FROM ts_stat('SELECT to_tsvector(''simple'', s) FROM t') ORDER BY word;
SELECT length(table_to_xml('t', true, false, '')::text);
SELECT length(schema_to_xml('public', true, false, '')::text);
SELECT length(database_to_xml(true, false, '')::text);
-- operators and aggregates of one's own over functions that read
CREATE FUNCTION cnt(int, int) RETURNS int LANGUAGE sql STABLE AS $$ SELECT count(*)::int FROM t WHERE v BETWEEN $1 AND $2 $$;
CREATE OPERATOR <?> (LEFTARG = int, RIGHTARG = int, FUNCTION = cnt);
SELECT 1 <?> 3;
SELECT v, v <?> 3 FROM r;
CREATE FUNCTION acc(int, int) RETURNS int LANGUAGE sql STABLE AS $$ SELECT $1 + $2 + (SELECT count(*)::int FROM t) $$;
CREATE AGGREGATE total(int) (sfunc = acc, stype = int, initcond = '0');
SELECT total(v) FROM r;
CREATE DOMAIN many AS int CHECK (VALUE < cnt(0, 9));
SELECT 20::many;
SELECT 29::many;
CREATE FUNCTION to_n(text) RETURNS int LANGUAGE sql STABLE AS $$ SELECT count(*)::int FROM t $$;
CREATE TYPE w AS (a int);
CREATE FUNCTION w_int(w) RETURNS int LANGUAGE sql STABLE AS $$ SELECT count(*)::int FROM t $$;
CREATE CAST (w AS int) WITH FUNCTION w_int(w);
SELECT ROW(1)::w::int;
