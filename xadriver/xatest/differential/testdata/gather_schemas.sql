-- shard: key.items=owner
-- shard: key.shop.items=owner
-- shard: key.shop.bills=owner
-- shard: key."Order Lines"='"Owner Id"'
-- shard: key.old=k
-- shard: key.made=a
-- shard: key.wide=k
-- shard: reference=shop.rates
-- Schemas, two tables of one name, search_path, quoted mixed-case names, dropped, added and generated columns, defaults.
CREATE SCHEMA shop;
CREATE SCHEMA "Back Office";
CREATE TABLE items (owner int NOT NULL, what text, n int);
CREATE TABLE shop.items (owner int NOT NULL, what text, price numeric(6,2), PRIMARY KEY (owner, what));
CREATE TABLE shop.bills (owner int NOT NULL, total numeric(6,2), cur text);
CREATE TABLE shop.rates (cur text PRIMARY KEY, rate numeric(6,2));
CREATE TABLE "Back Office".items (what text, shelf int);
CREATE TABLE "Order Lines" ("Owner Id" bigint NOT NULL, "Select" text, "Größe" int, "a""b" text, "Owner id" text);
CREATE TABLE old (k int NOT NULL, gone1 int, a text, gone2 text, b int, gone3 date);
CREATE TABLE made (a int NOT NULL, b int, c int GENERATED ALWAYS AS (a * 10 + coalesce(b, 0)) STORED, d text DEFAULT 'dflt', e text GENERATED ALWAYS AS (upper('x' || b)) STORED);
CREATE TABLE wide (k int NOT NULL, v text);
INSERT INTO items VALUES (1, 'cup', 3), (1, 'mug', 4), (2, 'cup', NULL), (5, NULL, 9), (7, 'jar', 1), (1, 'cup', 3);
INSERT INTO shop.items VALUES (1, 'cup', 2.50), (2, 'jar', 5), (3, 'mug', NULL), (8, 'cup', 2.50), (1, 'jar', 0);
INSERT INTO shop.bills VALUES (1, 10, 'EUR'), (1, 20, 'KES'), (3, NULL, 'EUR'), (8, 1.25, NULL), (9, 7, 'USD');
INSERT INTO shop.rates VALUES ('EUR', 1), ('KES', 0.25), ('CHF', NULL);
INSERT INTO "Back Office".items VALUES ('cup', 1), ('jar', 2), ('cup', 3), ('pan', 4);
INSERT INTO "Order Lines" VALUES (1, 'x', 38, 'q', 'u'), (1, NULL, 42, 'r', 'v'), (2, 'y', 38, NULL, 'w'), (9, 'x', NULL, 'q"', NULL);
INSERT INTO old SELECT g, g * 100, 'a' || g % 3, 'gone', g % 4, '2024-01-01' FROM generate_series(1, 8) g;
INSERT INTO made (a, b) VALUES (1, 2), (1, NULL), (2, 7), (3, 7), (11, -20);
INSERT INTO made (a, b, d) VALUES (4, 2, NULL), (5, 2, DEFAULT), (6, DEFAULT, 'own');
INSERT INTO wide SELECT g, 'v' || g FROM generate_series(1, 6) g;

-- two tables of one name
SELECT owner, what, n FROM items ORDER BY 1, 2, 3;
SELECT * FROM public.items WHERE owner = 1 ORDER BY what, n;
SELECT * FROM shop.items ORDER BY owner, what;
SELECT items.what, count(*) FROM shop.items GROUP BY items.what ORDER BY 1;
SELECT shop.items.owner, shop.items.price FROM shop.items ORDER BY 1, 2;
SELECT p.owner, p.what, s.owner, s.price FROM public.items p JOIN shop.items s ON s.what = p.what ORDER BY 1, 2, 3, 4, p.n;
SELECT p.owner, p.what, s.price FROM items p LEFT JOIN shop.items s ON s.owner = p.owner AND s.what = p.what ORDER BY 1, 2, 3;
SELECT public.items.owner, shop.items.price FROM public.items, shop.items WHERE public.items.owner = shop.items.owner ORDER BY 1, 2;
SELECT what FROM items UNION SELECT what FROM shop.items UNION SELECT what FROM "Back Office".items ORDER BY what;
SELECT what FROM items EXCEPT SELECT what FROM shop.items ORDER BY what;
SELECT b.owner, b.total * r.rate AS eur FROM shop.bills b LEFT JOIN shop.rates r ON r.cur = b.cur ORDER BY 1, 2;
SELECT b.shelf, i.owner FROM "Back Office".items b LEFT JOIN items i ON i.what = b.what ORDER BY 1, 2;
SELECT i.owner, (SELECT count(*) FROM "Back Office".items b WHERE b.what = i.what) AS shelves FROM shop.items i ORDER BY 1, 2;
SELECT owner FROM shop.items WHERE what IN (SELECT what FROM public.items WHERE n > 2) ORDER BY owner;
WITH items AS (SELECT 'cte'::text AS what) SELECT what FROM items UNION ALL SELECT what FROM shop.items ORDER BY 1;

