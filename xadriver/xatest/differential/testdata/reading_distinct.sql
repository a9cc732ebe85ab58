-- shard: key.visits=city
-- shard: key.void=k
-- DISTINCT and DISTINCT ON.
CREATE TABLE visits (city text NOT NULL, day date NOT NULL, guest text, nights int, paid numeric(7,2), how char(4), codes int[], PRIMARY KEY (city, day));
CREATE TABLE void (k int PRIMARY KEY, a int, b text);
INSERT INTO visits VALUES
  ('Rome', '2024-01-01', 'Ann', 2, 100.00, 'web', '{1,2}'),
  ('Rome', '2024-01-02', 'ann', 2, 100.00, 'web', '{1,2}'),
  ('Rome', '2024-01-03', 'Bob', NULL, 80.50, 'desk', '{}'),
  ('Rome', '2024-01-04', NULL, 2, NULL, NULL, NULL),
  ('Rome', '2024-01-05', 'Ann', 1, 100.00, 'web', '{2,1}'),
  ('Oslo', '2024-01-01', 'Ann', 2, 120.00, 'web', '{1,2}'),
  ('Oslo', '2024-01-03', 'Bob', 3, 80.50, 'desk', '{1,2}'),
  ('Oslo', '2024-01-04', NULL, NULL, NULL, 'desk', NULL),
  ('Bern', '2024-01-01', 'Änne', 1, 55.25, 'web', '{1}'),
  ('Bern', '2024-02-01', 'Bob', 3, 55.25, NULL, '{1}'),
  ('Nice', '2024-01-05', 'Bob', 3, 0.00, 'web', '{NULL}'),
  ('Kyiv', '2024-01-02', 'Ann', 2, 100.00, 'web', '{1,2}');

SELECT DISTINCT guest FROM visits;
SELECT DISTINCT guest FROM visits ORDER BY guest;
SELECT DISTINCT guest FROM visits ORDER BY guest DESC;
SELECT DISTINCT guest FROM visits ORDER BY guest NULLS FIRST;
SELECT DISTINCT guest FROM visits ORDER BY guest COLLATE "C";
SELECT DISTINCT guest COLLATE "C" FROM visits ORDER BY 1;
SELECT DISTINCT city FROM visits;
SELECT DISTINCT city FROM visits ORDER BY city;
SELECT DISTINCT nights FROM visits ORDER BY nights;
SELECT DISTINCT guest, nights FROM visits ORDER BY guest, nights;
SELECT DISTINCT nights, guest FROM visits ORDER BY guest DESC, nights NULLS FIRST;
SELECT DISTINCT how FROM visits;
SELECT DISTINCT how FROM visits ORDER BY how;
SELECT DISTINCT codes FROM visits ORDER BY codes;
SELECT DISTINCT day FROM visits ORDER BY day;
SELECT DISTINCT city, guest FROM visits;
SELECT DISTINCT city, guest FROM visits ORDER BY city, guest;
SELECT DISTINCT guest, paid, how FROM visits;
SELECT DISTINCT * FROM visits;
SELECT DISTINCT upper(guest) FROM visits;
SELECT DISTINCT upper(guest) AS u FROM visits ORDER BY u;
SELECT DISTINCT nights + 1 AS n FROM visits ORDER BY n DESC;
SELECT DISTINCT nights % 2, paid > 90 FROM visits ORDER BY 1, 2;
SELECT DISTINCT coalesce(nights, 0), length(guest) FROM visits ORDER BY 1, 2;
SELECT DISTINCT extract(month FROM day) FROM visits;
SELECT DISTINCT 1 FROM visits;
SELECT DISTINCT NULL FROM visits;
SELECT DISTINCT 'a', NULL::int FROM visits;
SELECT DISTINCT guest IS NULL FROM visits;
SELECT DISTINCT nights, nights FROM visits ORDER BY 1;
SELECT DISTINCT ROW(nights, guest) FROM visits;
SELECT DISTINCT guest FROM visits WHERE city = 'Rome' ORDER BY guest;
SELECT DISTINCT guest FROM visits WHERE city IN ('Rome', 'Oslo') ORDER BY guest;
SELECT DISTINCT guest FROM visits WHERE nights > 1;
-- args: 2
SELECT DISTINCT guest FROM visits WHERE nights = $1 ORDER BY 1;
-- args: 'x'
SELECT DISTINCT guest || $1 AS g FROM visits ORDER BY g;
SELECT DISTINCT guest FROM visits WHERE false;
SELECT DISTINCT a, b FROM void;
SELECT DISTINCT a FROM void ORDER BY a;
SELECT DISTINCT guest FROM visits ORDER BY guest LIMIT 3;
SELECT DISTINCT guest FROM visits ORDER BY guest LIMIT 2 OFFSET 1;
SELECT DISTINCT guest, nights FROM visits ORDER BY nights DESC, guest LIMIT 4;
SELECT DISTINCT nights FROM visits ORDER BY nights DESC FETCH FIRST 2 ROWS ONLY;
SELECT ALL nights FROM visits ORDER BY nights;

