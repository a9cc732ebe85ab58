-- shard: key.t=id
-- shard: key.u=id
-- shard: reference=r
CREATE TABLE t (id int PRIMARY KEY, v int, x int, s text);
CREATE TABLE u (id int, n int, w int, s text, PRIMARY KEY (id, n));
CREATE TABLE h (v int PRIMARY KEY, name text);
CREATE TABLE r (v int PRIMARY KEY, name text);
INSERT INTO t SELECT i, i % 5, i % 3, 's' || (i % 4) FROM generate_series(1, 30) i;
INSERT INTO u SELECT i, n, i % 4, 'u' || (i % 3) FROM generate_series(1, 20) i, generate_series(1, 2) n WHERE i % 3 <> 0;
INSERT INTO h SELECT i, 'h' || i FROM generate_series(0, 4) i;
INSERT INTO r SELECT i, 'r' || i FROM generate_series(0, 4) i;
-- LIMIT
SELECT id FROM t ORDER BY id LIMIT NULL;
SELECT id FROM t ORDER BY id LIMIT ALL OFFSET NULL;
SELECT id FROM t ORDER BY id LIMIT 0;
SELECT id FROM t ORDER BY id LIMIT -1;
SELECT id FROM t ORDER BY id OFFSET -1;
SELECT id FROM t ORDER BY id LIMIT 2.5;
SELECT id FROM t ORDER BY id LIMIT 2.4 OFFSET 0.5;
SELECT id FROM t ORDER BY id LIMIT '3';
SELECT id FROM t ORDER BY id LIMIT 9223372036854775807 OFFSET 9223372036854775807;
SELECT id FROM t ORDER BY id LIMIT 99999999999999999999;
SELECT id FROM t ORDER BY id LIMIT (SELECT count(*) FROM u WHERE id = 1);
SELECT id FROM t ORDER BY id LIMIT (SELECT 2 + count(*) FROM u);
SELECT count(*) FROM t LIMIT 0;
SELECT v, count(*) FROM t GROUP BY v ORDER BY 2 DESC, 1 FETCH FIRST 1 ROWS WITH TIES;
SELECT v FROM t ORDER BY v FETCH FIRST 2 ROWS WITH TIES;
SELECT v FROM t ORDER BY v OFFSET 3 FETCH FIRST 4 ROWS WITH TIES;
SELECT id, v FROM t ORDER BY v FETCH FIRST 0 ROWS WITH TIES;
SELECT DISTINCT v FROM t ORDER BY v FETCH FIRST 2 ROWS WITH TIES;
-- args: 3 | 2
SELECT id FROM t ORDER BY id LIMIT $1 OFFSET $2;
-- args: NULL | NULL
SELECT id FROM t ORDER BY id LIMIT $1 OFFSET $2;
-- args: '3' | '2'
SELECT id FROM t ORDER BY id LIMIT $1 OFFSET $2;
-- args: 3.0
SELECT id FROM t ORDER BY id LIMIT $1;
-- args: -3
SELECT id FROM t ORDER BY id LIMIT $1;
-- args: 9223372036854775807 | 5
SELECT id FROM t ORDER BY id LIMIT $1 OFFSET $2;
-- args: 3
SELECT id, $1::text FROM t ORDER BY id LIMIT $1;
-- args: 3
SELECT id FROM t WHERE id > $1 ORDER BY id LIMIT $1;
-- args: 3
SELECT id FROM t ORDER BY id LIMIT $1::int;
-- args: 3
SELECT id FROM t ORDER BY id LIMIT $1 + 1;
-- args: 2
SELECT v, count(*) FROM t GROUP BY v HAVING count(*) > $1 ORDER BY v LIMIT $1;
-- args: 'x'
SELECT id FROM t ORDER BY id LIMIT $1;
-- args: 2 | 's1'
SELECT $2 || s, count(*), $1 + 1 FROM t WHERE v > $1 GROUP BY $2 || s ORDER BY 1;
-- args: 2
SELECT v + $1, count(*) FROM t GROUP BY v + $1 ORDER BY v + $1;
-- args: 2 | 2
SELECT v + $1, count(*) FROM t GROUP BY v + $2;
-- args: '1 day'
SELECT max(date '2024-01-01' + v * interval '1 day' + $1) FROM t;
-- args: '1 day'
SELECT max(date '2024-01-01' + v * $1::interval), count(*) FROM t GROUP BY x ORDER BY 1;
-- args: 's1'
SELECT CASE WHEN s = $1 THEN $1 ELSE 'other' END AS q, count(*) FROM t GROUP BY q ORDER BY q;
-- args: NULL
SELECT coalesce($1, s) AS q, count(*) FROM t GROUP BY q ORDER BY q;
-- args: NULL | 3
SELECT id FROM t WHERE ($1::int IS NULL OR id = $1) ORDER BY id LIMIT $2;
-- args: 4 | 3
SELECT id FROM t WHERE ($1::int IS NULL OR id = $1) ORDER BY id LIMIT $2;
-- args: 'v'
SELECT json_build_object($1::text, v) ->> $1, count(*) FROM t GROUP BY 1 ORDER BY 1;
-- args: 5 | 'z'
SELECT id, $2 AS z FROM t WHERE id < $1 ORDER BY z, id;
-- args: '{1,2,3}'
SELECT id = ANY($1) AS q, count(*) FROM t GROUP BY id = ANY($1) ORDER BY q;
-- args: '{1,2,3}' | 2
SELECT id FROM t JOIN u USING (id) WHERE t.id = ANY($1) AND u.n = $2 ORDER BY id;
-- args: 1
SELECT t.id FROM t JOIN u ON t.v = u.w WHERE u.n = $1 AND t.id = $1;
-- args: 1 | 1
SELECT t.id FROM t JOIN u ON t.v = u.w + $2 WHERE u.n = $1 AND u.id < 4 ORDER BY t.id, u.id;
-- unions
SELECT 1 AS a UNION SELECT id FROM t WHERE id < 3 ORDER BY a;
SELECT s FROM t UNION SELECT 'lit' ORDER BY 1;
SELECT NULL AS q UNION ALL SELECT id FROM t WHERE id < 3;
SELECT 'a' AS q UNION ALL SELECT s FROM t WHERE id < 3;
SELECT id, NULL FROM t WHERE id < 3 UNION ALL SELECT id, n FROM u WHERE id < 3 ORDER BY 1, 2;
SELECT id FROM t WHERE id < 9 INTERSECT ALL SELECT w FROM u ORDER BY 1;
SELECT w FROM u EXCEPT ALL SELECT v FROM t ORDER BY 1;
(SELECT id FROM t ORDER BY id DESC LIMIT 2) UNION ALL (SELECT id FROM t ORDER BY id LIMIT 2);
SELECT id FROM t WHERE id < 4 UNION ALL SELECT 99;
SELECT id FROM t WHERE id < 4 UNION ALL SELECT v FROM r;
SELECT id FROM t WHERE id < 4 UNION ALL SELECT v FROM h;
SELECT id FROM t WHERE id < 4 UNION ALL SELECT count(*) FROM t;
SELECT id FROM t WHERE id = 4 UNION ALL SELECT id FROM t WHERE id = 5 UNION ALL SELECT id FROM u WHERE id = 5;
SELECT count(*) FROM (SELECT id FROM t UNION ALL SELECT id FROM u) q;
SELECT id, count(*) FROM (SELECT id FROM t UNION ALL SELECT id FROM u) q GROUP BY id ORDER BY 2 DESC, 1 LIMIT 3;
SELECT q.id, u.n FROM (SELECT id FROM t UNION ALL SELECT id + 1 FROM t) q JOIN u ON q.id = u.id ORDER BY 1, 2 LIMIT 5;
SELECT q.id, count(*) FROM (SELECT id FROM t UNION ALL SELECT w FROM u) q GROUP BY q.id ORDER BY 1;
-- set returning functions
SELECT generate_series(1, v) AS g, id FROM t WHERE id < 5 ORDER BY id, g LIMIT 4;
SELECT generate_series(1, 2), count(*) FROM t GROUP BY 1;
SELECT generate_series(1, max(v)) FROM t;
SELECT unnest(array_agg(DISTINCT v ORDER BY v)) FROM t LIMIT 2;
SELECT DISTINCT generate_series(1, v) FROM t;
SELECT id, generate_series(1, 2) g, generate_series(1, 3) h FROM t ORDER BY id, h LIMIT 4;
SELECT generate_series(1, 3) FROM t WHERE id < 3 LIMIT 2;
SELECT count(*) OVER (), generate_series(1, 2) FROM t WHERE id < 4;
-- outer columns in aggregates and odd places
SELECT (SELECT max(t.v)) FROM t;
SELECT (SELECT sum(t.v) FROM h WHERE h.v = 1) FROM t;
SELECT v, (SELECT count(t.id) FROM h WHERE h.v = 1) FROM t GROUP BY v ORDER BY v;
SELECT id FROM t WHERE id < 4 ORDER BY (SELECT max(w) FROM u WHERE u.id = t.id) NULLS FIRST, id;
SELECT v FROM t GROUP BY v HAVING max(x) = (SELECT max(x) FROM t) ORDER BY v;
SELECT v FROM t GROUP BY v HAVING max(id) = (SELECT max(id) FROM t t2 WHERE t2.v = t.v) ORDER BY v;
SELECT count(*) FROM t HAVING false;
SELECT 1 FROM t HAVING count(*) > 3;
SELECT 1 FROM t HAVING max(id) < 0;
SELECT row_number() OVER w FROM t WINDOW w AS (ORDER BY count(*));
SELECT q FROM (SELECT row_number() OVER w AS q FROM t WINDOW w AS (PARTITION BY max(id) ORDER BY count(*))) y;
SELECT rank() OVER (ORDER BY sum(v)), x FROM t GROUP BY x ORDER BY 1, 2;
SELECT sum(sum(v)) OVER (ORDER BY x), x FROM t GROUP BY x ORDER BY x;
SELECT sum(v) FILTER (WHERE x = 1) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW), id FROM t ORDER BY id LIMIT 6;
SELECT -v AS v, id FROM t WHERE id < 6 ORDER BY v, id;
SELECT -v AS v, count(*) FROM t GROUP BY v ORDER BY v;
SELECT -v AS v, count(*) FROM t GROUP BY v ORDER BY v + 0;
SELECT v AS x, x AS v FROM t WHERE id < 6 ORDER BY v, x;
SELECT v AS x, max(x) AS v FROM t GROUP BY v ORDER BY v, x;
SELECT id AS v, v AS id FROM t ORDER BY id, v LIMIT 4;
SELECT id AS v, v AS id FROM t WHERE id < 4 ORDER BY id + 0, v LIMIT 4;
SELECT s AS id, count(*) FROM t GROUP BY s ORDER BY id;
SELECT DISTINCT ON (x) x, id FROM t ORDER BY x, id DESC;
SELECT DISTINCT ON (v % 2) v % 2, id FROM t ORDER BY v % 2, id DESC LIMIT 2;
SELECT DISTINCT ON (1) v, id FROM t ORDER BY 1, 2;
SELECT DISTINCT ON (s COLLATE "C") s, id FROM t ORDER BY s COLLATE "C", id;
SELECT DISTINCT v, x FROM t ORDER BY x, v LIMIT 4;
SELECT DISTINCT v + x AS q FROM t ORDER BY v + x;
SELECT DISTINCT count(*) FROM t GROUP BY v;
SELECT DISTINCT count(*) OVER (PARTITION BY id) FROM t;
SELECT DISTINCT rank() OVER (PARTITION BY id ORDER BY v) FROM t;
SELECT id, count(*) OVER (PARTITION BY id) FROM t ORDER BY 1 LIMIT 2;
SELECT max(id) FROM t GROUP BY id ORDER BY 1 LIMIT 2;
SELECT count(*) FROM t GROUP BY id HAVING count(*) > 1;
SELECT count(*), GROUPING(id) FROM t GROUP BY GROUPING SETS ((id), ()) HAVING GROUPING(id) = 1;
SELECT id, v, count(*) FROM t WHERE id < 4 GROUP BY id, ROLLUP (v) ORDER BY 1, 2;
SELECT id, v, count(*) FROM t WHERE id < 4 GROUP BY ROLLUP (id, v) ORDER BY 1, 2;
SELECT id, v, count(*) FROM t WHERE id < 4 GROUP BY GROUPING SETS (id, v) ORDER BY 1, 2;
SELECT v, count(*) FROM t GROUP BY DISTINCT ROLLUP (v), ROLLUP (v) ORDER BY 1;
SELECT count(DISTINCT (v, x)), count(DISTINCT s COLLATE "C"), count((v, x)) FROM t;
SELECT count(DISTINCT id), sum(DISTINCT id), avg(DISTINCT id) FROM t;
SELECT count(DISTINCT id + 0), sum(DISTINCT v) FROM t;
SELECT x, count(DISTINCT u.id) FROM t JOIN u ON t.id = u.id GROUP BY x ORDER BY x;
SELECT x, count(DISTINCT u.id), count(DISTINCT t.id) FROM t LEFT JOIN u ON t.id = u.id GROUP BY x ORDER BY x;
SELECT bit_xor(id), bit_and(v), every(v >= 0), bool_or(v > 3) FROM t;
SELECT avg(v), avg(v::float8), avg(v::numeric), avg(v::real), avg(interval '1 day' * v), avg(v::bigint) FROM t;
SELECT avg(v), sum(v) FROM t WHERE false;
SELECT string_agg(s, ',' ORDER BY id) FROM t;
SELECT v, array_agg(id ORDER BY id DESC) FROM t GROUP BY v ORDER BY v;
SELECT json_object_agg(id, s ORDER BY id) FROM t WHERE id < 4;
