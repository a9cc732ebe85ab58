-- shard: key.jobs=shop
-- shard: key.idle=k
-- Expressions over aggregates, and errors within shards and in the final expression.
CREATE TABLE jobs (shop int NOT NULL, no int NOT NULL, a int, b int, x bigint, cost numeric(10,3), w float8, label text, done bool, PRIMARY KEY (shop, no));
CREATE TABLE idle (k int PRIMARY KEY, a int, b int, label text);
INSERT INTO jobs SELECT 5, i, i, i % 4, i::bigint << 40, i * 0.125, i / 8.0, 'L' || i % 3, i % 2 = 0 FROM generate_series(1, 18) i;
INSERT INTO jobs VALUES (1, 1, 7, 0, 9223372036854775807, 1000.5, 0.5, 'L0', true), (1, 2, NULL, 3, NULL, NULL, NULL, NULL, NULL), (2, 1, 2147483647, 2, -5, 0.001, 256, 'l1', false), (2, 2, -7, -2, 5, -0.001, -256, 'L1', false),
  (3, 1, 0, 0, 0, 0, 0, '', true), (11, 1, 100, 10, 1000, 99.999, 0.75, 'big', NULL);

SELECT sum(a) - sum(b) FROM jobs;
SELECT sum(a - b) FROM jobs WHERE shop <> 2;
SELECT avg(b) * 2 + count(*) FROM jobs;
SELECT sum(cost) / count(*), sum(cost) / count(cost) FROM jobs;
SELECT sum(a) / count(*), sum(a) % 10, sum(a) / 7.0 FROM jobs;
SELECT max(a) - min(a) AS range, max(b) * min(b) FROM jobs WHERE shop = 5;
SELECT max(a)::bigint - min(a) AS range FROM jobs;
SELECT -sum(b), +sum(b), @sum(b), ~sum(b::int) FROM jobs;
SELECT 1 + 1, 'text', NULL, count(*) FROM jobs;
SELECT count(*) + 1 AS more, count(*) = 24, count(*) > 100 FROM jobs;
SELECT round(avg(cost), 2), trunc(avg(w)::numeric, 3), ceil(avg(b)), floor(avg(a)) FROM jobs;
SELECT coalesce(sum(a), 0), coalesce(max(label), 'none') FROM idle;
SELECT coalesce(sum(a), 0) + count(*) FROM idle;
SELECT sum(a) + 1, sum(a) || 'x', sum(a) IS NULL FROM idle;
SELECT CASE WHEN count(*) > 10 THEN 'many' ELSE 'few' END FROM jobs;
SELECT CASE WHEN count(*) = 0 THEN NULL ELSE sum(a) / count(*) END FROM idle;
SELECT CASE count(*) WHEN 24 THEN max(label) WHEN 0 THEN min(label) END FROM jobs;
SELECT nullif(count(*), 24), nullif(sum(b), 0) FROM jobs;
SELECT greatest(sum(a), sum(x)), least(min(a), min(b)), greatest(count(*), NULL) FROM jobs WHERE shop = 5;
SELECT sum(a)::text || '/' || count(*)::text FROM jobs;
SELECT sum(a)::float8 / 3 > 0, cast(avg(b) AS int), avg(b)::int::text FROM jobs;
SELECT upper(max(label)), length(min(label)), max(label) || min(label) FROM jobs;
SELECT max(label) LIKE 'l%', max(label) IN ('l1', 'x'), max(a) BETWEEN 1 AND 10 FROM jobs;
SELECT count(*) IN (24, 25), count(*) NOT IN (1, 2), sum(a) IS DISTINCT FROM sum(b) FROM jobs;
SELECT bool_and(done) OR bool_or(done), NOT bool_and(done) FROM jobs;
SELECT ARRAY[count(*), sum(b)], ROW(count(*), max(a)) FROM jobs;
SELECT (ARRAY[min(a), max(a)])[2], array_length(ARRAY[sum(a), NULL], 1) FROM jobs;
SELECT date '2024-01-01' + count(*)::int, interval '1 day' * count(*) FROM jobs;
SELECT to_char(sum(cost), '999999.999'), format('%s of %s', count(done), count(*)) FROM jobs;
SELECT json_build_object('n', count(*), 'sum', sum(b)), jsonb_build_array(max(a), min(label)) FROM jobs;
SELECT sum(a) AS s, sum(a) AS s2, sum(a) + sum(a) FROM jobs;
SELECT count(*) AS "Count", count(*) AS count, count(*) FROM jobs;
SELECT sqrt(count(*)::float8 + 1), power(count(*), 2), mod(count(*), 5), div(sum(a), 7) FROM jobs;
SELECT (SELECT 5) + count(*) FROM jobs;
SELECT sum(a) FILTER (WHERE done) - sum(a) FILTER (WHERE NOT done) FROM jobs;
SELECT sum(w) / sum(w) FILTER (WHERE shop = 5) FROM jobs;
SELECT var_pop(a) - (avg(a * a) - avg(a) * avg(a)) < 0.001 FROM jobs WHERE shop <> 2;
-- args: 10
SELECT count(*) * $1::int, sum(b) + $1::bigint FROM jobs;
-- args: 2 | 'x'
SELECT avg(b) * $1::numeric, max(label) || $2 FROM jobs;
-- args: NULL
SELECT coalesce(sum(a) + $1::int, -1) FROM jobs;

