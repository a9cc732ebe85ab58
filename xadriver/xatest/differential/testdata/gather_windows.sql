-- shard: key.sales=seller
-- shard: key.readings=sensor
-- shard: key.quiet=id
-- shard: reference=regions
-- Window functions, partitioned by the key and off it: frames, named windows, ranks, lag and lead, windows over groups.
CREATE TABLE sales (seller int NOT NULL, day date NOT NULL, region text, amount numeric(10,2), units int, PRIMARY KEY (seller, day));
CREATE TABLE readings (sensor text NOT NULL, at int NOT NULL, v double precision);
CREATE TABLE quiet (id int NOT NULL, v int);
CREATE TABLE regions (name text PRIMARY KEY, boss text);
INSERT INTO regions VALUES ('north', 'Ann'), ('south', 'Bea'), ('west', 'Ann');
INSERT INTO sales SELECT 3, date '2024-01-01' + g, (ARRAY['north', 'south'])[1 + g % 2], g * 1.25, g % 4 FROM generate_series(1, 12) g;
INSERT INTO sales SELECT g, date '2024-01-03', CASE WHEN g % 3 = 0 THEN NULL ELSE 'west' END, 5, nullif(g, 5) FROM generate_series(4, 9) g;
INSERT INTO sales VALUES (1, '2024-01-02', 'north', NULL, 7), (1, '2024-01-05', 'north', 2.5, 7), (1, '2024-01-09', 'south', 2.5, NULL), (2, '2024-01-05', 'east', 2.5, 1), (2, '2024-02-05', NULL, 0, 0);
INSERT INTO readings SELECT 'a', g, g % 5 + 0.5 FROM generate_series(1, 9) g;
INSERT INTO readings VALUES ('b', 1, 'NaN'), ('b', 2, '-Infinity'), ('b', 3, '-0'::float8), ('b', 4, 0.0), ('c', 3, NULL), ('c', 9, 'Infinity'), ('d', 5, 2.5);

-- ranking
SELECT seller, day, row_number() OVER (ORDER BY seller, day) FROM sales ORDER BY seller, day;
SELECT seller, day, row_number() OVER (PARTITION BY seller ORDER BY day DESC) AS rn FROM sales;
SELECT seller, day, rank() OVER (ORDER BY amount DESC NULLS LAST) AS r, dense_rank() OVER (ORDER BY amount DESC NULLS LAST) AS d FROM sales ORDER BY r, seller, day;
SELECT region, seller, rank() OVER (PARTITION BY region ORDER BY units) AS r FROM sales ORDER BY region, r, seller, day;
SELECT seller, day, percent_rank() OVER (ORDER BY units) AS p, cume_dist() OVER (ORDER BY units) AS c FROM sales ORDER BY units, seller, day;
SELECT seller, day, ntile(4) OVER (ORDER BY day, seller) AS q FROM sales ORDER BY day, seller;
SELECT region, day, seller, ntile(2) OVER (PARTITION BY region ORDER BY day, seller) AS half FROM sales ORDER BY 1, 2, 3;
SELECT sensor, at, rank() OVER (ORDER BY v) AS r FROM readings ORDER BY r, sensor, at;
SELECT sensor, at, dense_rank() OVER (PARTITION BY at ORDER BY v DESC) AS r FROM readings;
SELECT count(*) OVER () AS n, id FROM quiet;
SELECT seller, day, rank() OVER (PARTITION BY region, units ORDER BY seller, day) FROM sales ORDER BY seller, day;

