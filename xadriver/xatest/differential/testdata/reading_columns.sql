-- shard: key.parts=maker
-- shard: key."Odd Table"='"Key Col"'
-- shard: reference=units
-- Names and types of result columns: expressions, casts, functions, duplicates, quoted names.
CREATE TYPE colour AS ENUM ('red', 'green', 'blue');
CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);
CREATE TYPE pair AS (x int, y text);
CREATE TABLE parts (maker int NOT NULL, no int NOT NULL, name text, price numeric(8,2), small smallint, big bigint, r real, d float8, ok bool, code varchar(5), fix char(4), raw bytea, doc json, docb jsonb, u uuid, ip inet, tags text[], made date, at timestamptz, col colour, pc percent, pr pair, span int4range, v bit varying(6), x xml, o oid, PRIMARY KEY (maker, no));
CREATE TABLE "Odd Table" ("Key Col" int PRIMARY KEY, "select" text, "MiXed" int, "a""b" int, "ünï" text);
CREATE TABLE units (id int PRIMARY KEY, unit text, name text);
INSERT INTO parts VALUES
  (1, 1, 'nut', 1.50, 1, 10000000000, 0.5, 0.25, true, 'n1', 'ab', '\x00ff', '{"a": 1}', '{"a": 1}', '00000000-0000-0000-0000-000000000001', '10.0.0.1/8', '{a,b}', '2024-01-01', '2024-01-01 00:00+00', 'red', 50, '(1,one)', '[1,5)', '101', '<a/>', 7),
  (1, 2, 'bolt', NULL, -1, 0, -0.5, 1, false, '', '', '', '[]', '[]', NULL, '::1', '{}', NULL, NULL, 'blue', 0, '(,)', 'empty', '', NULL, 0),
  (2, 1, 'cog', 99999.99, 7, 7, 16777216, 1e10, NULL, 'c', 'c', '\xdead', 'null', 'null', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '192.168.0.0/24', '{NULL,"x y"}', '1999-12-31', '1999-12-31 12:00+00', 'green', 100, '(2,"t w o")', '[,10]', '111111', '<b>t</b>', 4294967295),
  (5, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (5, 2, 'cap', 0, 0, -5, 2, 2, true, 'cap', 'cap', '\x', '1', '1.0', NULL, '10.0.0.2', '{c}', '2024-02-29', '2024-02-29 23:00-05', 'red', 7, NULL, '(1,3)', '0', NULL, 1);
INSERT INTO "Odd Table" VALUES (1, 'x', 10, 1, 'ä'), (2, 'y', 20, NULL, NULL), (3, 'x', NULL, 3, 'ä');
INSERT INTO units VALUES (1, 'kg', 'kilo'), (2, 'm', 'metre');

SELECT * FROM parts ORDER BY maker, no;
SELECT * FROM parts WHERE maker = 5 ORDER BY no;
SELECT * FROM "Odd Table" ORDER BY "Key Col";
SELECT "Key Col", "select", "MiXed", "a""b", "ünï" FROM "Odd Table" ORDER BY 1;
SELECT 1, 'a', 2.5, true, NULL FROM parts ORDER BY maker, no;
SELECT no + 1, no * 2, -no, no || 'x' FROM parts ORDER BY maker, no;
SELECT upper(name), lower(name), length(name), coalesce(name, '-'), nullif(no, 1), greatest(no, 2) FROM parts ORDER BY maker, no;
SELECT no::text, no::bigint, name::varchar(2), price::int, made::timestamp FROM parts p ORDER BY maker, p.no;
SELECT CAST(no AS numeric(5,1)), CAST(name AS char(2)), CAST(ok AS int) FROM parts ORDER BY maker, no;
SELECT CASE WHEN ok THEN 1 END, CASE no WHEN 1 THEN name ELSE 'other' END FROM parts ORDER BY maker, no;
SELECT ARRAY[no, maker], ROW(no, name), (no, name) FROM parts ORDER BY maker, no;
SELECT no = 1, no IN (1, 2), name IS NULL, ok AND true, NOT ok, name LIKE 'c%' FROM parts ORDER BY maker, no;
SELECT (SELECT 1), (SELECT 2 AS two), EXISTS (SELECT 1), ARRAY(SELECT 1) FROM parts ORDER BY maker, no;
SELECT tags[1], tags[1:1], docb -> 'a', doc ->> 'a', (pr).x, (pr).y FROM parts ORDER BY maker, no;
SELECT extract(year FROM made), date_part('day', made), made + 1, at - at, substring(name, 1, 1), trim(name), position('t' IN name), overlay(name placing 'x' from 1) FROM parts ORDER BY maker, no;
SELECT name AS "Name", name AS NAME, name AS "two words", name "bare" FROM parts ORDER BY maker, no;
SELECT no, no, no AS no, name AS no FROM parts ORDER BY maker, parts.no;
SELECT p.*, p.no FROM parts p WHERE p.maker = 2;
SELECT p FROM parts p WHERE maker = 1 ORDER BY no;
SELECT p.no, (p.pr).*, p.pr FROM parts p ORDER BY maker, p.no;
SELECT current_setting('server_encoding'), pg_typeof(no), pg_typeof(name) FROM parts ORDER BY maker, no;
SELECT current_user = session_user, current_schema FROM parts;
SELECT name COLLATE "C", name::text COLLATE "C" AS c FROM parts ORDER BY 1;
SELECT FROM parts;
SELECT FROM parts LIMIT 2;
SELECT AS x FROM parts;
SELECT this_is_a_very_long_name_that_has_more_than_sixty_three_bytes_in_it_and_is_cut FROM (SELECT no AS this_is_a_very_long_name_that_has_more_than_sixty_three_bytes_in_it_and_is_cut FROM parts) s ORDER BY 1;

-- of aggregates and groups
SELECT count(*), count(no), sum(no), avg(no), min(no), max(no) FROM parts;
SELECT sum(small), sum(no), sum(big), sum(price), sum(r), sum(d) FROM parts;
SELECT avg(small), avg(no), avg(big), avg(price), avg(r), avg(d) FROM parts;
SELECT min(small), min(name), min(code), min(fix), min(made), min(at), min(ip), min(tags) FROM parts;
SELECT max(col), min(col), max(pc), max(price), max(o) FROM parts;
SELECT count(*) + 1, -count(*), count(*)::int, sum(no)::text, avg(no)::numeric(5,2) FROM parts;
SELECT coalesce(sum(no), 0), nullif(count(*), 0), greatest(max(no), 1), CASE WHEN count(*) > 1 THEN 'x' END FROM parts;
SELECT CASE WHEN true THEN max(name) ELSE min(name) END, CASE WHEN true THEN 1 ELSE max(no) END FROM parts;
SELECT upper(max(name)), max(upper(name)), round(avg(no), 1), ARRAY[count(*)], (SELECT 1) + count(*) FROM parts;
SELECT string_agg(name, ',' ORDER BY name), array_agg(no ORDER BY maker, no), json_agg(no ORDER BY maker, no), bool_or(ok), bit_or(no) FROM parts;
SELECT count(*) AS "Total", sum(no) AS "select", max(no) AS "MAX", min(no) max FROM parts;
SELECT count(*), count(*), count(*) AS count FROM parts;
SELECT pg_typeof(sum(small)), pg_typeof(sum(no)), pg_typeof(sum(big)), pg_typeof(avg(no)), pg_typeof(avg(r)), pg_typeof(count(*)) FROM parts;
SELECT pg_typeof(max(col)), pg_typeof(max(pc)), pg_typeof(min(code)), pg_typeof(min(fix)), pg_typeof(array_agg(tags)), pg_typeof(array_agg(col)) FROM parts WHERE maker = 1 AND no = 1;
SELECT name, count(*) FROM parts GROUP BY name ORDER BY name;
SELECT upper(name), count(*) FROM parts GROUP BY upper(name) ORDER BY 1;
SELECT no::text, count(*)::int FROM parts GROUP BY no::text ORDER BY 1;
SELECT col, count(*) FROM parts GROUP BY col ORDER BY col;
SELECT col::text, count(*) FROM parts GROUP BY col::text ORDER BY col::text DESC;
SELECT pc, pc + 1, count(*) FROM parts GROUP BY pc ORDER BY pc;
SELECT ok, ok IS NULL, NOT ok, count(*) FROM parts GROUP BY ok ORDER BY ok;
SELECT fix, fix || '|', count(*) FROM parts GROUP BY fix ORDER BY fix;
SELECT raw, count(*) FROM parts GROUP BY raw ORDER BY raw;
SELECT docb, count(*) FROM parts GROUP BY docb ORDER BY docb;
SELECT tags, count(*) FROM parts GROUP BY tags ORDER BY tags;
SELECT pr, count(*) FROM parts GROUP BY pr ORDER BY pr;
SELECT span, count(*) FROM parts GROUP BY span ORDER BY span;
SELECT u, ip, count(*) FROM parts GROUP BY u, ip ORDER BY u, ip;
SELECT v, o, count(*) FROM parts GROUP BY v, o ORDER BY v, o;
SELECT name AS no, count(*) AS name FROM parts GROUP BY name ORDER BY parts.name;
SELECT "select", count(*), sum("MiXed") AS "Sum" FROM "Odd Table" GROUP BY "select" ORDER BY "select";
SELECT "ünï", max("a""b") FROM "Odd Table" GROUP BY "ünï" ORDER BY 1;
SELECT max("MiXed"), "select" AS "from" FROM "Odd Table" GROUP BY "from" ORDER BY "from";

-- ordering by each type
SELECT maker, no FROM parts ORDER BY col, maker, no;
SELECT maker, no FROM parts ORDER BY col DESC NULLS LAST, maker, no;
SELECT maker, no FROM parts ORDER BY raw, maker, no;
SELECT maker, no FROM parts ORDER BY docb, maker, no;
SELECT maker, no FROM parts ORDER BY u DESC, maker, no;
SELECT maker, no FROM parts ORDER BY ip, maker, no;
SELECT maker, no FROM parts ORDER BY tags, maker, no;
SELECT maker, no FROM parts ORDER BY pr NULLS FIRST, maker, no;
SELECT maker, no FROM parts ORDER BY span, maker, no;
SELECT maker, no FROM parts ORDER BY v DESC, maker, no;
SELECT maker, no FROM parts ORDER BY o, maker, no;
SELECT maker, no FROM parts ORDER BY fix, maker, no;
SELECT maker, no FROM parts ORDER BY r DESC NULLS LAST, d, maker, no;
SELECT maker, no, (pr).y FROM parts ORDER BY (pr).y, maker, no;
SELECT maker, no FROM parts p ORDER BY p;
SELECT DISTINCT col FROM parts ORDER BY col DESC;
SELECT DISTINCT docb, tags FROM parts ORDER BY tags, docb;
SELECT DISTINCT pr FROM parts;
SELECT DISTINCT pc, pc::percent FROM parts ORDER BY 1;
SELECT DISTINCT raw FROM parts ORDER BY raw LIMIT 2;
SELECT count(DISTINCT col), count(DISTINCT docb), count(DISTINCT tags), count(DISTINCT ip), count(DISTINCT raw) FROM parts;

-- from other sources
SELECT u.unit, p.name FROM parts p JOIN units u ON u.id = p.no ORDER BY p.maker, p.no;
SELECT name FROM parts JOIN units USING (name);
SELECT * FROM units ORDER BY id;
SELECT sum(x), count(*) AS n FROM (SELECT no * 2 AS x FROM parts) AS s;
SELECT s.* FROM (SELECT no AS a, upper(name) FROM parts) AS s(b) ORDER BY b, upper;
SELECT count FROM (SELECT count(*) FROM parts) s;
SELECT "?column?" FROM (SELECT no + 1 FROM parts) s ORDER BY 1;
-- args: 1 | 'x' | 2.5 | true | NULL
SELECT $1::int, $2::text, $3::float8 AS f, $4::bool, $5::date FROM parts WHERE maker = 1;
-- args: 'a'
SELECT $1 FROM parts;
-- args: 'a'
SELECT $1, count(*) FROM parts;
-- args: 3
SELECT count(*) * $1 FROM parts;

-- mistakes
SELECT doc FROM parts ORDER BY doc;
SELECT DISTINCT doc FROM parts;
SELECT doc, count(*) FROM parts GROUP BY doc;
SELECT x FROM parts ORDER BY x;
SELECT max(col::colour), 'pink'::colour FROM parts;
SELECT (no * 60)::percent FROM parts;
SELECT sum(no * 60)::percent FROM parts;
SELECT (pr).z FROM parts;
SELECT count(*).x FROM parts;
SELECT Name FROM "odd table";
SELECT mixed FROM "Odd Table";
SELECT key col FROM "Odd Table";
SELECT parts.* AS p FROM parts;
SELECT max(pr) FROM parts;
SELECT max(u) FROM parts;
SELECT sum(col) FROM parts;
SELECT col = 'pink' FROM parts;
SELECT * FROM parts p, parts p;
SELECT name FROM parts p JOIN units u ON u.id = p.no;
SELECT *;
