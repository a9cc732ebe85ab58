-- shard: key.events=person
-- shard: key.sales.orders=person
-- shard: key.orders=person
-- Settings of the session and of transactions: TimeZone, search_path, timeouts
-- and others; advisory locks.

CREATE TABLE events (person int NOT NULL, at timestamptz NOT NULL, what text DEFAULT 'event');
CREATE TABLE orders (person int PRIMARY KEY, what text);
CREATE SCHEMA sales;
CREATE TABLE sales.orders (person int PRIMARY KEY, what text);
CREATE TABLE sales.prices (item text, price numeric(6,2));
SET TIME ZONE 'UTC';
SHOW TimeZone;
INSERT INTO events VALUES (1, '2024-01-01 12:00:00'), (2, '2024-06-15 23:30:00+02'), (3, '2024-12-31 23:59:59-05'), (1, '2024-03-31 01:30:00 Europe/Zurich');
INSERT INTO orders VALUES (1, 'public one'), (2, 'public two'), (3, 'public three');
INSERT INTO sales.orders VALUES (1, 'sales one'), (2, 'sales two'), (4, 'sales four');
INSERT INTO sales.prices VALUES ('cup', 1.5), ('pot', 9.25);

-- TimeZone decides how times are read and written.
SELECT person, at::text AS at, at::date AS day, extract(hour FROM at) AS hour FROM events ORDER BY events.at;
SET TimeZone = 'Europe/Zurich';
SELECT person, at::text AS at, at::date AS day, extract(hour FROM at) AS hour FROM events ORDER BY events.at;
INSERT INTO events VALUES (4, '2024-07-01 00:00:00'), (5, '2024-01-01 00:00:00');
SELECT person, date_trunc('day', at)::text AS day, count(*) AS n FROM events GROUP BY person, date_trunc('day', at) ORDER BY person, 2;
SET TIME ZONE 'America/New_York';
SELECT person, to_char(at, 'YYYY-MM-DD HH24:MI TZ') AS at FROM events WHERE person IN (1, 4, 5) ORDER BY events.at;
SELECT person FROM events WHERE at >= '2024-06-30' AND at < '2024-07-01' ORDER BY person;
UPDATE events SET at = '2024-07-04', what = 'here' WHERE person = 5 RETURNING at::text;
SET TimeZone TO 'Nowhere/Atall';
SHOW timezone;
BEGIN;
SET LOCAL TimeZone = 'Asia/Tokyo';
SELECT person, at::text AS at FROM events WHERE person IN (2, 3) ORDER BY person;
SHOW TimeZone;
COMMIT;
SHOW TimeZone;
BEGIN;
SET TimeZone = 'Asia/Kolkata';
SELECT at::text AS at FROM events WHERE person = 2;
ROLLBACK;
SHOW TimeZone;
BEGIN;
SET TimeZone = 'Africa/Nairobi';
SAVEPOINT one;
SET LOCAL TimeZone = 'Asia/Tokyo';
SET extra_float_digits = 0;
SELECT at::text AS at FROM events WHERE person = 3;
ROLLBACK TO one;
SELECT at::text AS at FROM events WHERE person = 3;
COMMIT;
SHOW TimeZone;
SET TIME ZONE INTERVAL '+05:30' HOUR TO MINUTE;
SELECT person, at::text AS at FROM events ORDER BY events.at, person;
SET TIME ZONE LOCAL;
SET TIME ZONE 'UTC';
SELECT count(*) AS n FROM events WHERE at < '2024-07-01';

-- search_path decides which table a name means.
SELECT what FROM orders WHERE person = 1;
SET search_path = sales, public;
SELECT what FROM orders WHERE person = 1;
SELECT person, what FROM orders ORDER BY person;
SELECT count(*) AS n FROM prices;
INSERT INTO orders VALUES (5, 'which?'), (6, 'which?');
SELECT o.what AS here, p.what AS there FROM orders o LEFT JOIN public.orders p USING (person) ORDER BY o.person;
SET search_path TO public;
SELECT person, what FROM orders ORDER BY person;
SELECT count(*) AS n FROM prices;
SET search_path = sales;
SELECT person FROM events;
SELECT e.person, o.what FROM public.events e JOIN orders o USING (person) WHERE e.person = 2;
BEGIN;
SET LOCAL search_path = public;
UPDATE orders SET what = upper(what);
COMMIT;
SELECT person, what FROM orders ORDER BY person;
RESET search_path;
SELECT person, what FROM orders ORDER BY person;
SELECT set_config('search_path', 'sales', false) AS path;
SELECT count(*) AS n FROM prices;
RESET search_path;
SHOW search_path;
SET search_path = nosuchschema;
SELECT person FROM orders;
SELECT person FROM public.orders ORDER BY person;
SET search_path = DEFAULT;

