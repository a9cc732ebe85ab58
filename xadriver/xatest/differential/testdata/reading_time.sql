-- shard: key.events=source
-- shard: key.days=day
-- Dates, times, intervals, and the session's time zone.
CREATE TABLE events (source text NOT NULL, no int NOT NULL, at timestamptz, local timestamp, day date, clock time, zoned timetz, took interval, PRIMARY KEY (source, no));
CREATE TABLE days (day date PRIMARY KEY, holiday text);
INSERT INTO events VALUES
  ('web', 1, '2024-03-10 06:59:59+00', '2024-03-10 01:59:59', '2024-03-10', '01:59:59', '01:59:59-05', '1 hour'), ('web', 2, '2024-03-10 07:00:00+00', '2024-03-10 03:00:00', '2024-03-10', '03:00', '03:00-04', '90 minutes'),
  ('web', 3, '2024-11-03 05:30:00+00', '2024-11-03 01:30', '2024-11-03', '01:30', '01:30-04', '-2 days'), ('web', 4, '2024-11-03 06:30:00+00', '2024-11-03 01:30', '2024-11-03', '01:30', '01:30-05', '1 mon -1 day'),
  ('web', 5, NULL, NULL, NULL, NULL, NULL, NULL), ('app', 1, '1969-12-31 23:59:59.999999+00', '1969-12-31 23:59:59.999999', '1969-12-31', '23:59:59.999999', '23:59:59+00', '0'),
  ('app', 2, '0001-01-01 00:00:00+00 BC', '4713-01-01 BC', '4713-01-01 BC', '00:00', '00:00+14', '1000 years'), ('job', 1, 'infinity', 'infinity', 'infinity', '24:00', '24:00-12', '1 year 2 mons 3 days 04:05:06.789'),
  ('job', 2, '-infinity', '-infinity', '-infinity', '12:00', '12:00+05:30', '-00:00:01'), ('cli', 1, '2024-02-29 12:00+03', '2024-02-29 12:00', '2024-02-29', '12:00', '12:00+03', '24 hours'), ('cli', 2, '2024-02-29 09:00+00', '2024-02-29 12:00:00', '2024-02-29', '12:00:00', '09:00+00', '1 day 1 microsecond');
INSERT INTO days SELECT date '2024-01-01' + i, CASE i % 7 WHEN 0 THEN 'rest' END FROM generate_series(0, 40) i;

SELECT source, no, at FROM events ORDER BY at, source, no;
SELECT source, no, at FROM events ORDER BY at DESC NULLS LAST, source, no;
SELECT source, no, local, day FROM events ORDER BY local, source, no;
SELECT clock, zoned FROM events ORDER BY zoned, clock;
SELECT clock FROM events ORDER BY clock DESC;
SELECT source, no, took FROM events ORDER BY took NULLS FIRST, source, no;
SELECT source, no, at::text, zoned::text FROM events ORDER BY source, no;
SELECT min(at), max(at), min(local), max(local), min(day), max(day), min(clock), max(clock) FROM events;
SELECT max(zoned), min(zoned) FROM events WHERE source IN ('web', 'app');
SELECT min(took), max(took), sum(took) FROM events;
SELECT sum(took), avg(took) FROM events WHERE source <> 'app';
SELECT source, max(at) - min(at) AS span FROM events WHERE isfinite(at) GROUP BY source ORDER BY source;
SELECT day, count(*), max(clock) FROM events GROUP BY day ORDER BY day;
SELECT extract(year FROM day) AS y, count(*) FROM events WHERE isfinite(day) GROUP BY y ORDER BY y;
SELECT date_part('hour', local) AS h, count(*) FROM events WHERE isfinite(local) GROUP BY 1 ORDER BY 1;
SELECT to_char(local, 'YYYY-MM') AS month, array_agg(no ORDER BY source, no) FROM events WHERE isfinite(local) GROUP BY month ORDER BY month;
SELECT count(DISTINCT at), count(DISTINCT day), count(DISTINCT took) FROM events;
SELECT DISTINCT day FROM events ORDER BY day DESC;
SELECT DISTINCT local FROM events ORDER BY local;
SELECT day + 1, day - 1, day + no, day + interval '1 month' FROM events WHERE isfinite(day) ORDER BY source, no;
SELECT source, no, local + took AS later FROM events WHERE isfinite(local) ORDER BY later, source, no;
SELECT source, no, age(timestamp '2024-06-01', local) FROM events WHERE isfinite(local) ORDER BY local, source, no;
SELECT extract(epoch FROM at), extract(epoch FROM took) FROM events WHERE isfinite(at) ORDER BY at, source, no;
SELECT sum(extract(epoch FROM took)), max(date_trunc('day', local)) FROM events WHERE source = 'web' OR source = 'cli';
SELECT day, holiday FROM days WHERE day = '2024-01-08';
SELECT day, holiday FROM days WHERE day IN ('2024-01-08', date '2024-02-01', '2025-01-01') ORDER BY day;
-- args: '2024-01-15'
SELECT day, holiday FROM days WHERE day = $1::date;
-- args: '2024-01-28' | '2024-02-03'
SELECT day FROM days WHERE day BETWEEN $1::date AND $2::date ORDER BY day DESC;
SELECT date_trunc('week', day) AS week, count(holiday), max(day) FROM days GROUP BY week ORDER BY week;
SELECT to_char(day, 'Dy') AS name, count(*) FROM days GROUP BY name ORDER BY count(*) DESC, name;
SELECT max(day) - min(day), count(*) FROM days WHERE holiday IS NOT NULL;
SELECT extract(isodow FROM day), min(day) FROM days GROUP BY 1 ORDER BY 1;