-- lag, lead, first, last, nth
SELECT seller, day, lag(day) OVER (ORDER BY day, seller) AS before, lead(seller, 2, -1) OVER (ORDER BY day, seller) AS later FROM sales ORDER BY day, seller;
SELECT seller, day, amount - lag(amount) OVER (PARTITION BY seller ORDER BY day) AS diff FROM sales ORDER BY seller, day;
SELECT region, seller, day, lag(units, 1, 0) OVER (PARTITION BY region ORDER BY day, seller) AS l FROM sales ORDER BY region NULLS FIRST, day, seller;
SELECT sensor, at, lead(v) OVER (PARTITION BY sensor ORDER BY at) AS next FROM readings ORDER BY sensor, at;
SELECT DISTINCT region, first_value(seller) OVER (PARTITION BY region ORDER BY day, seller) AS f, last_value(seller) OVER (PARTITION BY region ORDER BY day, seller ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS l FROM sales ORDER BY region;
SELECT seller, day, nth_value(amount, 2) OVER (PARTITION BY region ORDER BY seller, day) AS second FROM sales ORDER BY region, seller, day;
SELECT seller, day, last_value(amount) OVER (ORDER BY day RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE TIES) IS NULL AS x FROM sales WHERE seller = 3 ORDER BY day;
SELECT at, array_agg(sensor ORDER BY sensor) AS s, lag(at) OVER (ORDER BY at) AS p FROM readings GROUP BY at ORDER BY at;

-- aggregates over windows
SELECT seller, day, sum(amount) OVER (PARTITION BY seller) AS s FROM sales ORDER BY seller, day;
SELECT seller, day, sum(amount) OVER (PARTITION BY seller ORDER BY day) AS running FROM sales ORDER BY seller, day;
SELECT seller, day, sum(amount) OVER (ORDER BY day, seller) AS running FROM sales ORDER BY day, seller;
SELECT seller, day, sum(amount) OVER (ORDER BY day) AS running FROM sales ORDER BY day, seller;
SELECT region, count(*) OVER (PARTITION BY region) AS n, count(units) OVER (PARTITION BY region) AS u, seller FROM sales ORDER BY region, seller, day;
SELECT seller, day, avg(amount) OVER (PARTITION BY region) AS a, min(day) OVER (PARTITION BY units) AS m, max(region) OVER () AS x FROM sales ORDER BY seller, day;
SELECT seller, amount, round(100 * amount / sum(amount) OVER (), 3) AS share FROM sales ORDER BY amount DESC NULLS LAST, seller, day;
SELECT seller, string_agg(region, ',') OVER (PARTITION BY seller ORDER BY day) AS path FROM sales WHERE seller < 4 ORDER BY seller, day;
SELECT day, array_agg(seller) OVER (ORDER BY day, seller ROWS 2 PRECEDING) AS last3 FROM sales ORDER BY day, seller;
SELECT seller, sum(units) FILTER (WHERE region = 'south') OVER (PARTITION BY seller ORDER BY day) AS s FROM sales ORDER BY seller, day;
SELECT seller, count(*) FILTER (WHERE amount > 4) OVER (ORDER BY seller, day) AS c FROM sales ORDER BY seller, day;
SELECT sensor, at, sum(v) OVER (PARTITION BY sensor ORDER BY at) AS s FROM readings ORDER BY sensor, at;
SELECT sensor, at, bool_or(v > 4) OVER (PARTITION BY at % 3) AS b, max(v) OVER (PARTITION BY at % 3) AS m FROM readings ORDER BY sensor, at;

-- frames
SELECT seller, day, sum(units) OVER (ORDER BY day, seller ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS s FROM sales ORDER BY day, seller;
SELECT seller, day, count(*) OVER (ORDER BY day RANGE BETWEEN interval '2 days' PRECEDING AND CURRENT ROW) AS c FROM sales ORDER BY day, seller;
SELECT seller, units, count(*) OVER (ORDER BY units RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS c FROM sales ORDER BY units, seller, day;
SELECT seller, day, count(*) OVER (ORDER BY day GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS c FROM sales ORDER BY day, seller;
SELECT day, sum(units) OVER (ORDER BY day, seller ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING) AS s FROM sales ORDER BY day, seller;
SELECT seller, sum(units) OVER (PARTITION BY region ORDER BY day, seller ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW) AS s FROM sales ORDER BY region, day, seller;
SELECT seller, units, count(*) OVER (ORDER BY units GROUPS CURRENT ROW EXCLUDE GROUP) AS a, count(*) OVER (ORDER BY units RANGE CURRENT ROW EXCLUDE TIES) AS b FROM sales ORDER BY units, seller, day;
SELECT sensor, at, count(*) OVER (ORDER BY v RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS c FROM readings ORDER BY v, sensor, at;
-- args: 2
SELECT seller, day, count(*) OVER (ORDER BY day, seller ROWS $1::int PRECEDING) AS c FROM sales ORDER BY day, seller LIMIT 6;

-- named windows
SELECT seller, day, sum(units) OVER w, count(*) OVER w, first_value(day) OVER (w ROWS UNBOUNDED PRECEDING) FROM sales WINDOW w AS (PARTITION BY seller ORDER BY day) ORDER BY seller, day;
SELECT region, seller, rank() OVER big, rank() OVER small FROM sales WINDOW small AS (PARTITION BY region ORDER BY units NULLS FIRST), big AS (ORDER BY amount) ORDER BY region, seller, day;
SELECT seller, max(amount) OVER (p ORDER BY day) AS m FROM sales WINDOW p AS (PARTITION BY region) ORDER BY seller, day;
SELECT seller, row_number() OVER (w) FROM sales WINDOW v AS (PARTITION BY seller), w AS (v ORDER BY day) ORDER BY seller, day;

-- windows over aggregates
SELECT seller, sum(amount) AS total, rank() OVER (ORDER BY sum(amount) DESC NULLS LAST, seller) AS r FROM sales GROUP BY seller ORDER BY r;
SELECT region, count(*) AS n, sum(count(*)) OVER () AS all_n, round(avg(count(*)) OVER (ORDER BY region), 4) AS a FROM sales GROUP BY region ORDER BY region;
SELECT region, seller, sum(units) AS u, sum(sum(units)) OVER (PARTITION BY region) AS ru FROM sales GROUP BY region, seller ORDER BY region, seller;
SELECT day, sum(amount) AS s, sum(sum(amount)) OVER (ORDER BY day) AS running, lag(sum(amount)) OVER (ORDER BY day) AS before FROM sales GROUP BY day ORDER BY day;
SELECT region, row_number() OVER (ORDER BY count(*) DESC, region) AS place FROM sales GROUP BY region HAVING count(*) > 1 ORDER BY place;
SELECT seller, region, count(*), rank() OVER (PARTITION BY grouping(seller, region) ORDER BY count(*) DESC) AS r FROM sales GROUP BY ROLLUP (seller, region) ORDER BY grouping(seller, region), r, seller, region;

-- windows in subqueries, joins, order and distinct
SELECT * FROM (SELECT seller, day, amount, row_number() OVER (PARTITION BY seller ORDER BY amount DESC NULLS LAST, day) AS rn FROM sales) t WHERE rn <= 2 ORDER BY seller, rn;
SELECT * FROM (SELECT region, seller, day, rank() OVER (PARTITION BY region ORDER BY amount DESC NULLS LAST) AS rn FROM sales) t WHERE rn = 1 ORDER BY region, seller, day;
SELECT count(*) FROM (SELECT rank() OVER (ORDER BY units) AS r FROM sales) t WHERE r > 5;
SELECT seller, day FROM sales ORDER BY row_number() OVER (ORDER BY amount DESC NULLS LAST, day, seller) LIMIT 5;
SELECT DISTINCT count(*) OVER (PARTITION BY region) AS n FROM sales ORDER BY n;
SELECT DISTINCT ON (region) region, seller, sum(units) OVER (PARTITION BY region) AS u FROM sales ORDER BY region, seller DESC, day;
SELECT s.seller, r.boss, sum(s.amount) OVER (PARTITION BY r.boss ORDER BY s.day, s.seller) AS t FROM sales s JOIN regions r ON r.name = s.region ORDER BY r.boss, s.day, s.seller;
SELECT r.name, s.seller, count(s.seller) OVER (PARTITION BY r.boss) AS c FROM regions r LEFT JOIN sales s ON s.region = r.name AND s.units = 7 ORDER BY r.name, s.seller, s.day;
SELECT a.seller, b.sensor, row_number() OVER (ORDER BY a.seller, b.sensor, a.day, b.at) AS rn FROM sales a JOIN readings b ON a.units = b.at WHERE a.seller < 4 ORDER BY rn LIMIT 8;
WITH w AS (SELECT units, lead(units) OVER (ORDER BY units) AS next FROM (SELECT DISTINCT units FROM sales) d) SELECT units + 1 AS gap FROM w WHERE next - units > 1;
SELECT seller FROM sales GROUP BY seller ORDER BY sum(count(*)) OVER (ORDER BY seller DESC), seller LIMIT 4;
SELECT seller, day FROM sales EXCEPT SELECT seller, max(day) OVER (PARTITION BY seller) FROM sales ORDER BY 1, 2;
SELECT row_number() OVER () AS rn FROM sales WHERE units = 7 ORDER BY rn;
SELECT seller, units, CASE WHEN units > avg(units) OVER (PARTITION BY region) THEN 'above' WHEN units IS NULL THEN 'none' ELSE 'below' END AS w FROM sales ORDER BY seller, day;

-- errors
SELECT seller FROM sales WHERE row_number() OVER (ORDER BY seller) = 1;
SELECT seller, rank() OVER w FROM sales;
SELECT seller FROM sales GROUP BY seller HAVING rank() OVER (ORDER BY seller) = 1;
SELECT rank() FROM sales;
SELECT ntile(0) OVER (ORDER BY seller) FROM sales;
SELECT sum(units) OVER (ORDER BY day ROWS -1 PRECEDING) FROM sales;
SELECT sum(units) OVER (ORDER BY seller, day RANGE 1 PRECEDING) FROM sales;
SELECT sum(rank() OVER (ORDER BY seller)) OVER () FROM sales;
SELECT count(DISTINCT units) OVER () FROM sales;
SELECT seller, 1 / (row_number() OVER (ORDER BY seller, day) - 20) FROM sales;
SELECT nth_value(units, 0) OVER (ORDER BY day) FROM sales;
