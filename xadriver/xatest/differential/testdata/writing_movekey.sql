-- shard: key.seats=room
-- shard: key.guests=room
-- shard: key.tags=label
-- shard: reference=rooms
-- UPDATE that changes the key: rows move to where the new value lives.

CREATE TABLE rooms (room int PRIMARY KEY, name text);
CREATE TABLE seats (room int NOT NULL, no int NOT NULL, guest text, price numeric(6,2) DEFAULT 1.5, made timestamptz DEFAULT now(), PRIMARY KEY (room, no));
CREATE TABLE guests (room int NOT NULL, guest text NOT NULL, note text);
CREATE TABLE tags (label text PRIMARY KEY, uses int NOT NULL DEFAULT 0, long text GENERATED ALWAYS AS (label || '!') STORED);

INSERT INTO rooms SELECT n, 'room ' || n FROM generate_series(1, 50) AS n;
INSERT INTO seats (room, no, guest) SELECT 1 + n % 6, n, CASE WHEN n % 3 > 0 THEN 'guest ' || n END FROM generate_series(1, 24) AS n;
INSERT INTO guests VALUES (1, 'ann', NULL), (1, 'ann', NULL), (2, 'ben', 'late'), (3, 'cleo', 'early'), (40, 'dov', NULL);
INSERT INTO tags (label, uses) VALUES ('a', 1), ('b', 2), ('c', 3), ('D', 4), ('ä', 5);

-- One row.
UPDATE seats SET room = 10 WHERE room = 1 AND no = 6;
UPDATE seats SET room = 11, guest = 'moved', price = price * 2 WHERE room = 1 AND no = 12 RETURNING room, no, guest, price;
UPDATE tags SET label = 'aa' WHERE label = 'a';
UPDATE tags SET label = upper(label) WHERE label = 'b' RETURNING label, uses, long;
-- args: 12 | 1 | 18
UPDATE seats SET room = $1 WHERE room = $2 AND no = $3;
-- args: 'zz' | 'c'
UPDATE tags SET label = $2 || $1, uses = uses + 100 WHERE label = $2 RETURNING *;
UPDATE seats SET room = 99 WHERE room = 1 AND no = 9999;
SELECT room, no, guest, price FROM seats ORDER BY room, no;
SELECT label, uses, long FROM tags ORDER BY label;
SELECT count(*) FROM seats;

-- Found by another column.
UPDATE seats SET room = 20 WHERE guest = 'guest 7';
UPDATE tags SET label = 'five' WHERE uses = 5;
UPDATE seats SET room = room + 30 WHERE no IN (2, 3, 4) RETURNING room, no;
SELECT room, no, guest FROM seats WHERE room >= 20 ORDER BY room, no;

-- The key is set, but stays.
UPDATE seats SET room = room WHERE room = 2;
UPDATE seats SET room = 2, guest = 'same' WHERE room = 2 AND no = 7;
UPDATE seats SET room = 20, guest = 'same' WHERE room = 20;
UPDATE tags SET label = label, uses = uses + 1;
SELECT room, no, guest FROM seats WHERE room IN (2, 20) ORDER BY room, no;
SELECT label, uses FROM tags ORDER BY label COLLATE "C";

-- Many rows at once.
UPDATE seats SET room = room + 100;
SELECT room, count(*) AS n, min(no) AS lowest, max(no) AS highest FROM seats GROUP BY room ORDER BY room;
UPDATE seats SET room = 7 WHERE room IN (103, 104);
UPDATE seats SET room = no, guest = NULL WHERE room = 7 AND no > 10 RETURNING room, no, guest, price;
UPDATE seats SET room = -room WHERE room > 100 AND no % 2 = 0;
UPDATE guests SET room = room + 1;
UPDATE guests SET room = 2 WHERE guest = 'ann' RETURNING room, guest, note;
SELECT room, no, guest FROM seats ORDER BY room, no;
SELECT room, guest, note FROM guests ORDER BY room, guest;
SELECT count(*) AS n, count(DISTINCT room) AS rooms, count(DISTINCT made) AS moments FROM seats;

-- With FROM and with subqueries.
UPDATE guests g SET room = r.room, note = r.name FROM rooms r WHERE r.room = g.room + 5;
UPDATE seats s SET room = 500 FROM guests g WHERE g.room = s.room AND g.guest = 'ann';
UPDATE guests SET room = (SELECT max(room) FROM rooms) WHERE guest = 'ben';
UPDATE guests SET room = (SELECT count(*) FROM seats) WHERE guest = 'cleo' RETURNING guest, room;
SELECT room, guest, note FROM guests ORDER BY room, guest;
SELECT room, no FROM seats ORDER BY room, no;

-- What is in the way.
INSERT INTO seats (room, no) VALUES (600, 1), (601, 1), (602, 1), (602, 2);
UPDATE seats SET room = 601 WHERE room = 600 AND no = 1;
UPDATE seats SET room = 700 WHERE no = 1 AND room >= 600;
UPDATE seats SET room = NULL WHERE room = 600;
UPDATE tags SET label = 'B' WHERE label = 'D';
UPDATE tags SET label = 'all';
UPDATE tags SET label = NULL WHERE uses > 0;
UPDATE tags SET long = 'x' WHERE label = 'B';
UPDATE seats SET room = 'twelve' WHERE room = 600;
UPDATE seats SET room = 1 / (no - 1) WHERE room = 602;
UPDATE seats SET room = 601 WHERE room = 602 AND no = 2;
UPDATE seats SET room = 603, no = no + 1 WHERE room = 601 AND no = 1;
SELECT room, no FROM seats WHERE room >= 600 ORDER BY room, no;
SELECT label, uses, long FROM tags ORDER BY label COLLATE "C";

-- In a transaction, and taken back.
BEGIN;
UPDATE seats SET room = 604 WHERE room = 603;
SELECT room, no FROM seats WHERE room >= 600 ORDER BY room, no;
UPDATE seats SET room = 605 WHERE room = 604;
SAVEPOINT here;
UPDATE tags SET label = label || label;
SELECT label FROM tags ORDER BY label COLLATE "C";
ROLLBACK TO here;
DELETE FROM seats WHERE room = 605 RETURNING room, no;
COMMIT;
BEGIN;
UPDATE tags SET label = 'gone' WHERE label = 'B';
ROLLBACK;
SELECT room, no FROM seats WHERE room >= 600 ORDER BY room, no;
SELECT label, uses, long FROM tags ORDER BY label COLLATE "C";