-- another zone: the same moments, other days and texts
SHOW TimeZone;
SET TimeZone = 'America/New_York';
SHOW TimeZone;
SELECT source, no, at::text, at::date, at::time FROM events e ORDER BY e.at, source, no;
SELECT source, no, at::text, at::date FROM events ORDER BY at, source, no;
SELECT at::date AS d, count(*), min(at::text) FROM events GROUP BY d ORDER BY d;
SELECT date_trunc('day', at)::text AS d, count(*) FROM events WHERE isfinite(at) GROUP BY date_trunc('day', at) ORDER BY date_trunc('day', at);
SELECT extract(hour FROM at) AS h, count(*) FROM events WHERE isfinite(at) GROUP BY h ORDER BY h;
SELECT to_char(at, 'YYYY-MM-DD HH24:MI TZ') FROM events WHERE isfinite(at) ORDER BY at, source, no;
SELECT source, no FROM events WHERE at = '2024-03-10 01:59:59' ORDER BY source, no;
SELECT source, no FROM events WHERE at >= '2024-11-03' ORDER BY at, source, no;
-- args: '2024-03-10 03:00:00'
SELECT source, no FROM events WHERE at = $1::timestamptz;
SELECT local::timestamptz::text FROM events WHERE source = 'web' ORDER BY no;
SELECT max(at)::text, min(at)::text, count(*) FROM events WHERE source = 'web';
SELECT string_agg(at::text, ', ' ORDER BY at, source) FROM events;
SELECT json_agg(at ORDER BY at, source) FROM events WHERE isfinite(at);
SELECT at AT TIME ZONE 'Asia/Kolkata' FROM events WHERE isfinite(at) ORDER BY at, source, no;
SELECT at + interval '1 day', at + interval '24 hours' FROM events WHERE source = 'web' ORDER BY no;
SET TimeZone TO DEFAULT;
SHOW TimeZone;
SELECT at::date AS d, count(*) FROM events GROUP BY d ORDER BY d;
BEGIN;
SET LOCAL TimeZone = 'Asia/Tokyo';
SELECT at::text FROM events ORDER BY at, source, no;
SELECT at::date AS d, count(*) FROM events GROUP BY d ORDER BY d;
COMMIT;
SELECT max(at)::text, min(at)::text FROM events WHERE isfinite(at);
SET DateStyle = 'German';
SELECT day::text, at::text, local::text FROM events ORDER BY source, no;
SELECT max(day)::text, min(local)::text FROM events WHERE isfinite(day);
RESET DateStyle;
SET IntervalStyle = 'iso_8601';
SELECT took::text FROM events ORDER BY took, source, no;
SELECT sum(took)::text, max(took)::text FROM events;
RESET IntervalStyle;
SET extra_float_digits = 0;
SELECT no::float8 / 3 FROM events ORDER BY no, source;
SELECT (sum(no)::float8 / 7)::text FROM events;
RESET extra_float_digits;
SET bytea_output = 'escape';
SELECT max(source)::bytea::text, count(*) FROM events;
RESET ALL;

-- mistakes
SELECT day FROM days WHERE day = '2024-02-30';
SELECT day FROM days WHERE day = 'someday';
SELECT day + 2000000000 FROM days;
SELECT max(day) + 2000000000 FROM days;
SELECT at AT TIME ZONE 'Nowhere/City' FROM events;
SELECT date_trunc('blink', at) FROM events;
SELECT extract(nothing FROM at) FROM events;
SELECT sum(at) FROM events;
SELECT avg(day) FROM days;
SELECT max(local + took * 1e9) FROM events WHERE source = 'app';
SELECT '25:00'::time FROM days;
SET TimeZone = 'Nowhere/City';
SELECT make_date(2024, 13, no) FROM events;
SELECT day = 1 FROM days;
