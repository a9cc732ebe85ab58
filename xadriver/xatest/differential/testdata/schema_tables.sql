-- shard: key.members=club
-- shard: key.payments=club
-- shard: key.members_copy=club
-- shard: key.later=club
-- shard: key.renamed=club
-- shard: key.sport.teams=team
-- shard: key."Mixed Case"="Key"
-- shard: reference=clubs,sport.places
-- CREATE, ALTER and DROP of tables: columns, defaults, constraints, names.

CREATE TABLE clubs (club int PRIMARY KEY, name text);
CREATE TABLE members (club int NOT NULL, no int NOT NULL, name text, PRIMARY KEY (club, no));
CREATE TABLE members (club int);
CREATE TABLE IF NOT EXISTS members (club int, other text);
CREATE TABLE payments (club int NOT NULL, amount numeric(8,2) CONSTRAINT positive CHECK (amount > 0), paid date DEFAULT '2024-01-01', paid text);
CREATE TABLE payments (club int NOT NULL, amount numeric(8,2) CONSTRAINT positive CHECK (amount > 0), paid date DEFAULT '2024-01-01');
CREATE TABLE wrong (a int, b nosuchtype);
CREATE TABLE wrong (a int PRIMARY KEY, b int PRIMARY KEY);
CREATE TABLE wrong (a int DEFAULT 'x');
CREATE TABLE notes (id int, body text);
INSERT INTO clubs VALUES (1, 'chess'), (2, 'rowing'), (3, 'none');
INSERT INTO members SELECT 1 + n % 5, n, 'member ' || n FROM generate_series(1, 20) AS n;
INSERT INTO payments (club, amount) VALUES (1, 5), (2, 6.5), (1, 7), (4, 8);
INSERT INTO notes VALUES (1, 'one'), (2, NULL);

-- LIKE.
CREATE TABLE members_copy (LIKE members INCLUDING ALL);
CREATE TABLE later (LIKE members INCLUDING CONSTRAINTS, extra text DEFAULT 'extra');
INSERT INTO members_copy SELECT * FROM members WHERE no < 6;
INSERT INTO members_copy VALUES (1, 5, 'again');
INSERT INTO later (club, no) VALUES (1, 1), (1, 1), (2, 2);
SELECT club, no, name FROM members_copy ORDER BY club, no;
SELECT club, no, name, extra FROM later ORDER BY club, no;

-- Columns come.
ALTER TABLE members ADD COLUMN born date;
ALTER TABLE members ADD COLUMN born date;
ALTER TABLE members ADD COLUMN IF NOT EXISTS born text;
ALTER TABLE members ADD COLUMN fee numeric(6,2) NOT NULL DEFAULT 9.5, ADD COLUMN vip boolean DEFAULT false;
ALTER TABLE members ADD COLUMN must int NOT NULL;
ALTER TABLE clubs ADD COLUMN founded int DEFAULT 1900, ADD COLUMN size int GENERATED ALWAYS AS (length(name)) STORED;
ALTER TABLE nowhere ADD COLUMN x int;
ALTER TABLE IF EXISTS nowhere ADD COLUMN x int;
INSERT INTO members (club, no, vip) VALUES (1, 100, true), (2, 100, NULL), (3, 100, DEFAULT);
UPDATE members SET born = DATE '1990-01-01' + no WHERE club IN (1, 2);
SELECT club, no, name, born, fee, vip FROM members ORDER BY club, no;
SELECT club, name, founded, size FROM clubs ORDER BY club;

-- Columns change.
ALTER TABLE members RENAME COLUMN name TO full_name;
ALTER TABLE members RENAME COLUMN name TO other;
ALTER TABLE members RENAME COLUMN full_name TO no;
SELECT club, no, full_name FROM members WHERE club = 2 ORDER BY no;
SELECT name FROM members;
ALTER TABLE members ALTER COLUMN fee TYPE int USING round(fee * 2)::int;
ALTER TABLE members ALTER COLUMN full_name TYPE varchar(30), ALTER COLUMN vip SET DEFAULT true, ALTER COLUMN born DROP DEFAULT;
ALTER TABLE members ALTER COLUMN full_name TYPE int;
ALTER TABLE members ALTER COLUMN full_name TYPE varchar(4);
ALTER TABLE members ALTER COLUMN full_name SET NOT NULL;
UPDATE members SET full_name = 'anonymous' WHERE full_name IS NULL;
ALTER TABLE members ALTER COLUMN full_name SET NOT NULL, ALTER COLUMN full_name SET DEFAULT 'nobody';
ALTER TABLE members ALTER COLUMN fee DROP NOT NULL;
INSERT INTO members (club, no, fee) VALUES (6, 1, NULL), (7, 1, 3) RETURNING club, full_name, fee, vip;
INSERT INTO members (club, no, full_name) VALUES (8, 1, NULL);
ALTER TABLE members ALTER COLUMN vip DROP DEFAULT;
SELECT club, no, full_name, fee, vip FROM members WHERE no IN (1, 100) OR club = 3 ORDER BY club, no;

