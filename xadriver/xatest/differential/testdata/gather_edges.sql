-- shard: key.samples=id
-- shard: key.probes=tag
-- shard: key.hollow=id
-- shard: key.single=id
-- shard: key.bigkeys=k
-- shard: reference=bounds
-- NULL, NaN, minus zero, infinities and the ends of ranges in joins, groups and orders; empty tables, empty shards, one row.
CREATE TABLE samples (id int NOT NULL, f float8, r real, n numeric, b boolean, i bigint, s smallint);
CREATE TABLE probes (tag text NOT NULL, f float8, n numeric, b boolean);
CREATE TABLE hollow (id int NOT NULL, f float8, n numeric, t text, b boolean);
CREATE TABLE single (id int PRIMARY KEY, t text);
CREATE TABLE bigkeys (k bigint PRIMARY KEY, v int);
CREATE TABLE bounds (n numeric, f float8);
CREATE TABLE plain (f float8, b boolean);
INSERT INTO samples VALUES (1, 'NaN', 'NaN', 'NaN', NULL, 9223372036854775807, 32767), (1, '-0', '-0', 0, true, -9223372036854775808, -32768), (1, 0, 0, 0, false, 0, 0), (2, 'Infinity', 'Infinity', 'Infinity', true, NULL, NULL),
  (3, '-Infinity', '-Infinity', '-Infinity', false, 1, 1), (4, NULL, NULL, NULL, NULL, NULL, NULL), (5, 0.5, 0.5, 0.5, true, 2, 2), (6, 1e300, 1e30, 1e30, true, 3, 3), (7, -1e-300, -1e-30, -1e-30, false, 3, 3), (8, 'NaN', NULL, 'NaN', NULL, 5, 5), (9, 1e-310, 1e-40, 123456789012345678901234567890, NULL, 5, NULL);
INSERT INTO probes VALUES ('a', 'NaN', 'NaN', NULL), ('a', 0, 0, true), ('b', '-0', -0.0, false), ('c', 'Infinity', 'Infinity', true), ('d', NULL, NULL, NULL), ('e', 0.5, 0.5, NULL);
INSERT INTO single VALUES (42, 'only');
INSERT INTO bigkeys VALUES (9223372036854775807, 1), (-9223372036854775808, 2), (0, 3), (-1, 4), (2147483648, 5), (-2147483649, 5), (1, NULL);
INSERT INTO bounds VALUES ('NaN', 'NaN'), (0, '-0'), (NULL, NULL), ('-Infinity', '-Infinity');
INSERT INTO plain VALUES (0, true), (NULL, NULL), ('NaN', false);

-- orders
SELECT id, f FROM samples WHERE id <> 1 ORDER BY f, id;
SELECT id, f FROM samples WHERE f <> 0 OR f IS NULL ORDER BY f DESC, id;
SELECT id, n FROM samples ORDER BY n, id;
SELECT id, n FROM samples ORDER BY n DESC NULLS LAST, id LIMIT 5;
SELECT id, r FROM samples ORDER BY r NULLS FIRST, id, i;
SELECT id, b FROM samples ORDER BY b, id, i;
SELECT i, s FROM samples ORDER BY i, s NULLS FIRST;
SELECT k, v FROM bigkeys ORDER BY k;
SELECT k FROM bigkeys ORDER BY v DESC NULLS FIRST, k DESC;
SELECT id, f::text AS t FROM samples ORDER BY f, id, i;

-- groups and aggregates
SELECT n, count(*) FROM samples GROUP BY n ORDER BY n;
SELECT f = 0 AS zero, count(*) FROM samples GROUP BY f = 0 ORDER BY 1;
SELECT abs(f) AS a, count(*) FROM samples GROUP BY abs(f) ORDER BY 1;
SELECT count(*), count(f), count(DISTINCT f), count(DISTINCT n), count(DISTINCT b) FROM samples;
SELECT min(f), max(f), min(n), max(n), min(i), max(i), min(s), max(s) FROM samples;
SELECT sum(f) FROM samples WHERE f = 'Infinity' OR f = 0.5;
SELECT sum(f), sum(n) FROM samples WHERE id IN (2, 3);
SELECT avg(f), avg(n) FROM samples WHERE id IN (1, 5);
SELECT sum(i) FROM samples;
SELECT sum(s), avg(s), sum(s::int) FROM samples;
SELECT b, count(*), sum(i) FROM samples GROUP BY b ORDER BY b;
SELECT bool_and(b), bool_or(b), every(b IS NULL) FROM samples;
SELECT bit_and(i), bit_or(i), bit_xor(s) FROM samples;
SELECT max(b::int), sum(b::int), count(*) FILTER (WHERE NOT b) FROM samples;
SELECT v, array_agg(k ORDER BY k) FROM bigkeys GROUP BY v ORDER BY v;
SELECT sum(k), min(k), max(k), avg(k) FROM bigkeys;
SELECT id, count(*) FROM samples GROUP BY id HAVING count(f) = 1 AND bool_or(n = 'NaN') ORDER BY id;
SELECT variance(n), stddev_pop(n) FROM samples WHERE n BETWEEN -5 AND 5 AND id < 7;
SELECT variance(n), count(*) FROM samples WHERE id = 5;
SELECT stddev(i) FROM samples WHERE id = 42;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY f) FROM samples WHERE f BETWEEN 0 AND 1;
SELECT percentile_disc(ARRAY[0, 0.5, 1]) WITHIN GROUP (ORDER BY n) FROM samples;
SELECT DISTINCT n = 'NaN' AS x FROM samples ORDER BY x;

