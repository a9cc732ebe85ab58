-- shard: key.inbox=person
-- shard: key.outbox=person
-- shard: key.counters=counter
-- shard: reference=kinds
-- Writing CTEs and locking reads.

CREATE TABLE kinds (kind text PRIMARY KEY, weight int);
CREATE TABLE inbox (person int NOT NULL, id int NOT NULL, kind text, size int, read boolean DEFAULT false, PRIMARY KEY (person, id));
CREATE TABLE outbox (person int NOT NULL, id int NOT NULL, kind text, size int, note text DEFAULT 'sent', PRIMARY KEY (person, id));
CREATE TABLE counters (counter text PRIMARY KEY, value bigint NOT NULL DEFAULT 0);
CREATE TABLE trash (person int, id int, why text);

INSERT INTO kinds VALUES ('letter', 1), ('parcel', 5), ('card', NULL);
INSERT INTO inbox SELECT 1 + n % 6, n, (ARRAY['letter', 'parcel', 'card', NULL])[1 + n % 4], n % 9 FROM generate_series(1, 36) AS n;
INSERT INTO counters VALUES ('in', 0), ('out', 0), ('lost', 5);

-- Rows moved with the key they have.
WITH moved AS (DELETE FROM inbox WHERE person = 1 AND kind = 'letter' RETURNING person, id, kind, size)
INSERT INTO outbox (person, id, kind, size) SELECT person, id, kind, size FROM moved;
WITH moved AS (DELETE FROM inbox WHERE person = 2 RETURNING *)
INSERT INTO outbox (person, id, kind, size) SELECT person, id, kind, size FROM moved WHERE size > 2 RETURNING id, size, note;
WITH moved AS (DELETE FROM inbox WHERE size = 8 RETURNING person, id, kind, size)
INSERT INTO outbox SELECT person, id, kind, size, 'moved' FROM moved RETURNING person, id;
SELECT person, id, kind, size, note FROM outbox ORDER BY person, id;
SELECT person, count(*) AS n, sum(size) AS size FROM inbox GROUP BY person ORDER BY person;

-- Rows moved to another key, to an unsharded table and back.
WITH moved AS (DELETE FROM inbox WHERE person = 3 AND size < 4 RETURNING id, kind, size)
INSERT INTO inbox (person, id, kind, size) SELECT 100 + id, id, kind, size FROM moved;
WITH gone AS (DELETE FROM inbox WHERE kind IS NULL RETURNING person, id)
INSERT INTO trash SELECT person, id, 'no kind' FROM gone;
WITH back AS (DELETE FROM trash WHERE id > 20 RETURNING person, id)
INSERT INTO inbox (person, id, kind) SELECT person, id, 'card' FROM back RETURNING person, id, read;
SELECT person, id, why FROM trash ORDER BY id;
SELECT person, id, kind, size FROM inbox WHERE person > 2 ORDER BY person, id;
SELECT (SELECT count(*) FROM inbox) AS inbox, (SELECT count(*) FROM outbox) AS outbox, (SELECT count(*) FROM trash) AS trash;

-- Reading what was written.
WITH new AS (INSERT INTO inbox (person, id, kind, size) VALUES (7, 1, 'card', 1) RETURNING person, id, kind)
SELECT n.person, n.id, k.weight FROM new n JOIN kinds k ON k.kind = n.kind;
WITH new AS (INSERT INTO inbox (person, id, kind, size) VALUES (7, 2, 'card', 1), (8, 1, 'parcel', 2), (9, 1, 'parcel', 3) RETURNING *)
SELECT kind, count(*) AS n, sum(size) AS size FROM new GROUP BY kind ORDER BY kind;
WITH changed AS (UPDATE inbox SET size = size + 1 WHERE kind = 'parcel' RETURNING size) SELECT count(*) AS n, sum(size) AS size, min(size) AS least FROM changed;
WITH changed AS (UPDATE inbox SET read = true WHERE person = 4 RETURNING id, size) SELECT id, size FROM changed ORDER BY size DESC, id LIMIT 2;
WITH changed AS (UPDATE inbox SET size = 50 WHERE person = 4 RETURNING id)
SELECT (SELECT count(*) FROM changed) AS changed, (SELECT count(*) FROM inbox WHERE size = 50 AND person = 4) AS seen;
WITH gone AS (DELETE FROM outbox WHERE size IS NULL OR size > 7 RETURNING person) SELECT person, count(*) AS n FROM gone GROUP BY person ORDER BY person;
WITH a AS (UPDATE counters SET value = value + 1 WHERE counter = 'in' RETURNING value), b AS (UPDATE counters SET value = value + 10 WHERE counter = 'out' RETURNING value)
SELECT (SELECT value FROM a) AS a, (SELECT value FROM b) AS b;
SELECT counter, value FROM counters ORDER BY counter;

