-- shard: key.sparse=k
-- shard: key.bare=k
-- shard: key.one=k
-- shard: reference=blank_ref
-- Empty tables, shards without rows, columns of nothing but NULL, conditions that are never true.
CREATE TABLE sparse (k int NOT NULL, i int NOT NULL, a int, t text, n numeric, f float8, b bool, d date, j jsonb, arr int[], PRIMARY KEY (k, i));
CREATE TABLE bare (k int PRIMARY KEY, a int, t text, n numeric, b bool, d date);
CREATE TABLE one (k text PRIMARY KEY, a int);
CREATE TABLE blank_ref (id int PRIMARY KEY, t text);
INSERT INTO sparse (k, i) SELECT 42, i FROM generate_series(1, 6) i;
INSERT INTO sparse VALUES (42, 7, 1, 'x', 1.5, 0.5, true, '2024-01-01', '{}', '{1,NULL}'), (7, 1, NULL, '', NULL, 'NaN', NULL, NULL, 'null', '{}'), (7, 2, 1, NULL, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO one VALUES ('only', 5);

SELECT * FROM bare;
SELECT * FROM bare ORDER BY k;
SELECT a, t FROM bare ORDER BY t DESC, a LIMIT 5;
SELECT DISTINCT t FROM bare;
SELECT DISTINCT ON (t) t, a FROM bare ORDER BY t, a;
SELECT count(*), count(a), sum(a), avg(a), min(a), max(a) FROM bare;
SELECT sum(n), avg(n), stddev(n), variance(a), bool_and(b), bool_or(b), bit_and(a), bit_or(a) FROM bare;
SELECT string_agg(t, ',' ORDER BY t), array_agg(a ORDER BY a), json_agg(a ORDER BY a), jsonb_object_agg(k, a) FROM bare;
SELECT count(DISTINCT a), count(*) FILTER (WHERE b), max(t) || 'x', coalesce(max(d), '2000-01-01') FROM bare;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a), mode() WITHIN GROUP (ORDER BY t) FROM bare;
SELECT t, count(*) FROM bare GROUP BY t;
SELECT t, count(*) FROM bare GROUP BY t ORDER BY count(*) DESC LIMIT 3;
SELECT t FROM bare GROUP BY t HAVING count(*) = 0;
SELECT count(*) FROM bare HAVING count(*) > 0;
SELECT count(*) FROM bare HAVING count(*) = 0;
SELECT 'x' FROM bare HAVING max(a) IS NULL;
SELECT 1 FROM bare;
SELECT count(*) + 1, 'const', now() IS NOT NULL FROM bare;
SELECT b.k FROM bare b JOIN sparse s ON s.k = b.k ORDER BY 1;
SELECT s.k, s.i, b.a FROM sparse s LEFT JOIN bare b ON b.k = s.k ORDER BY s.k, s.i;
SELECT count(*), count(b.k) FROM sparse s LEFT JOIN bare b ON b.k = s.k;
SELECT count(*) FROM bare b FULL JOIN sparse s ON s.k = b.k;
SELECT s.k, r.t FROM sparse s LEFT JOIN blank_ref r ON r.id = s.a ORDER BY s.k, s.i;
SELECT count(*) FROM sparse s JOIN blank_ref r ON r.id = s.a;
SELECT count(*), max(t) FROM blank_ref;

