-- shard: key.events=id
-- shard: key.keys=k
-- shard: key.times=day
-- shard: key.hosts=net
-- shard: reference=zones
-- bytea, uuid, interval, bit strings, inet, money, char(n) and timestamptz in several time zones.
CREATE TABLE events (id uuid PRIMARY KEY, raw bytea, span interval, flags bit(8), mask varbit, cost money, c char(4), v varchar(4));
CREATE TABLE keys (k bytea NOT NULL, ref uuid, n numeric);
CREATE TABLE times (day date NOT NULL, at timestamptz, local timestamp, t time, tz timetz);
CREATE TABLE hosts (net text NOT NULL, addr inet, block cidr, mac macaddr, pt point);
CREATE TABLE zones (name text PRIMARY KEY, span interval);
INSERT INTO zones VALUES ('utc', '0'), ('nairobi', '3 hours'), ('day', '24:00'), ('none', NULL);
INSERT INTO events VALUES
  ('00000000-0000-0000-0000-000000000001', '\x00ff', '1 day', B'10100000', B'101', '12.50', 'ab', 'ab'),
  ('00000000-0000-0000-0000-000000000002', '\x', '24 hours', B'10100001', B'', '-3.00', 'ab  ', 'ab  '),
  ('ffffffff-ffff-ffff-ffff-ffffffffffff', '\xdeadbeef', '1 mon', B'00000000', B'1', '1000000', 'zz', NULL),
  ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\x00', '30 days', B'11111111', B'1010', NULL, NULL, 'Zz'),
  ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', NULL, '-1 hour', NULL, NULL, '12.50', 'a', ''),
  ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13', '\x00ff', NULL, B'10100000', B'101', '0', '', 'ab'),
  ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a14', '\x5c27', '3 hours', B'00000001', B'0', '12.50', 'ABCD', 'a');