-- search_path
SET search_path = shop, public;
SELECT owner, price FROM items ORDER BY 1, 2;
SELECT i.owner, b.total FROM items i JOIN bills b USING (owner) ORDER BY 1, 2;
SELECT count(*) FROM public.items;
SELECT cur, count(*) FROM bills JOIN rates USING (cur) GROUP BY cur ORDER BY cur;
SELECT k, v FROM wide WHERE k < 3 ORDER BY k;
INSERT INTO items VALUES (4, 'pot', 9.75);
SELECT owner, what FROM items WHERE owner = 4;
SET search_path = public;
SELECT owner, what FROM items WHERE owner = 4;
SELECT total FROM bills;
SET search_path = "Back Office", public;
SELECT what, shelf FROM items ORDER BY shelf;
SELECT count(*) FROM wide;
BEGIN;
SET LOCAL search_path = shop;
SELECT owner, price FROM items ORDER BY owner DESC, price LIMIT 2;
SELECT count(*) FROM public.wide;
COMMIT;
SELECT max(shelf) FROM items;
RESET search_path;
SELECT sum(n) FROM items;
SHOW search_path;

-- quoted names
SELECT * FROM "Order Lines" ORDER BY "Owner Id", "Größe";
SELECT "Select", count(*) AS "How Many" FROM "Order Lines" GROUP BY "Select" ORDER BY "Select";
SELECT "Owner Id" AS "Key", "a""b" AS "q""q" FROM "Order Lines" WHERE "Größe" = 38 ORDER BY "Key";
SELECT sum("Größe") AS "Σ", max("Owner id") FROM "Order Lines";
SELECT o."Owner Id", i.what FROM "Order Lines" o JOIN items i ON i.owner = o."Owner Id" ORDER BY 1, 2, o."Größe", i.n;
SELECT a."Owner Id", b."Owner Id" FROM "Order Lines" a JOIN "Order Lines" b ON a."Select" = b."Select" AND a."Owner Id" < b."Owner Id";
SELECT "Owner Id" FROM "Order Lines" WHERE "Owner Id" = 9;
SELECT OWNER, WHAT FROM ITEMS WHERE OWNER = 7;
SELECT "OWNER" FROM items;
SELECT owner_id FROM "Order Lines";
SELECT 1 FROM "order lines";
SELECT o."Select" AS select, o."Größe" AS from FROM "Order Lines" o ORDER BY 1, 2;

-- dropped and added columns
ALTER TABLE old DROP COLUMN gone2;
SELECT * FROM old WHERE k = 3;
ALTER TABLE old DROP COLUMN gone1, DROP COLUMN gone3;
SELECT * FROM old ORDER BY k;
SELECT o FROM old o ORDER BY o.k LIMIT 3;
SELECT gone1 FROM old;
SELECT a, array_agg(b ORDER BY k) FROM old GROUP BY a ORDER BY a;
SELECT * FROM old JOIN items ON items.n = old.b ORDER BY k, owner, what;
ALTER TABLE old ADD COLUMN gone1 boolean DEFAULT true;
INSERT INTO old VALUES (9, 'a0', 7, NULL), (3, 'a1', 8, false);
SELECT * FROM old ORDER BY k, b;
SELECT x.* FROM (SELECT * FROM old) x (key, first) ORDER BY key DESC, b LIMIT 4;
SELECT * FROM old NATURAL JOIN (SELECT k, b FROM old WHERE gone1) y ORDER BY k, b;
ALTER TABLE old RENAME COLUMN a TO alpha;
SELECT alpha, count(*) FROM old GROUP BY alpha ORDER BY alpha;
ALTER TABLE wide ADD COLUMN w int NOT NULL DEFAULT 5, ADD COLUMN x text;
UPDATE wide SET x = 'new', w = w + k WHERE k IN (2, 4);
SELECT * FROM wide ORDER BY w, k;
ALTER TABLE wide ALTER COLUMN w TYPE bigint;
SELECT sum(w), pg_typeof(sum(w)) FROM wide;
SELECT w FROM wide ORDER BY w DESC, k LIMIT 2;
SELECT k, w, x FROM wide WHERE k = 4;

-- generated columns and defaults
SELECT * FROM made ORDER BY a, b;
SELECT c, count(*), string_agg(e, ',' ORDER BY a) FROM made GROUP BY c ORDER BY c;
SELECT x.a, y.a FROM made x JOIN made y ON x.c = y.a * 10 ORDER BY 1, 2;
SELECT d, sum(c) FROM made GROUP BY d ORDER BY d;
UPDATE made SET b = 1 WHERE b IS NULL;
SELECT a, b, c, e FROM made ORDER BY c DESC, a;
INSERT INTO made (a, c) VALUES (1, 5);
UPDATE made SET c = 5;
SELECT max(c) OVER (PARTITION BY d) AS m, a FROM made ORDER BY a, b, m;
SELECT count(*) FROM nowhere.items;
SELECT public.items.what FROM shop.items;