-- distinct over aggregates and groups
SELECT DISTINCT count(*) FROM visits GROUP BY city;
SELECT DISTINCT count(*) FROM visits GROUP BY city ORDER BY 1 DESC;
SELECT DISTINCT count(*) FROM visits GROUP BY guest ORDER BY 1;
SELECT DISTINCT count(*) FROM visits;
SELECT DISTINCT sum(nights), max(paid) FROM visits;
SELECT DISTINCT max(nights) FROM visits GROUP BY guest ORDER BY 1;
SELECT DISTINCT guest FROM visits GROUP BY guest, nights ORDER BY guest;
SELECT DISTINCT length(guest), count(*) FROM visits GROUP BY guest ORDER BY 1, 2;
SELECT count(DISTINCT guest), count(DISTINCT nights), count(DISTINCT city), count(DISTINCT paid) FROM visits;
SELECT city, count(DISTINCT guest) FROM visits GROUP BY city ORDER BY city;
SELECT guest, count(DISTINCT city) FROM visits GROUP BY guest ORDER BY guest;
SELECT nights, count(DISTINCT guest), count(guest) FROM visits GROUP BY nights ORDER BY nights;
SELECT count(DISTINCT (guest, nights)) FROM visits;
SELECT count(DISTINCT lower(guest)) FROM visits;
SELECT sum(DISTINCT nights), avg(DISTINCT nights), sum(DISTINCT paid) FROM visits;
SELECT min(DISTINCT nights), max(DISTINCT paid) FROM visits;
SELECT count(DISTINCT guest) FILTER (WHERE nights > 1) FROM visits;
SELECT count(DISTINCT a), sum(DISTINCT a) FROM void;

-- the first of each
SELECT DISTINCT ON (city) city, day, guest FROM visits ORDER BY city, day;
SELECT DISTINCT ON (city) city, day, guest FROM visits ORDER BY city DESC, day DESC;
SELECT DISTINCT ON (guest) guest, city, day FROM visits ORDER BY guest, day, city;
SELECT DISTINCT ON (guest) guest, city, day FROM visits ORDER BY guest DESC, day DESC, city DESC;
SELECT DISTINCT ON (guest) guest, city, day FROM visits ORDER BY guest NULLS FIRST, paid NULLS FIRST, day, city;
SELECT DISTINCT ON (guest) city, day FROM visits ORDER BY guest, day, city;
SELECT DISTINCT ON (nights) nights, guest, city FROM visits ORDER BY nights, guest NULLS FIRST, city, day;
SELECT DISTINCT ON (guest, nights) guest, nights, city, day FROM visits ORDER BY guest, nights, city, day;
SELECT DISTINCT ON (nights, guest) guest, nights, city, day FROM visits ORDER BY guest, nights, city, day;
SELECT DISTINCT ON (lower(guest)) guest, city FROM visits ORDER BY lower(guest), guest COLLATE "C", city, day;
SELECT DISTINCT ON (length(guest), nights) guest, nights FROM visits ORDER BY length(guest), nights, guest, city, day;
SELECT DISTINCT ON (1) how, city, day FROM visits ORDER BY 1, 2, 3;
SELECT DISTINCT ON (h) how AS h, city, day FROM visits ORDER BY h, city, day;
SELECT DISTINCT ON (guest) guest, city, day FROM visits ORDER BY guest, day, city LIMIT 2;
SELECT DISTINCT ON (guest) guest, city, day FROM visits ORDER BY guest, day, city LIMIT 2 OFFSET 1;
SELECT DISTINCT ON (guest) guest FROM visits;
SELECT DISTINCT ON (nights) nights FROM visits ORDER BY nights DESC;
SELECT DISTINCT ON (city) city, max(day) FROM visits GROUP BY city ORDER BY city;
SELECT DISTINCT ON (count(*)) count(*), guest FROM visits GROUP BY guest ORDER BY count(*), guest;
SELECT DISTINCT ON (guest) guest, day FROM visits WHERE city = 'Rome' ORDER BY guest, day DESC;
-- args: '2024-01-02'
SELECT DISTINCT ON (guest) guest, day, city FROM visits WHERE day >= $1::date ORDER BY guest, day, city;
SELECT DISTINCT ON (a) a, b FROM void ORDER BY a, b;

-- mistakes
SELECT DISTINCT guest FROM visits ORDER BY nights;
SELECT DISTINCT guest FROM visits ORDER BY lower(guest);
SELECT DISTINCT ON (guest) guest, city FROM visits ORDER BY city, guest;
SELECT DISTINCT ON (9) guest FROM visits;
SELECT DISTINCT ON (nobody) guest FROM visits;
SELECT DISTINCT guest, count(*) FROM visits;
SELECT count(DISTINCT *) FROM visits;
SELECT DISTINCT point(nights, 1) FROM visits;
SELECT DISTINCT ON () guest FROM visits;