INSERT INTO keys VALUES ('\x00ff', '00000000-0000-0000-0000-000000000001', 1.0), ('\x00ff', '00000000-0000-0000-0000-000000000002', 2.50), ('\x', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 1), ('\x01', NULL, NULL), ('\xdeadbeef', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a99', 1e10);
INSERT INTO times VALUES ('2024-03-31', '2024-03-31 00:30:00+00', '2024-03-31 00:30', '00:30', '00:30+00'), ('2024-03-31', '2024-03-31 01:30:00+00', '2024-03-31 02:30', '02:30', '03:30+03'), ('2024-03-31', '2024-03-31 03:30:00+03', NULL, NULL, '00:30+00'),
  ('2024-10-27', '2024-10-27 00:30:00Z', '2024-10-27 02:30', '02:30', '02:30-05'), ('2024-10-27', '2024-10-27 01:30:00Z', '2024-10-27 02:30', '24:00', NULL), ('2024-12-31', '2024-12-31 23:30:00.123456Z', '2025-01-01 02:30:00.5', '23:59:59.999', '23:59:59+14'),
  ('0044-03-15 BC', '-infinity', 'infinity', '12:00', '12:00+00'), ('2000-01-01', 'infinity', '-infinity', NULL, NULL), ('2000-02-29', NULL, '2000-02-29 00:00', '00:00', '00:00-12');
INSERT INTO hosts VALUES ('lan', '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '(1,2)'), ('lan', '10.0.0.1/24', '10.0.0.0/24', '08:00:2b:01:02:04', '(0,0)'), ('lan', '9.255.0.1', NULL, NULL, NULL), ('wan', '::1', '::/0', '08:00:2b:01:02:03', '(1,2)'), ('dmz', '192.168.1.0/24', '192.168.1.0/24', NULL, '(-1.5,2)'), ('dmz', NULL, '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', NULL);

-- uuid and bytea
SELECT id FROM events ORDER BY id;
SELECT id, raw FROM events ORDER BY raw NULLS FIRST, id;
SELECT raw, count(*) FROM events GROUP BY raw ORDER BY raw;
SELECT max(encode(raw, 'hex')), count(DISTINCT raw), sum(length(raw)) FROM events;
SELECT e.id, k.n FROM events e JOIN keys k ON k.k = e.raw ORDER BY 1, 2;
SELECT k.k, e.raw FROM keys k LEFT JOIN events e ON e.id = k.ref ORDER BY k.k, k.ref;
SELECT k, count(*), sum(n) FROM keys GROUP BY k ORDER BY k;
SELECT string_agg(raw, '\x2c' ORDER BY id) FROM events;
SELECT id FROM events WHERE id > 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12' ORDER BY id DESC LIMIT 2;
SELECT encode(raw, 'base64') AS b, encode(raw, 'escape') AS e, get_byte(raw || '\x07', 0) AS g FROM events ORDER BY id;
SELECT left(id::text, 8) AS p, count(*) FROM events GROUP BY 1 ORDER BY 1;
SELECT k FROM keys WHERE k = '\x00ff' ORDER BY n;
-- args: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
SELECT id, span FROM events WHERE id >= $1::uuid ORDER BY id;
-- args: '00000000-0000-0000-0000-000000000002'
SELECT raw FROM events WHERE id = $1;

-- intervals and money
SELECT id, span FROM events ORDER BY span, id;
SELECT extract(epoch FROM span) AS s, count(*) FROM events GROUP BY extract(epoch FROM span) ORDER BY 1;
SELECT sum(span), count(DISTINCT span) FROM events;
SELECT e.id, z.name FROM events e JOIN zones z ON z.span = e.span ORDER BY 1, 2;
SELECT a.id, b.id FROM events a JOIN events b ON a.span = b.span AND a.id < b.id ORDER BY 1, 2;
SELECT id, justify_hours(span * 30) AS j, span > '1 day' AS long FROM events ORDER BY id;
SELECT cost, count(*) FROM events GROUP BY cost ORDER BY cost;
SELECT sum(cost), max(cost), min(cost) FROM events;
SELECT id, cost::numeric AS n FROM events ORDER BY cost DESC NULLS LAST, id LIMIT 4;
SELECT id, sum(cost) OVER (ORDER BY id) AS running FROM events ORDER BY id;

-- bits
SELECT flags, count(*) FROM events GROUP BY flags ORDER BY flags;
SELECT bit_and(flags), bit_or(flags), bit_xor(flags) FROM events;
SELECT id, flags & B'11110000' AS a, ~flags AS n, flags << 1 AS s, flags::int AS i FROM events ORDER BY flags DESC NULLS LAST, id;
SELECT id, mask, length(mask) AS l, mask || B'11' AS m FROM events ORDER BY mask, id;
SELECT a.id, b.id FROM events a JOIN events b ON a.mask = b.mask AND a.id < b.id;

-- char(n) and varchar
SELECT c, v, c = v AS eq, length(c) AS lc, length(v) AS lv FROM events ORDER BY id;
SELECT c, count(*) FROM events GROUP BY c ORDER BY c;
SELECT v, count(*) FROM events GROUP BY v ORDER BY v;
SELECT a.id, b.id FROM events a JOIN events b ON a.c = b.v ORDER BY 1, 2;
SELECT id FROM events WHERE c = 'ab' ORDER BY id;
SELECT max(c), min(c), string_agg(c || '|', '' ORDER BY id) FROM events;
SELECT c || '<' AS s, octet_length(c) AS o FROM events ORDER BY c, id;

-- dates and times
SELECT day, at FROM times ORDER BY at, day;
SELECT day, count(*), max(at), min(local) FROM times GROUP BY day ORDER BY day;
SELECT at, local, t, tz FROM times ORDER BY at DESC NULLS LAST, local, tz;
SELECT at, count(*) FROM times GROUP BY at ORDER BY at;
SELECT tz, t FROM times ORDER BY tz, t;
SELECT a.tz, b.tz FROM times a JOIN times b ON a.tz = b.tz AND a.at < b.at;
SELECT date_trunc('hour', at) AS h, count(*) FROM times WHERE isfinite(at) GROUP BY 1 ORDER BY 1;
SELECT day - date '2024-01-01' AS d, extract(isodow FROM day) AS w FROM times WHERE day > '2000-01-01' ORDER BY 1, at;
SELECT at - local::timestamptz AS diff FROM times WHERE isfinite(at) AND isfinite(local) ORDER BY at;
SELECT min(day), max(day), min(t), max(tz) FROM times;
SELECT day FROM times WHERE at BETWEEN '2024-03-31 00:30+00' AND '2024-10-27 00:30+00' ORDER BY at;
SET TimeZone = 'Europe/Berlin';
SELECT at, at::timestamp AS wall FROM times ORDER BY at, local;
SELECT at::date AS d, count(*) FROM times GROUP BY 1 ORDER BY 1;
SELECT day, local::timestamptz AS z FROM times ORDER BY local, day, at;
SELECT date_trunc('day', at) AS d, count(*) FROM times GROUP BY 1 ORDER BY 1;
SELECT at FROM times WHERE at < '2024-10-27 02:30' AND at > '2024-03-31' ORDER BY at;
SELECT count(*) FROM times a JOIN times b ON a.at = b.local::timestamptz;
SET TimeZone = 'Africa/Nairobi';
SELECT at, extract(hour FROM at) AS h FROM times WHERE isfinite(at) ORDER BY at;
SELECT string_agg(at::text, ', ' ORDER BY at) FROM times WHERE day > '2024-11-01';
SELECT at AT TIME ZONE 'America/New_York' AS ny, local AT TIME ZONE 'Asia/Kolkata' AS k FROM times ORDER BY at, local, tz;
SET DateStyle = 'German, DMY';
SELECT day, at FROM times ORDER BY at, day LIMIT 3;
SET IntervalStyle = 'iso_8601';
SELECT min(span), sum(span) FROM events;
SELECT day::text AS d, count(*) FROM times GROUP BY day ORDER BY day;
RESET TimeZone;
RESET DateStyle;
RESET IntervalStyle;
BEGIN;
SET LOCAL TimeZone = 'Pacific/Auckland';
SELECT max(at)::text, min(day)::text FROM times WHERE isfinite(at);
ROLLBACK;
SET bytea_output = 'escape';
SELECT raw::text FROM events ORDER BY id;
RESET bytea_output;
-- args: '2024-03-31' | '2024-06-01 00:00:00+00'
SELECT at FROM times WHERE day = $1::date AND at < $2::timestamptz ORDER BY at;

-- networks and points
SELECT net, addr FROM hosts ORDER BY addr, net;
SELECT a.net, b.net, b.block FROM hosts a JOIN hosts b ON a.addr << b.block ORDER BY 1, 2, 3, a.addr;
SELECT addr, count(*) FROM hosts GROUP BY addr ORDER BY addr;
SELECT max(addr), min(block::inet) FROM hosts;
SELECT net, host(addr) AS h, masklen(addr) AS m, family(addr) AS f FROM hosts ORDER BY addr;
SELECT mac, count(*) FROM hosts GROUP BY mac ORDER BY mac;
SELECT net, pt, pt <-> point '(0,0)' AS d FROM hosts WHERE pt IS NOT NULL ORDER BY d, net;
SELECT inet_merge(min(addr), max(addr)) FROM hosts WHERE family(addr) = 4;

-- errors
SELECT 'nope'::uuid FROM events;
SELECT v::inet FROM events;
SELECT B'101' & flags FROM events;
SELECT max(id) FROM events;
SELECT pt FROM hosts ORDER BY pt;
SELECT pt, count(*) FROM hosts GROUP BY pt;
SELECT sum(at) FROM times;
SELECT local + span FROM times, events WHERE local = 'infinity' AND span IS NOT NULL AND (v || 'x')::interval > span;
SELECT '2024-02-30'::date FROM times;
SELECT at AT TIME ZONE 'Nowhere/Else' FROM times;
SELECT sum(mac) FROM hosts;
INSERT INTO events (id, v) VALUES ('00000000-0000-0000-0000-000000000009', 'toolong');
INSERT INTO events (id, flags) VALUES ('00000000-0000-0000-0000-000000000009', B'1');
SELECT decode(v, 'hex') FROM events;
SET TimeZone = 'Nowhere/Else';
SELECT date_trunc('eon', at) FROM times;