-- Columns go.
ALTER TABLE members DROP COLUMN born;
ALTER TABLE members DROP COLUMN born;
ALTER TABLE members DROP COLUMN IF EXISTS born;
ALTER TABLE clubs DROP COLUMN name;
ALTER TABLE clubs DROP COLUMN name CASCADE, ADD COLUMN title text DEFAULT 'untitled';
INSERT INTO members VALUES (9, 1, 'nine', 1, true);
INSERT INTO members VALUES (9, 2, 'nine', '2020-01-01', 1, true);
SELECT club, founded, title FROM clubs ORDER BY club;
SELECT count(*) AS n, sum(fee) AS fees FROM members;

-- Constraints.
INSERT INTO payments (club, amount) VALUES (1, -1);
ALTER TABLE payments DROP CONSTRAINT positive;
ALTER TABLE payments DROP CONSTRAINT positive;
ALTER TABLE payments DROP CONSTRAINT IF EXISTS positive;
INSERT INTO payments (club, amount) VALUES (1, -1), (2, -2);
ALTER TABLE payments ADD CONSTRAINT positive CHECK (amount > 0);
ALTER TABLE payments ADD CONSTRAINT positive CHECK (amount > 0) NOT VALID;
INSERT INTO payments (club, amount) VALUES (5, -5);
ALTER TABLE payments VALIDATE CONSTRAINT positive;
DELETE FROM payments WHERE amount < 0;
ALTER TABLE payments VALIDATE CONSTRAINT positive;
ALTER TABLE payments RENAME CONSTRAINT positive TO above_zero;
ALTER TABLE payments ADD CONSTRAINT above_zero CHECK (amount < 1000);
ALTER TABLE payments ADD PRIMARY KEY (club, paid);
DELETE FROM payments WHERE club = 1 AND amount = 7;
ALTER TABLE payments ADD PRIMARY KEY (club, paid);
INSERT INTO payments VALUES (1, 1, '2024-01-01');
ALTER TABLE payments DROP CONSTRAINT payments_pkey;
ALTER TABLE payments ADD CONSTRAINT one_amount UNIQUE (club, amount);
INSERT INTO payments VALUES (1, 5, '2024-02-01');
INSERT INTO payments VALUES (1, 6, '2024-01-01'), (2, 5, NULL);
SELECT club, amount, paid FROM payments ORDER BY club, amount;
-- expect: refused
ALTER TABLE payments ADD CONSTRAINT one_day UNIQUE (paid);
-- expect: refused
ALTER TABLE later ADD PRIMARY KEY (no);
-- expect: refused
ALTER TABLE later ADD COLUMN code text UNIQUE;

-- Names.
ALTER TABLE later RENAME TO renamed;
SELECT club, extra FROM renamed ORDER BY club, no;
SELECT * FROM later;
ALTER TABLE notes RENAME TO notes;
ALTER TABLE notes RENAME TO memos;
ALTER TABLE memos RENAME TO notes;
CREATE TABLE "Mixed Case" ("Key" text PRIMARY KEY, "select" int);
INSERT INTO "Mixed Case" VALUES ('a', 1), ('B', 2), ('c', 3), ('D', 4);
SELECT "Key", "select" FROM "Mixed Case" ORDER BY "Key" COLLATE "C";
SELECT Key FROM "Mixed Case";
UPDATE "Mixed Case" SET "select" = "select" + 1 WHERE "Key" IN ('a', 'D') RETURNING "Key", "select" AS "from";

-- Schemas.
CREATE SCHEMA sport;
CREATE SCHEMA sport;
CREATE SCHEMA IF NOT EXISTS sport;
CREATE TABLE sport.teams (team int PRIMARY KEY, place int, name text);
CREATE TABLE sport.places (place int PRIMARY KEY, name text);
CREATE TABLE sport.members (club int, name text);
INSERT INTO sport.places VALUES (1, 'here'), (2, 'there');
INSERT INTO sport.teams SELECT n, 1 + n % 3, 'team ' || n FROM generate_series(1, 9) AS n;
INSERT INTO sport.members VALUES (1, 'not sharded');
SELECT t.team, p.name FROM sport.teams t JOIN sport.places p USING (place) ORDER BY t.team;
SELECT m.full_name, s.name FROM members m JOIN sport.members s ON s.club = m.club WHERE m.club = 1 AND m.no = 5;
SELECT team FROM teams;
DROP SCHEMA sport;
DROP SCHEMA sport CASCADE;
SELECT team FROM sport.teams;
DROP SCHEMA sport;
DROP SCHEMA IF EXISTS sport;

-- DROP.
DROP TABLE nowhere;
DROP TABLE IF EXISTS nowhere, members_copy;
SELECT * FROM members_copy;
CREATE TABLE members_copy (club bigint PRIMARY KEY, again boolean);
INSERT INTO members_copy VALUES (1, true), (2, false), (3, NULL);
SELECT club, again FROM members_copy ORDER BY club;
DROP TABLE members_copy, renamed, notes;
DROP VIEW payments;
DROP TABLE payments, nowhere;
SELECT count(*) FROM payments;
DROP TABLE payments;
SELECT count(*) FROM payments;