-- Timeouts.
SET statement_timeout = '300ms';
SHOW statement_timeout;
SELECT pg_sleep(5);
UPDATE events SET what = 'slept' WHERE person = 1 AND pg_sleep(5) IS NOT NULL;
RESET statement_timeout;
SHOW statement_timeout;
SELECT count(*) AS n FROM events WHERE what = 'slept';
SET statement_timeout = 400;
BEGIN;
SET LOCAL statement_timeout = 0;
SELECT pg_sleep(0.5) IS NOT NULL AS slept;
COMMIT;
SHOW statement_timeout;
SET statement_timeout TO DEFAULT;
BEGIN;
INSERT INTO events VALUES (9, '2024-09-09');
SET LOCAL statement_timeout = '0.2s';
SELECT pg_sleep(5);
SELECT 1 AS one;
COMMIT;
SHOW statement_timeout;
SELECT count(*) AS n FROM events WHERE person = 9;
SET lock_timeout = '1s';
SET statement_timeout = 'soon';

-- Other settings.
SET my.setting = 'mine';
SELECT current_setting('my.setting') AS mine;
SELECT person, current_setting('my.setting') AS mine FROM events WHERE person < 3 ORDER BY person, at;
BEGIN;
SET LOCAL my.setting = 'local';
SELECT DISTINCT current_setting('my.setting') AS mine FROM events;
ROLLBACK;
SELECT current_setting('my.setting') AS mine, current_setting('my.other', true) AS other;
SELECT current_setting('my.nothing');
SELECT set_config('my.setting', 'set', true) AS set;
SHOW my.setting;
SET bytea_output = 'escape';
SELECT 'ab\000c'::bytea::text AS bytes FROM events WHERE person = 4;
RESET bytea_output;
SET IntervalStyle = 'iso_8601';
SELECT person, (max(at) - min(at))::text AS span FROM events GROUP BY person ORDER BY person;
RESET IntervalStyle;
SET extra_float_digits = 0;
SELECT (0.1::float8 + 0.2::float8)::text AS sum;
RESET extra_float_digits;
SET nosuchsetting = 1;
SET work_mem = 'much';
SHOW nosuchsetting;
SET application_name = 'differential';
SHOW application_name;
SHOW server_encoding;
SET ROLE nobody_of_this_name;
SET SESSION AUTHORIZATION DEFAULT;
SELECT current_user = session_user AS same;

-- Advisory locks.
SELECT pg_advisory_lock(1, 2);
SELECT pg_try_advisory_lock(1, 2) AS again;
SELECT pg_advisory_unlock(1, 2) AS one, pg_advisory_unlock(1, 2) AS two;
SELECT pg_advisory_unlock(1, 2) AS three;
BEGIN;
SELECT pg_advisory_xact_lock(42);
SELECT pg_try_advisory_xact_lock(43) AS got;
UPDATE events SET what = 'locked' WHERE person IN (1, 2, 3);
SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objid IN (42, 43);
COMMIT;
SELECT pg_advisory_unlock_all();
SELECT pg_try_advisory_lock_shared(7) AS got, pg_advisory_unlock_shared(7) AS freed;
SELECT person, what FROM events WHERE what = 'locked' ORDER BY person, at;

-- Everything as at first.
SET search_path = sales;
RESET ALL;
SELECT count(*) AS n FROM orders WHERE what LIKE 'PUBLIC%';
SET TimeZone = 'Asia/Tokyo';
DISCARD ALL;
SELECT count(*) AS public_orders FROM orders WHERE what LIKE 'PUBLIC%';
SELECT current_setting('TimeZone') = 'Asia/Tokyo' AS tokyo;
