-- shard: key.cars=owner
-- shard: key.trips=owner
-- shard: key.bikes=owner
-- shard: reference=fuels
-- DDL inside of transactions: it is seen there, goes with ROLLBACK, and stands
-- beside rows that were written.

CREATE TABLE cars (owner int PRIMARY KEY, brand text);
INSERT INTO cars VALUES (1, 'A'), (2, 'B'), (3, 'A'), (4, NULL);

-- Taken back.
BEGIN;
CREATE TABLE trips (owner int NOT NULL, km int);
INSERT INTO trips VALUES (1, 10), (2, 20), (1, 30), (5, 50);
SELECT owner, km FROM trips ORDER BY owner, km;
SELECT c.brand, sum(t.km) AS km FROM cars c JOIN trips t USING (owner) GROUP BY c.brand ORDER BY c.brand;
ROLLBACK;
SELECT owner FROM trips;
BEGIN;
ALTER TABLE cars ADD COLUMN doors int DEFAULT 4;
UPDATE cars SET doors = 2 WHERE owner = 1;
SELECT owner, doors FROM cars ORDER BY owner;
DROP TABLE cars;
SELECT brand FROM cars;
ROLLBACK;
SELECT doors FROM cars;
SELECT owner, brand FROM cars ORDER BY owner;

-- Kept.
BEGIN;
CREATE TABLE fuels (fuel text PRIMARY KEY, price numeric(5,2));
CREATE TABLE trips (owner int NOT NULL REFERENCES cars, km int, fuel text REFERENCES fuels);
INSERT INTO fuels VALUES ('gas', 1.75), ('power', 0.5);
INSERT INTO trips VALUES (1, 10, 'gas'), (2, 20, 'power'), (1, 30, 'gas'), (3, 5, NULL);
CREATE INDEX trips_km ON trips (km);
CREATE VIEW long_trips AS SELECT owner, km FROM trips WHERE km > 9;
COMMIT;
SELECT t.owner, t.km * f.price AS cost FROM trips t JOIN fuels f USING (fuel) ORDER BY t.owner, t.km;
SELECT owner, km FROM long_trips ORDER BY owner, km;

-- An error in between.
BEGIN;
ALTER TABLE trips ADD COLUMN note text;
CREATE TABLE trips (owner int);
ALTER TABLE trips ADD COLUMN other text;
COMMIT;
SELECT note FROM trips;
BEGIN;
ALTER TABLE cars ADD COLUMN wheels int NOT NULL DEFAULT 4;
INSERT INTO cars VALUES (5, 'E', NULL);
ROLLBACK;
SELECT owner, brand FROM cars WHERE owner = 5;

-- Savepoints.
BEGIN;
ALTER TABLE cars ADD COLUMN seats int;
SAVEPOINT one;
ALTER TABLE cars DROP COLUMN brand;
UPDATE cars SET seats = 5;
SELECT brand FROM cars;
ROLLBACK TO one;
SELECT owner, brand, seats FROM cars ORDER BY owner;
CREATE TABLE bikes (owner int PRIMARY KEY, gears int);
SAVEPOINT two;
INSERT INTO bikes VALUES (1, 3), (2, 7);
INSERT INTO bikes VALUES (1, 21);
ROLLBACK TO two;
INSERT INTO bikes VALUES (1, 21), (3, 1);
RELEASE one;
UPDATE cars SET seats = 2 WHERE owner IN (SELECT owner FROM bikes);
COMMIT;
SELECT c.owner, c.brand, c.seats, b.gears FROM cars c LEFT JOIN bikes b USING (owner) ORDER BY c.owner;

-- Names made free and used again in one transaction.
BEGIN;
DROP VIEW long_trips;
DROP TABLE trips;
CREATE TABLE trips (owner int NOT NULL, started date, PRIMARY KEY (owner, started));
INSERT INTO trips SELECT owner, DATE '2024-01-01' + owner FROM cars;
COMMIT;
SELECT owner, started FROM trips ORDER BY started;
BEGIN;
TRUNCATE trips, bikes;
SELECT count(*) AS n FROM trips;
ROLLBACK;
SELECT count(*) AS n FROM trips;
BEGIN;
CREATE SCHEMA garage;
CREATE TYPE garage.kind AS ENUM ('small', 'large');
CREATE TABLE garage.places (no int, kind garage.kind);
INSERT INTO garage.places VALUES (1, 'small'), (2, 'large');
SELECT no, kind::text AS kind FROM garage.places ORDER BY no;
ROLLBACK;
SELECT no FROM garage.places;
BEGIN READ ONLY;
CREATE TABLE never (a int);
ROLLBACK;
BEGIN;
CREATE FUNCTION one() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
SELECT one() AS one;
UPDATE cars SET seats = one() WHERE owner = 1 RETURNING seats;
ROLLBACK;
SELECT one() AS one;

-- What cannot run in a transaction, or not on several servers.
BEGIN;
CREATE INDEX CONCURRENTLY cars_brand ON cars (brand);
ROLLBACK;
BEGIN;
VACUUM cars;
ROLLBACK;
LISTEN something;
NOTIFY something, 'happened';
UNLISTEN something;
-- expect: refused
PREPARE TRANSACTION 'by hand';
-- expect: refused
COMMIT PREPARED 'by hand';
SELECT owner, brand, seats FROM cars ORDER BY owner;