-- joins
SELECT s.id, p.tag FROM samples s JOIN probes p ON s.f = p.f ORDER BY s.id, s.i, p.tag, p.n;
SELECT s.id, p.tag FROM samples s JOIN probes p ON s.n = p.n ORDER BY s.id, s.i, p.tag;
SELECT s.id, p.tag FROM samples s JOIN probes p ON s.n = p.f::numeric ORDER BY s.id, s.i, p.tag;
SELECT s.id, p.tag FROM samples s JOIN probes p ON s.b = p.b ORDER BY s.id, s.i, p.tag;
SELECT s.id, p.tag FROM samples s JOIN probes p ON s.b IS NOT DISTINCT FROM p.b WHERE s.id > 3 ORDER BY s.id, p.tag;
SELECT p.tag, s.id FROM probes p LEFT JOIN samples s ON s.r = p.f ORDER BY p.tag, s.id, s.i;
SELECT b.n, s.id FROM bounds b LEFT JOIN samples s ON s.n = b.n ORDER BY b.n, s.id, s.i;
SELECT p.f::text AS pf, s.id FROM plain p FULL JOIN samples s ON s.f = p.f ORDER BY s.id, s.i, pf;
SELECT a.id, b.id FROM samples a JOIN samples b ON a.i = b.i AND a.id < b.id ORDER BY 1, 2;
SELECT k.k, s.id FROM bigkeys k JOIN samples s ON s.i = k.k ORDER BY 1, 2;
SELECT k.k, s.id FROM bigkeys k JOIN samples s ON s.s = k.v ORDER BY 1, 2;
SELECT k FROM bigkeys WHERE k IN (SELECT i FROM samples) ORDER BY k;
SELECT id FROM samples WHERE f IN (SELECT f FROM probes) ORDER BY id, i;
SELECT id FROM samples WHERE f NOT IN (SELECT f FROM probes WHERE f IS NOT NULL) ORDER BY id;
SELECT n FROM samples INTERSECT SELECT n FROM bounds ORDER BY 1;
SELECT count(*) FROM (SELECT f FROM samples UNION SELECT f FROM probes UNION SELECT f FROM plain) t;
SELECT rank() OVER (ORDER BY f) AS r, id FROM samples ORDER BY r, id, i;
SELECT id FROM samples WHERE b IS NOT TRUE ORDER BY id, i;
SELECT id FROM samples WHERE (f, id) > ('-Infinity', 0) ORDER BY id, i;

-- empty tables, empty shards, one row
SELECT * FROM hollow;
SELECT count(*), count(t), sum(n), avg(f), min(t), max(id), array_agg(id), string_agg(t, ','), bool_and(b), json_agg(t), stddev(n) FROM hollow;
SELECT t, count(*) FROM hollow GROUP BY t;
SELECT count(*) FROM hollow GROUP BY id HAVING count(*) = 0;
SELECT count(*) FROM hollow HAVING count(*) = 0;
SELECT count(*) FROM hollow HAVING count(*) > 0;
SELECT s.t, h.t FROM single s LEFT JOIN hollow h ON h.id = s.id;
SELECT s.t, h.t FROM single s RIGHT JOIN hollow h ON h.id = s.id;
SELECT s.t, h.t FROM hollow h FULL JOIN single s ON h.f = s.id;
SELECT s.t FROM single s CROSS JOIN hollow h;
SELECT h.id FROM hollow h ORDER BY h.t LIMIT 3;
SELECT DISTINCT t FROM hollow ORDER BY t;
SELECT max(t), min(t), count(*) FROM single;
SELECT t FROM single ORDER BY id LIMIT 5 OFFSET 1;
SELECT t, rank() OVER (ORDER BY id), sum(id) OVER () FROM single;
SELECT coalesce((SELECT t FROM hollow), (SELECT t FROM single)) AS t;
SELECT id, n FROM samples WHERE false ORDER BY id;
SELECT id FROM samples WHERE NULL;
SELECT count(*), max(id) FROM samples WHERE id > 1000;
SELECT max(id) AS m FROM samples GROUP BY () HAVING true;
SELECT 1 AS one FROM samples WHERE id = 1;
SELECT FROM samples WHERE id = 5;
SELECT count(*) FROM (SELECT FROM samples) t;
SELECT id FROM samples LIMIT 0;
SELECT id FROM samples ORDER BY id OFFSET 100;
SELECT id FROM samples ORDER BY id LIMIT NULL OFFSET NULL;
SELECT id FROM samples ORDER BY id LIMIT ALL OFFSET 9;
SELECT NULL AS x, count(*) FROM samples GROUP BY x;
SELECT ('x' || id) AS y FROM samples WHERE id = 4;

-- errors
SELECT sum(i)::bigint FROM bigkeys, samples;
SELECT sum(k::int) FROM bigkeys;
SELECT i + 1 FROM samples;
SELECT s * s FROM samples;
SELECT n::int FROM samples WHERE id = 2;
SELECT f::int FROM samples WHERE id = 6;
SELECT n::numeric(5, 2) FROM samples;
SELECT exp(f) FROM samples WHERE id = 6;
SELECT sqrt(f) FROM samples;
SELECT ln(n) FROM samples WHERE id = 1;
SELECT 1 / f FROM samples WHERE id < 9;
SELECT 1 % s FROM samples;
SELECT power(0::float8, f) FROM samples WHERE id = 3;
SELECT f::boolean FROM samples;
SELECT id FROM samples ORDER BY id OFFSET -1;
SELECT id FROM hollow WHERE 1 / 0 > id;
SELECT (10 / id)::text FROM hollow;
SELECT generate_series(1, s) FROM samples LIMIT -1;