-- Two writes of one statement; a write that nobody reads.
WITH i AS (INSERT INTO inbox (person, id, size) VALUES (10, 1, 1) RETURNING size)
UPDATE counters SET value = value + (SELECT sum(size) FROM i) WHERE counter = 'in';
WITH unread AS (UPDATE inbox SET read = NOT read WHERE person IN (5, 6)) SELECT 1 AS one;
WITH lost AS (SELECT person, id FROM inbox WHERE size = 0), gone AS (DELETE FROM inbox i USING lost l WHERE l.person = i.person AND l.id = i.id RETURNING i.id)
UPDATE counters SET value = value + (SELECT count(*) FROM gone) WHERE counter = 'lost' RETURNING counter, value;
WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 6) INSERT INTO outbox (person, id) SELECT n % 2, 500 + n FROM n;
WITH w AS (SELECT 77 AS person) DELETE FROM inbox USING w WHERE inbox.person = w.person;
WITH w AS (INSERT INTO counters VALUES ('in', 1) RETURNING counter) SELECT counter FROM w;
WITH w AS (INSERT INTO counters VALUES ('in', 1) ON CONFLICT (counter) DO UPDATE SET value = counters.value * 2 RETURNING value) SELECT value FROM w;
WITH w AS (DELETE FROM counters) SELECT person FROM w;
SELECT person, count(*) AS n, count(*) FILTER (WHERE read) AS read, sum(size) AS size FROM inbox GROUP BY person ORDER BY person;
SELECT counter, value FROM counters ORDER BY counter;
SELECT person, id, size FROM outbox WHERE id > 500 ORDER BY person, id;

-- Locking reads.
SELECT id, size FROM inbox WHERE person = 4 ORDER BY id FOR UPDATE;
SELECT id, size FROM inbox WHERE person = 4 FOR SHARE;
SELECT person, id FROM inbox WHERE person IN (4, 5) AND size > 1 FOR NO KEY UPDATE;
SELECT person, id FROM inbox WHERE read FOR KEY SHARE;
SELECT person, id FROM inbox ORDER BY person, id FOR UPDATE;
SELECT person, id FROM inbox ORDER BY id, person LIMIT 3 FOR UPDATE;
SELECT person, id FROM inbox ORDER BY person DESC, id LIMIT 3 OFFSET 1 FOR SHARE SKIP LOCKED;
SELECT id FROM inbox WHERE person = 5 ORDER BY id LIMIT 1 FOR UPDATE NOWAIT;
SELECT i.id, k.weight FROM inbox i JOIN kinds k ON k.kind = i.kind WHERE i.person = 6 ORDER BY i.id FOR UPDATE OF i;
SELECT i.person, i.id, o.id AS out FROM inbox i JOIN outbox o ON o.person = i.person WHERE o.id > 500 ORDER BY i.person, i.id, o.id FOR SHARE OF o;
SELECT counter FROM counters WHERE counter = 'none' FOR UPDATE;
SELECT count(*) FROM inbox FOR UPDATE;
SELECT kind FROM inbox GROUP BY kind FOR UPDATE;
SELECT DISTINCT person FROM inbox FOR SHARE;
SELECT id FROM inbox WHERE person = 1 UNION SELECT id FROM outbox WHERE person = 1 FOR UPDATE;
SELECT id FROM inbox WHERE person = 1 FOR UPDATE OF nothing;
BEGIN;
SELECT value FROM counters WHERE counter IN ('in', 'out') ORDER BY counter FOR UPDATE;
UPDATE counters SET value = value - 1 WHERE counter = 'out';
UPDATE counters SET value = value + 1 WHERE counter = 'in';
SELECT counter, value FROM counters ORDER BY counter FOR UPDATE;
COMMIT;
WITH next AS (SELECT person, id FROM inbox WHERE person = 6 AND read ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
DELETE FROM inbox USING next WHERE inbox.person = next.person AND inbox.id = next.id AND inbox.person = 6 RETURNING inbox.id;
SELECT counter, value FROM counters ORDER BY counter;
SELECT count(*) FROM inbox;
