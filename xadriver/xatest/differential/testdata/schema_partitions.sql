-- shard: key.events=device
-- shard: key.readings=device
-- shard: key.events_2024=device
-- shard: reference=labels
-- Tables that are partitioned, and sharded by the same key.

CREATE TABLE labels (kind text PRIMARY KEY, label text) PARTITION BY LIST (kind);
CREATE TABLE labels_a PARTITION OF labels FOR VALUES IN ('a', 'b');
CREATE TABLE labels_rest PARTITION OF labels DEFAULT;
CREATE TABLE events (device int NOT NULL, at date NOT NULL, kind text, n int, PRIMARY KEY (device, at)) PARTITION BY RANGE (at);
CREATE TABLE events_2023 PARTITION OF events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_wrong PARTITION OF events FOR VALUES FROM ('2024-06-01') TO ('2025-06-01');
CREATE TABLE events_wrong PARTITION OF nowhere FOR VALUES FROM ('2024-06-01') TO ('2025-06-01');
CREATE TABLE readings (device int NOT NULL, kind text NOT NULL, value numeric(6,2) DEFAULT 1) PARTITION BY LIST (kind);
CREATE TABLE readings_cold PARTITION OF readings (value DEFAULT 2) FOR VALUES IN ('ice', 'snow');
CREATE TABLE readings_hot PARTITION OF readings FOR VALUES IN ('fire') PARTITION BY RANGE (value);
CREATE TABLE readings_warm PARTITION OF readings_hot FOR VALUES FROM (MINVALUE) TO (100);
CREATE TABLE readings_burning PARTITION OF readings_hot FOR VALUES FROM (100) TO (MAXVALUE);

INSERT INTO labels VALUES ('a', 'first'), ('b', 'second'), ('z', 'last');
INSERT INTO events SELECT 1 + n % 5, DATE '2023-06-01' + n * 10, (ARRAY['a', 'b', 'z', NULL])[1 + n % 4], n FROM generate_series(1, 50) AS n;
INSERT INTO readings VALUES (1, 'ice', 0.5), (2, 'snow', DEFAULT), (1, 'fire', 99.99), (1, 'fire', 100), (3, 'fire', 500), (9, 'fire', NULL);
INSERT INTO readings VALUES (1, 'ice', 0.5), (2, 'snow', DEFAULT), (1, 'fire', 99.99), (1, 'fire', 100), (3, 'fire', 500), (8, 'ice', NULL);
INSERT INTO readings (device, kind) VALUES (4, 'ice'), (5, 'fire'), (1, 'ice') RETURNING device, kind, value;

-- Reading and writing through the whole table.
SELECT device, count(*) AS n, min(at) AS first, max(at) AS last, sum(n) AS total FROM events GROUP BY device ORDER BY device;
SELECT at, n FROM events WHERE device = 2 AND at >= '2024-01-01' ORDER BY at LIMIT 3;
SELECT l.label, count(*) AS n FROM events e LEFT JOIN labels l USING (kind) GROUP BY l.label ORDER BY l.label NULLS FIRST;
SELECT device, kind, value FROM readings ORDER BY device, kind, value;
INSERT INTO events VALUES (1, '2022-01-01');
INSERT INTO events VALUES (2, '2023-06-11');
INSERT INTO events VALUES (2, '2023-06-11', 'x', 0) ON CONFLICT (device, at) DO UPDATE SET n = events.n + 1000 RETURNING n;
INSERT INTO readings VALUES (1, 'steam', 1);
INSERT INTO readings VALUES (1, NULL, 1);
UPDATE events SET n = -n WHERE at < '2023-07-01';
UPDATE events SET at = at + 365 WHERE device = 3 AND at < '2023-09-01' RETURNING at, n;
UPDATE events SET at = at + 3650 WHERE device = 3;
UPDATE readings SET value = value + 50 WHERE kind = 'fire' RETURNING device, value;
UPDATE readings SET kind = 'snow' WHERE device = 1 AND kind = 'ice';
UPDATE readings SET value = NULL WHERE kind = 'fire';
DELETE FROM events WHERE device = 4 AND at BETWEEN '2023-12-01' AND '2024-02-01' RETURNING at;
DELETE FROM readings WHERE value IS NULL OR value > 400;
SELECT device, kind, value FROM readings ORDER BY device, kind, value;
SELECT count(*) AS n, sum(n) AS total FROM events;

-- The partitions themselves.
SELECT count(*) AS n, min(at) AS first FROM events_2024;
SELECT at, n FROM events_2023 WHERE device = 1 ORDER BY at;
SELECT label FROM labels_rest;
INSERT INTO events_2024 VALUES (1, '2024-12-31', 'a', 1), (77, '2024-12-31', 'a', 2);
INSERT INTO events_2024 VALUES (1, '2023-12-31', 'a', 1);
UPDATE events_2024 SET n = n + 1 WHERE device = 77 RETURNING device, n;
DELETE FROM events_2023 WHERE device = 5;
SELECT device, value FROM readings_burning ORDER BY device, value;
SELECT device, n FROM events WHERE at = '2024-12-31' ORDER BY device;
SELECT count(*) FROM ONLY events;

-- Partitions come and go.
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2023-01-01');
INSERT INTO events VALUES (1, '2022-01-01', 'z', 22), (2, '2021-01-01', 'z', 21);
CREATE TABLE events_2025 (device int NOT NULL, at date NOT NULL, kind text, n int, CHECK (at >= '2025-01-01' AND at < '2026-01-01'));
ALTER TABLE events ATTACH PARTITION events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO events VALUES (3, '2025-05-05', 'b', 25), (4, '2025-05-05', 'b', 26);
SELECT device, at, n FROM events WHERE at < '2023-01-01' OR at >= '2025-01-01' ORDER BY at, device;
CREATE TABLE events_2026 (device int NOT NULL, at date NOT NULL, kind text, n int);
INSERT INTO events_2026 VALUES (1, '2026-01-01', 'a', 1), (2, '2026-01-01', 'b', 2), (3, '2026-01-01', 'z', 3), (4, '2026-01-01', NULL, 4);
ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2026-06-01');
SELECT n FROM events WHERE device = 1 AND at = '2026-01-01';
SELECT n FROM events WHERE device = 2 AND at = '2026-01-01';
SELECT device, n FROM events WHERE at >= '2026-01-01' ORDER BY device;
TRUNCATE events_old;
SELECT count(*) AS n FROM events WHERE at < '2023-01-01';
DROP TABLE events_2023;
SELECT count(*) AS n, min(at) >= '2024-01-01' AS late FROM events;
INSERT INTO events VALUES (1, '2023-05-05', 'b', 23);
ALTER TABLE events ADD COLUMN note text DEFAULT 'noted';
ALTER TABLE events_2024 ADD COLUMN other text;
ALTER TABLE events ADD CONSTRAINT events_n CHECK (n < 10000);
CREATE INDEX events_kind ON events (kind);
INSERT INTO events VALUES (6, '2024-05-05', 'b', 10000);
INSERT INTO events VALUES (6, '2024-05-05', 'b', 9999) RETURNING note;
SELECT device, note FROM events WHERE device = 6;
ALTER TABLE events DETACH PARTITION events_2024;
SELECT device, at, n, note FROM events ORDER BY device, at;
DROP TABLE events;
SELECT count(*) FROM events_2025;
SELECT count(*) AS n FROM readings;
TRUNCATE readings;
SELECT count(*) AS n FROM readings_hot;