SELECT * FROM sparse ORDER BY k, i;
SELECT a, t FROM sparse ORDER BY a, t, k, i;
SELECT a, t FROM sparse ORDER BY a DESC, t NULLS FIRST, k, i;
SELECT t FROM sparse ORDER BY t NULLS FIRST, k, i LIMIT 8;
SELECT t FROM sparse ORDER BY t LIMIT 2;
SELECT f, n FROM sparse ORDER BY f, n, k, i;
SELECT j, arr FROM sparse ORDER BY j NULLS FIRST, arr, k, i;
SELECT DISTINCT a, t FROM sparse ORDER BY a, t;
SELECT DISTINCT b FROM sparse;
SELECT DISTINCT NULL::int, b FROM sparse ORDER BY b;
SELECT a, count(*) FROM sparse GROUP BY a ORDER BY a;
SELECT t, count(*), count(t), sum(a) FROM sparse GROUP BY t ORDER BY t;
SELECT d, b, count(*) FROM sparse GROUP BY d, b ORDER BY d, b;
SELECT b, sum(a), avg(n), max(t), bool_and(b), string_agg(t, ',' ORDER BY t), array_agg(a ORDER BY i, k) FROM sparse GROUP BY b ORDER BY b;
SELECT count(*), count(a), count(t), count(n), count(f), count(b), count(d), count(j), count(arr) FROM sparse;
SELECT sum(a), avg(a), min(t), max(t), sum(n), avg(n), sum(f), bool_and(b), bool_or(b) FROM sparse;
SELECT sum(a), max(t), avg(f), array_agg(a), string_agg(t, ',') FROM sparse WHERE k = 42 AND i < 7;
SELECT sum(a), max(t), avg(n), bool_or(b) FROM sparse WHERE k IN (1, 2, 3);
SELECT array_agg(a ORDER BY k, i), json_agg(t ORDER BY k, i), array_agg(DISTINCT a) FROM sparse;
SELECT count(DISTINCT a), count(DISTINCT t), count(DISTINCT f), count(DISTINCT (a, t)) FROM sparse;
SELECT sum(a + NULL), max(coalesce(t, 'none')), count(nullif(a, 1)), min(coalesce(a, -1)) FROM sparse;
SELECT k, i FROM sparse WHERE a IS NULL ORDER BY k, i;
SELECT k, i FROM sparse WHERE a = NULL;
SELECT k, i FROM sparse WHERE a IS NOT DISTINCT FROM NULL ORDER BY k DESC, i;
SELECT k, i FROM sparse WHERE NOT (a = 1) OR b ORDER BY k, i;
SELECT k, i FROM sparse WHERE a NOT IN (2, NULL);
SELECT k, i FROM sparse WHERE a IN (1, NULL) ORDER BY k, i;
SELECT k, i FROM sparse WHERE (a, t) IS NULL ORDER BY k, i;
SELECT k, i FROM sparse WHERE (a, t) IS NOT NULL;
SELECT k, i FROM sparse WHERE b IS UNKNOWN ORDER BY k, i;
SELECT k, i FROM sparse WHERE k = NULL;
SELECT k, i FROM sparse WHERE k IN (NULL, 7) ORDER BY i;
SELECT k, i FROM sparse WHERE k IS NULL;
SELECT k, i FROM sparse WHERE NULL;
SELECT k, i FROM sparse WHERE 1 = 2 ORDER BY k;
SELECT count(*), sum(a), max(t) FROM sparse WHERE 1 = 2;
SELECT t, count(*) FROM sparse WHERE NULL GROUP BY t;
-- args: NULL
SELECT k, i FROM sparse WHERE a = $1::int ORDER BY k, i;
-- args: NULL
SELECT k, i FROM sparse WHERE k = $1 ORDER BY k, i;
-- args: NULL
SELECT k, i FROM sparse WHERE a IS NOT DISTINCT FROM $1::int ORDER BY k, i LIMIT 3;
-- args: NULL
SELECT count(*), max(coalesce(t, $1::text)) FROM sparse;
-- args: NULL
SELECT t || $1::text AS x, count(*) FROM sparse GROUP BY x;
-- args: '{7,NULL}'
SELECT i FROM sparse WHERE k = ANY ($1::int[]) ORDER BY i;
-- args: '{}'
SELECT count(*), sum(a) FROM sparse WHERE k = ANY ($1::int[]);
-- args: NULL
SELECT count(*) FROM sparse WHERE k = ANY ($1::int[]);

SELECT * FROM one;
SELECT k, a FROM one ORDER BY a DESC LIMIT 1;
SELECT count(*), sum(a), avg(a), stddev(a), var_pop(a), max(k) FROM one;
SELECT k, count(*) FROM one GROUP BY k;
SELECT a, max(k) FROM one GROUP BY a HAVING count(*) = 1 ORDER BY a;
SELECT DISTINCT a FROM one ORDER BY a OFFSET 1;
SELECT 10 / (a - 5) FROM one;
SELECT sum(10 / (a - 5)) FROM one;
SELECT sum(10 / (a - 5)) FROM bare;
SELECT 10 / (count(*) - 1) FROM one;
SELECT 10 / count(*) FROM bare;
SELECT max(a) / count(a) FROM bare;
SELECT (max(t))::int FROM bare;
SELECT max(nobody) FROM bare;
SELECT t FROM bare GROUP BY a;
SELECT t FROM bare ORDER BY 2;
SELECT sum(t) FROM bare;
SELECT t::int FROM bare WHERE k = 'x';
