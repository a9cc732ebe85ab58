-- shard: key.nums=g
-- shard: key.floats=id
-- shard: key.wide=n
-- Numbers: long numerics, scales, NaN, infinities, negative zero, extremes of integers.
CREATE TABLE nums (g int NOT NULL, i int NOT NULL, n numeric, m numeric(30,10), q numeric(5,0), e numeric(4,-2), PRIMARY KEY (g, i));
CREATE TABLE floats (id bigint PRIMARY KEY, d float8, r real);
CREATE TABLE wide (n numeric PRIMARY KEY, what text);
INSERT INTO nums VALUES
  (1, 1, 12345678901234567890123.456789, 12345678901234567890.0123456789, 99999, 12345), (1, 2, 0.00000000000000000000000000012345, 0.0000000001, 0, 49), (1, 3, -98765432109876543210.5, -1, -99999, 50), (1, 4, NULL, NULL, NULL, NULL),
  (2, 1, 1.0, 1.5, 1, 100), (2, 2, 1.000, 1.50, 1, 100), (2, 3, 2, 2.5, 2, 150), (3, 1, 0.0, 0, 0, 0), (3, 2, 1e40, 5, 5, 999949), (5, 1, -1e-40, -5, -5, -149), (8, 1, 7.25, 7.25, 7, 700), (8, 2, 7.75, 7.75, 8, 800);
INSERT INTO floats VALUES (1, 0.5, 0.5), (2, '-0', '-0'), (3, 1e300, 1e30), (4, -1e300, -1e30), (5, NULL, NULL), (6, 5e-324, 1e-45), (7, 0.1, 0.1), (8, 123456789.125, 16777216), (9, 1.7976931348623157e308, 3.4028235e38), (10, 2, 3);
INSERT INTO floats VALUES (21, 'NaN', 'NaN'), (22, 'Infinity', 'Infinity'), (23, '-Infinity', '-Infinity'), (24, 'nan', 'inf'), (25, 0.25, -0.75);
INSERT INTO wide VALUES (1, 'one'), (1.5, 'more'), (-0.0, 'zero'), (123456789012345678901234567890, 'long'), (0.000000000000000000000000000001, 'tiny'), ('NaN', 'no'), (1e100, 'huge');

SELECT g, i, n FROM nums ORDER BY n, g, i;
SELECT n FROM nums WHERE g <> 2 ORDER BY n DESC;
SELECT g, i, m, q, e FROM nums ORDER BY m NULLS FIRST, g, i;
SELECT sum(n), sum(m), sum(q), sum(e) FROM nums;
SELECT avg(n), avg(m), avg(q), avg(e) FROM nums;
SELECT avg(n), sum(n) FROM nums WHERE g IN (2, 8);
SELECT avg(n) FROM nums WHERE g = 8;
SELECT avg(m) FROM nums WHERE i = 1;
SELECT g, sum(n), avg(n), max(m) FROM nums GROUP BY g ORDER BY g;
SELECT i, sum(n), avg(m) FROM nums GROUP BY i ORDER BY i;
SELECT sum(n)::text, round(sum(n), 3), trunc(avg(n), 30) FROM nums;
SELECT min(n), max(n) FROM nums;
SELECT sum(n) * 1e10, sum(n) / 3, sum(n) / 7e20 FROM nums;
SELECT sum(n * n) FROM nums;
SELECT sum(n * 1e-20), sum(m / 3) FROM nums;
SELECT sum(1 / n) FROM nums WHERE n > 1;
SELECT count(DISTINCT n), count(n) FROM nums;
SELECT sum(DISTINCT q), avg(DISTINCT q) FROM nums;
SELECT q, count(*) FROM nums GROUP BY q ORDER BY q;
SELECT DISTINCT q FROM nums ORDER BY q DESC;
SELECT g, i, scale(n), n::float8 FROM nums ORDER BY g, i;
SELECT variance(n), stddev_pop(m) FROM nums WHERE g > 1;
SELECT variance(q), stddev(q), var_pop(q), stddev_pop(q) FROM nums;
SELECT sum(n::float8) FROM nums WHERE g = 8 OR g = 2;
SELECT avg(q::float8), avg(q::real), sum(q::int), avg(q::bigint) FROM nums;
-- args: '12345678901234567890123.456789'
SELECT g, i FROM nums WHERE n = $1;
-- args: 1
SELECT g, i FROM nums WHERE n = $1 ORDER BY g, i;
-- args: 7.25
SELECT g, i, n + $1 FROM nums WHERE n >= $1::numeric ORDER BY n, g, i;