-- by groups
SELECT label, sum(a) - sum(b) AS d FROM jobs GROUP BY label ORDER BY d, label;
SELECT label, avg(b) * 2 + count(*) FROM jobs GROUP BY label ORDER BY 2 DESC, 1;
SELECT label || ':' || count(*) FROM jobs GROUP BY label ORDER BY label;
SELECT lower(label), sum(a) * 2, count(*) + 1 FROM jobs GROUP BY lower(label) ORDER BY sum(a) * 2 DESC, 1;
SELECT done, CASE WHEN sum(b) > 10 THEN 'hi' ELSE 'lo' END AS level FROM jobs GROUP BY done ORDER BY level, done;
SELECT b, b * count(*) AS weighed, b + sum(a)::numeric / count(*) FROM jobs GROUP BY b ORDER BY b;
SELECT b, max(a) - min(a) FROM jobs WHERE shop <> 2 GROUP BY b ORDER BY 2 DESC NULLS LAST, 1;
SELECT b % 2 AS odd, b / 2 AS half, count(*) FROM jobs GROUP BY b % 2, b / 2 ORDER BY odd, half;
SELECT (b % 2) * 10 + (b / 2), count(*) FROM jobs GROUP BY b % 2, b / 2 ORDER BY 1;
SELECT label FROM jobs GROUP BY label ORDER BY sum(a) - sum(b) DESC, label;
SELECT label FROM jobs GROUP BY label ORDER BY avg(cost) NULLS FIRST, label;
SELECT label FROM jobs GROUP BY label HAVING sum(a) > 2 * sum(b) ORDER BY label;
SELECT label FROM jobs GROUP BY label HAVING avg(a) BETWEEN 5 AND 10 OR label IS NULL ORDER BY label;
SELECT label, count(*) FROM jobs GROUP BY label HAVING count(*) % 2 = 1 AND max(cost) IS NOT NULL ORDER BY count(*), label;
SELECT label, count(*) FROM jobs GROUP BY label HAVING (count(*), label) > (1, 'a') ORDER BY label;
SELECT shop, sum(a) - max(a), count(*) * shop FROM jobs GROUP BY shop ORDER BY shop;
SELECT shop, no, a - b AS ab FROM jobs WHERE shop <> 2 ORDER BY ab NULLS FIRST, shop, no LIMIT 5;
SELECT DISTINCT sum(b) / 3 AS s FROM jobs GROUP BY label ORDER BY s;
-- args: 2
SELECT b % $1::int AS r, sum(a) FROM jobs GROUP BY b % $1::int ORDER BY r;
-- args: 3
SELECT label, sum(a) / $1::int FROM jobs GROUP BY label HAVING sum(a) > $1 ORDER BY label;

-- division by zero, within shards and at the end
SELECT a / b FROM jobs;
SELECT a / b FROM jobs WHERE b <> 0;
SELECT sum(a / b) FROM jobs;
SELECT sum(a / b) FROM jobs WHERE b <> 0;
SELECT sum(a / nullif(b, 0)) FROM jobs;
SELECT sum(a % b) FROM jobs WHERE shop IN (1, 2);
SELECT sum(w / (shop - 3)) FROM jobs;
SELECT shop, a / b FROM jobs WHERE shop = 3;
SELECT shop, no FROM jobs ORDER BY a / b, shop, no;
SELECT shop, no FROM jobs WHERE 100 / b > 10;
SELECT 1 / (count(*) - 24) FROM jobs;
SELECT sum(a) / (count(*) - 24) FROM jobs;
SELECT sum(a) / count(*) FROM idle;
SELECT sum(a) / sum(b) FROM idle;
SELECT 1 / 0 FROM idle;
SELECT 1 / 0, count(*) FROM idle;
SELECT 1 / 0 FROM jobs LIMIT 1;
SELECT label, 10 / (count(*) - 1) FROM jobs GROUP BY label;
SELECT label FROM jobs GROUP BY label HAVING 10 / (count(*) - 1) > 0;
SELECT label FROM jobs GROUP BY label ORDER BY 10 / (count(*) - 1), label;
SELECT b, 10 / b, count(*) FROM jobs GROUP BY b;
SELECT CASE WHEN b = 0 THEN 0 ELSE 10 / b END, count(*) FROM jobs GROUP BY b ORDER BY 1, 2;
SELECT avg(w) / 0 FROM jobs;
SELECT avg(w) / 0 FROM jobs WHERE false;

-- out of range
SELECT a + 1 FROM jobs;
SELECT sum(a + 1) FROM jobs;
SELECT sum(a + 1) FROM jobs WHERE shop <> 2;
SELECT max(a) + 1 FROM jobs;
SELECT max(x) + 1 FROM jobs;
SELECT max(x) + 1 FROM jobs WHERE shop <> 1;
SELECT sum(x)::bigint FROM jobs;
SELECT sum(a)::int FROM jobs;
SELECT sum(a)::smallint FROM jobs WHERE shop = 5;
SELECT count(*)::smallint, (count(*) * 10000)::smallint FROM jobs;
SELECT a * 2000000000 FROM jobs WHERE shop = 11;
SELECT x * x FROM jobs WHERE shop = 5;
SELECT cost::numeric(4,3) FROM jobs;
SELECT avg(cost)::numeric(3,2) FROM jobs;
SELECT exp(sum(w) * 10) FROM jobs;
SELECT sqrt(min(w)) FROM jobs;
SELECT ln(min(a)) FROM jobs WHERE shop <> 2;
SELECT label::int FROM jobs;
SELECT max(label)::int FROM jobs;
SELECT sum(label::int) FROM jobs;
SELECT label, repeat('x', sum(b)::int - 100) FROM jobs GROUP BY label ORDER BY label;
SELECT date '294276-12-31' + count(*)::int * 1000000000 FROM jobs;
SELECT chr(count(*)::int - 24) FROM jobs;
SELECT substr(max(label), 1, -1) FROM jobs;
SELECT ('{' || max(label))::int[] FROM jobs;
