-- shard: key.m=k
-- shard: key.none=k
-- Plain aggregates over all types: sums, averages, extremes, booleans, bits, spreads.
CREATE TABLE m (k int NOT NULL, i int NOT NULL, s2 smallint, i4 int, i8 bigint, n numeric, f4 real, f8 float8, iv interval, mo money, t text, c char(3), d date, ts timestamp, tz timestamptz, tm time, b bool, bits bit(4), u uuid, arr int[], PRIMARY KEY (k, i));
CREATE TABLE none (k int PRIMARY KEY, s2 smallint, i4 int, i8 bigint, n numeric, f4 real, f8 float8, iv interval, mo money, t text, d date, b bool, bits bit(4));
INSERT INTO m VALUES
  (1, 1, 1, 10, 100, 1.50, 0.5, 0.25, '1 day', 1.25, 'b', 'ab', '2024-01-01', '2024-01-01 10:00', '2024-01-01 10:00+02', '10:00', true, '0011', '00000000-0000-0000-0000-000000000001', '{1,2}'),
  (1, 2, 2, 20, 9007199254740993, 2.25, 1.5, 4.75, '2 hours', 2.50, 'B', 'b', '2023-06-30', '2024-01-01 09:59:59.999999', '2024-01-01 09:00+00', '23:59:59', false, '0110', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '{1,1,5}'),
  (1, 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (1, 4, 2, -20, 7, 0.000000000000000000001, -8, 1024, '-3 mons', -0.01, 'ä', 'zz', '1999-12-31', '1999-12-31', '1999-12-31+00', '00:00', true, '1111', NULL, '{}'),
  (2, 1, 32767, 2147483647, 9223372036854775807, 123456789012345678901234567890.12, 16, -2, '1 year 1 mon', 92233.72, 'a', 'a', '2024-02-29', 'infinity', 'infinity', '12:00', true, '0001', '00000000-0000-0000-0000-000000000002', '{0}'),
  (3, 1, -32768, -2147483648, -9223372036854775808, -123456789012345678901234567890.12, 2.25, 0, '00:00:01', -100, 'A', 'A', '0044-03-15 BC', '-infinity', '-infinity', '12:00:01', false, '0000', '00000000-0000-0000-0000-00000000000a', NULL),
  (7, 1, 5, 5, 5, 5, 0.125, 0.125, '5 minutes', 5, 'z', '', '2024-01-02', '2024-01-02', '2024-01-02+00', '05:00', NULL, '1000', NULL, '{9}');

SELECT count(*), count(s2), count(i4), count(t), count(b), count(1), count(NULL) FROM m;
SELECT count(*) FROM none;
SELECT count(m) FROM m;
SELECT count(m.*) FROM m;
SELECT count((s2, i4)) FROM m;
SELECT sum(s2) FROM m;
SELECT sum(i4) FROM m;
SELECT sum(i8) FROM m;
SELECT sum(n) FROM m;
SELECT sum(f4) FROM m;
SELECT sum(f8) FROM m;
SELECT sum(mo) FROM m;
SELECT sum(iv) FROM m;
SELECT sum(tm) FROM m;
SELECT sum(s2), sum(i4), sum(i8), sum(n), sum(f4), sum(f8), sum(iv), sum(mo) FROM none;
SELECT avg(s2), avg(i4), avg(i8) FROM m;
SELECT avg(n) FROM m;
SELECT avg(f4), avg(f8) FROM m;
SELECT avg(iv) FROM m WHERE k <> 2 AND i4 > 0;
SELECT avg(s2), avg(i4), avg(i8), avg(n), avg(f4), avg(f8), avg(iv) FROM none;
SELECT avg(i4) FROM m WHERE k IN (1, 7);
SELECT avg(i4), avg(i4::numeric), avg(i4::float8), sum(i4) / count(i4) FROM m WHERE i4 BETWEEN -100 AND 100;
SELECT avg(n) FROM m WHERE n < 10 AND n > -10;
SELECT avg(s2 / 2), avg(s2 / 2.0) FROM m;
SELECT min(s2), min(i4), min(i8), min(n), min(f4), min(f8) FROM m;
SELECT max(s2), max(i4), max(i8), max(n), max(f4), max(f8) FROM m;
SELECT min(t), max(t), min(c), max(c) FROM m;
SELECT min(t COLLATE "C"), max(t COLLATE "C") FROM m;
SELECT min(d), max(d), min(ts), max(ts), min(tz), max(tz), min(tm), max(tm) FROM m;
SELECT min(iv), max(iv), min(mo), max(mo) FROM m;
SELECT min(arr), max(arr) FROM m;
SELECT min(u::text), max(u::text) FROM m;
SELECT sum(mo), count(mo) FROM m WHERE mo > '0'::money;
SELECT min(b::int), max(b::text) FROM m;
SELECT min(s2), max(t), min(d), max(iv), min(mo) FROM none;
SELECT bool_and(b), bool_or(b), every(b) FROM m;
SELECT bool_and(i4 > 0), bool_or(i4 > 0), every(i IS NOT NULL) FROM m;
SELECT bool_and(b), bool_or(b), every(b) FROM none;
SELECT bool_and(b), bool_or(b) FROM m WHERE b IS NULL;
SELECT bit_and(s2), bit_or(s2), bit_xor(s2) FROM m;
SELECT bit_and(i4), bit_or(i4), bit_xor(i4), bit_and(i8), bit_or(i8), bit_xor(i8) FROM m;
SELECT bit_and(bits), bit_or(bits), bit_xor(bits) FROM m;
SELECT bit_and(bits), bit_or(i4), bit_xor(i8) FROM none;

-- spreads
SELECT stddev(s2), stddev_samp(i4), stddev_pop(i8) FROM m;
SELECT variance(s2), var_samp(i4), var_pop(i8) FROM m;
SELECT variance(n), stddev(n), var_pop(n), stddev_pop(n) FROM m;
SELECT variance(i4), stddev(i4), var_pop(i4), stddev_pop(i4) FROM m WHERE k = 1;
SELECT variance(i4), stddev(i4), var_pop(i4), stddev_pop(i4) FROM m WHERE k = 7;
SELECT variance(i4), stddev(n), var_pop(f8), stddev_pop(s2) FROM none;
SELECT var_pop(f8), var_samp(f8) FROM m WHERE f8 IN (0, -2);
SELECT round(stddev(f8)::numeric, 6), round(var_pop(f4)::numeric, 6) FROM m;
SELECT k % 2 AS odd, variance(i4), stddev_pop(n) FROM m WHERE s2 < 100 GROUP BY 1 ORDER BY 1;
SELECT i, stddev(s2), count(s2) FROM m GROUP BY i ORDER BY i;

-- pairs of columns
SELECT regr_count(f8, f4) FROM m;
SELECT round(corr(f8, f4)::numeric, 8), round(covar_pop(f8, f4)::numeric, 6), round(covar_samp(f8, f4)::numeric, 6) FROM m;
SELECT round(regr_slope(f8, f4)::numeric, 8), round(regr_intercept(f8, f4)::numeric, 6), round(regr_r2(f8, f4)::numeric, 8) FROM m;
SELECT regr_avgx(f8, f4), regr_avgy(f8, f4) FROM m;
SELECT round(regr_sxx(f8, f4)::numeric, 4), round(regr_syy(f8, f4)::numeric, 4), round(regr_sxy(f8, f4)::numeric, 4) FROM m;
SELECT corr(f8, f4), regr_count(f8, f4), regr_slope(f8, f4), covar_pop(f8, f4) FROM none;
SELECT corr(i, i * 2), regr_slope(i * 2, i), regr_intercept(i * 2, i) FROM m WHERE k = 1 AND i < 3;

-- filters
SELECT count(*) FILTER (WHERE i4 > 0), sum(i4) FILTER (WHERE i4 < 0), max(t) FILTER (WHERE t < 'b') FROM m;
SELECT count(*) FILTER (WHERE b), count(*) FILTER (WHERE NOT b), count(*) FILTER (WHERE b IS NULL) FROM m;
SELECT sum(i4) FILTER (WHERE false), avg(n) FILTER (WHERE k = 1), min(d) FILTER (WHERE k <> 1) FROM m;
SELECT avg(i4) FILTER (WHERE k = 1) + avg(i4) FILTER (WHERE k = 7) FROM m;
-- args: 1
SELECT count(*) FILTER (WHERE k = $1), count(*) FILTER (WHERE k <> $1) FROM m;
SELECT i, count(*) FILTER (WHERE b) AS yes, count(b) AS known FROM m GROUP BY i ORDER BY yes DESC, i;

-- aggregates of expressions
SELECT sum(s2 + i), sum(s2 * 2), sum(-s2), sum(s2::bigint * 1000000) FROM m WHERE k IN (1, 7, 8);
SELECT sum(length(t)), max(length(t)), min(upper(t)), max(t || c) FROM m;
SELECT sum(CASE WHEN b THEN 1 ELSE 0 END), sum(b::int), avg(b::int) FROM m;
SELECT sum(1), sum(2.5), sum(0.5::float8), max('x'), min(NULL::int) FROM m;
SELECT sum(coalesce(s2, 0)), count(coalesce(t, '')), count(nullif(s2, 2)) FROM m;
SELECT max(d - date '2000-01-01'), min(ts - timestamp '2000-01-01'), max(d + 1) FROM m WHERE isfinite(ts);
SELECT max(greatest(s2, i)), min(least(k, i)) FROM m;
SELECT sum((SELECT 1)) FROM m;
SELECT sum(arr[1]), max(cardinality(arr)), max(array_length(arr, 1)) FROM m;
SELECT max(row(k, i)::text) FROM m;
-- args: 3 | 0.5
SELECT sum(i4 * $1::int) FILTER (WHERE i8 BETWEEN 1 AND 999), sum(i * $2::float8), max(k + $1::int) FROM m WHERE abs(i4::bigint) < 1000;
-- args: 'x'
SELECT max(t || $1), count($1::text) FROM m;

-- by groups
SELECT i, sum(s2), sum(i4), sum(i8), sum(n), sum(f4), sum(f8), sum(mo) FROM m GROUP BY i ORDER BY i;
SELECT i, avg(s2), avg(i4), avg(i8), avg(n), avg(f4), avg(f8) FROM m GROUP BY i ORDER BY i;
SELECT b, min(t), max(t), min(n), max(n), count(*), count(s2) FROM m GROUP BY b ORDER BY b;
SELECT b, bit_or(i4), bool_or(i4 > 10), every(k > 0), sum(iv) FROM m GROUP BY b ORDER BY b NULLS FIRST;
SELECT k, count(*), sum(i4), avg(i4), min(t), max(d) FROM m GROUP BY k ORDER BY k;
SELECT k = 1 AS one, sum(n), avg(n), max(n) FROM m GROUP BY k = 1 ORDER BY one;
SELECT any_of.x, sum(any_of.s2) FROM (SELECT i % 2 AS x, s2 FROM m) any_of GROUP BY any_of.x ORDER BY any_of.x;

-- too large
SELECT sum(i8) FROM m WHERE i8 > 0;
SELECT sum(i4) FROM m WHERE i4 > 0;
SELECT sum(i8)::bigint FROM m WHERE i8 > 0;
SELECT sum(i4)::int FROM m WHERE i4 > 0;
SELECT sum(i4 + i4) FROM m;
SELECT sum(s2 + 1::smallint) FROM m;
SELECT sum(i8 * 2) FROM m;
SELECT max(i8 + 1) FROM m;
SELECT sum(mo + '92233720368547758.00'::money) FROM m;
SELECT sum(n * 1e131000) FROM m WHERE n < 10 AND n > 1;
SELECT sum(1e308::float8) FROM m;
SELECT sum(1e38::real) FROM m;
SELECT sum(i4 / (s2 - 5)) FROM m;
SELECT sum(i4 / (s2 - 5)) FROM m WHERE k < 7;
SELECT i, sum(i4 / (s2 - 5)) FROM m GROUP BY i ORDER BY i;

-- mistakes
SELECT sum(t) FROM m;
SELECT avg(b) FROM m;
SELECT sum(d) FROM m;
SELECT max(b) FROM m;
SELECT bool_and(i4) FROM m;
SELECT bit_and(f8) FROM m;
SELECT sum() FROM m;
SELECT sum(i4, i8) FROM m;
SELECT sum(*) FROM m;
SELECT count() FROM m;
SELECT sum(sum(i4)) FROM m;
SELECT sum(i4) FILTER (WHERE i4) FROM m;
SELECT sum(i4) FILTER (WHERE count(*) > 1) FROM m;
SELECT lower(t) FILTER (WHERE b) FROM m;
SELECT sum(nobody) FROM m;
SELECT summ(i4) FROM m;
SELECT sum(i4) OVER (), sum(i4) FROM m;
SELECT max(i4 ORDER BY) FROM m;