-- floats
SELECT id, d, r FROM floats ORDER BY id;
SELECT id FROM floats ORDER BY d, id;
SELECT id FROM floats ORDER BY d DESC, id;
SELECT id FROM floats ORDER BY r NULLS FIRST, id DESC;
SELECT d FROM floats WHERE id NOT IN (2) ORDER BY d;
SELECT id, d FROM floats WHERE d > 1 ORDER BY d DESC, id LIMIT 3;
SELECT id FROM floats WHERE d = 'NaN' ORDER BY id;
SELECT id FROM floats WHERE d = 0;
SELECT id, 1 / d FROM floats WHERE d IN (0.5, 0.25, 2, 'Infinity') ORDER BY 2, id;
SELECT max(d), min(d), max(r), min(r) FROM floats;
SELECT max(d), min(d), max(r), min(r) FROM floats WHERE id < 20;
SELECT sum(d) FROM floats WHERE id IN (1, 10, 25);
SELECT sum(r), avg(r) FROM floats WHERE id IN (1, 10, 25);
SELECT sum(d) FROM floats WHERE id = 2;
SELECT sum(d), avg(d) FROM floats WHERE d = 'NaN';
SELECT sum(d) FROM floats WHERE d = 'Infinity' OR id = 1;
SELECT sum(d) FROM floats WHERE id IN (22, 23);
SELECT avg(d) FROM floats WHERE id IN (1, 22);
SELECT avg(d) FROM floats WHERE id IN (22, 23);
SELECT sum(d) FROM floats;
SELECT count(DISTINCT d), count(DISTINCT r), count(d) FROM floats;
SELECT count(*) FROM (SELECT DISTINCT d FROM floats) x;
SELECT d = 'NaN' AS nan, count(*) FROM floats GROUP BY 1 ORDER BY 1;
SELECT d, count(*) FROM floats WHERE id > 20 GROUP BY d ORDER BY d;
SELECT d::text, count(*) FROM floats GROUP BY d::text ORDER BY d::text COLLATE "C";
SELECT DISTINCT d FROM floats WHERE d >= 1 ORDER BY d;
SELECT sign(d), count(*) FROM floats WHERE id <> 2 GROUP BY 1 ORDER BY 1;
SELECT array_agg(d ORDER BY d, id), array_agg(r ORDER BY id) FROM floats;
SELECT var_pop(d), stddev(d) FROM floats WHERE d IN ('NaN', 0.5);
SELECT var_pop(d) FROM floats WHERE id = 1;
SELECT sum(d::numeric) FROM floats WHERE id IN (1, 7, 8, 10, 25);
SELECT round(sum(r::numeric), 4) FROM floats WHERE id IN (1, 7, 10, 25);
SELECT sum(d), sum(r) FROM floats WHERE id IN (1, 2);
SELECT sum(d * 0) FROM floats WHERE id IN (4, 5);
SELECT -d, abs(d) FROM floats WHERE id IN (2, 22, 23) ORDER BY id;
SELECT sum(d) FROM floats WHERE id IN (9, 1, 3) AND d > 1e307;
SELECT sum(d) + max(d) FROM floats WHERE id = 9;
SELECT d::int FROM floats WHERE id = 3;
SELECT sum(d::int) FROM floats WHERE id IN (1, 10, 21);
SELECT max(d)::bigint FROM floats WHERE id = 22;
SELECT id, d::numeric FROM floats WHERE id IN (7, 21, 22) ORDER BY id;
-- args: 'NaN'
SELECT id FROM floats WHERE d = $1::float8 ORDER BY id;
-- args: 0.1
SELECT id FROM floats WHERE d = $1;
-- args: 0.1
SELECT id FROM floats WHERE r = $1 ORDER BY id;

-- NaN and infinity as numerics, and numerics as the key
INSERT INTO nums VALUES (13, 1, 'NaN', 1, 1, 1), (13, 2, 'Infinity', 'NaN', 2, 2), (14, 1, '-Infinity', 3, 3, 3);
SELECT g, i, n FROM nums WHERE g > 8 ORDER BY n, g;
SELECT sum(n), avg(n), max(n), min(n) FROM nums;
SELECT sum(n), avg(n) FROM nums WHERE n <> 'NaN';
SELECT sum(n), avg(n) FROM nums WHERE n > 1e30 AND n <> 'NaN';
SELECT sum(m), max(m) FROM nums;
SELECT variance(n), stddev(m) FROM nums;
SELECT n FROM nums WHERE n = 'NaN' OR n = 'Infinity' ORDER BY n;
SELECT n, what FROM wide ORDER BY n;
SELECT n, what FROM wide ORDER BY n DESC LIMIT 3;
SELECT what FROM wide WHERE n = 1.50;
SELECT what FROM wide WHERE n = 0;
SELECT what FROM wide WHERE n = 1e100;
SELECT what FROM wide WHERE n IN (1.000, 123456789012345678901234567890.0, 5) ORDER BY what;
-- args: '1.0000'
SELECT what FROM wide WHERE n = $1;
-- args: 1
SELECT what FROM wide WHERE n = $1;
-- args: 1.5
SELECT what FROM wide WHERE n = $1;
SELECT sum(n), count(*) FROM wide WHERE n <> 'NaN';
SELECT max(n), min(n) FROM wide;
SELECT avg(n) FROM wide WHERE n < 10;

-- integers at their ends
SELECT sum(9223372036854775807) FROM nums;
SELECT sum(g::smallint * 1000::smallint) FROM nums;
SELECT max(g) - 2147483647 - 14, max(g) + 2147483633 FROM nums;
SELECT max(g) + 2147483634 FROM nums;
SELECT avg(9223372036854775807 - g) FROM nums;
SELECT sum(g)::numeric(3,1) FROM nums;
SELECT sum(q::smallint) FROM nums;
SELECT sum(n::bigint) FROM nums WHERE g < 13;
SELECT 1e400::float8 FROM nums;
SELECT sum(power(10::numeric, g * 10000)) FROM nums;
