-- shard: key.items=owner
-- shard: key.prices=owner
-- shard: reference=units
-- PREPARE, EXECUTE and DEALLOCATE as text.

CREATE TABLE units (unit text PRIMARY KEY, factor numeric);
CREATE TABLE items (owner int NOT NULL, id int NOT NULL, name text, size numeric(6,2), tags text[], made date, PRIMARY KEY (owner, id));
CREATE TABLE prices (owner int PRIMARY KEY, price numeric(6,2));
CREATE TABLE notes (id int, body text);
INSERT INTO units VALUES ('m', 1), ('km', 1000);
INSERT INTO items SELECT 1 + n % 4, n, 'item ' || n, n * 0.25, ARRAY['t' || n % 3], DATE '2024-01-01' + n FROM generate_series(1, 20) AS n;
INSERT INTO prices VALUES (1, 1.5), (2, 2.5), (9, NULL);

-- Queries of one key.
PREPARE of_owner (int) AS SELECT id, name FROM items WHERE owner = $1 ORDER BY id;
EXECUTE of_owner (1);
EXECUTE of_owner (2 + 1);
EXECUTE of_owner ('4');
EXECUTE of_owner (NULL);
EXECUTE of_owner (999);
PREPARE of_owner AS SELECT 1;
PREPARE two_keys AS SELECT owner, id FROM items WHERE owner IN ($1, $2) AND size > $3 ORDER BY owner, id;
EXECUTE two_keys (1, 2, 2.5);
EXECUTE two_keys (3, 3, 0);
PREPARE of_many (int[], text) AS SELECT owner, count(*) AS n FROM items WHERE owner = ANY ($1) AND name LIKE $2 GROUP BY owner ORDER BY owner;
EXECUTE of_many ('{1,2,77}', 'item 1%');
EXECUTE of_many (ARRAY[4, 4, NULL], '%');

-- Queries of all.
PREPARE all_items AS SELECT owner, id, name FROM items ORDER BY id DESC LIMIT 4;
EXECUTE all_items;
EXECUTE all_items (1);
PREPARE sums (numeric) AS SELECT owner, sum(size) AS size FROM items GROUP BY owner HAVING sum(size) > $1 ORDER BY owner;
EXECUTE sums (12);
EXECUTE sums (1000);
PREPARE joined AS SELECT i.id, p.price * $2::numeric AS price FROM items i JOIN prices p USING (owner) WHERE i.made < $1::date ORDER BY i.id;
EXECUTE joined ('2024-01-08', 10);
PREPARE plain (text) AS SELECT factor FROM units WHERE unit = $1;
EXECUTE plain ('km');
PREPARE constant AS SELECT $1 || 'x' AS word, $2::int + 1 AS n;
EXECUTE constant ('a', 1);
PREPARE rows AS VALUES ($1::int, 'one'), ($1 + 1, 'two');
EXECUTE rows (10);

-- Writes.
PREPARE add_item (int, int, text) AS INSERT INTO items (owner, id, name) VALUES ($1, $2, upper($3)) RETURNING owner, id, name;
EXECUTE add_item (1, 100, 'new');
EXECUTE add_item (7, 100, NULL);
EXECUTE add_item (1, 100, 'again');
EXECUTE add_item (NULL, 1, 'x');
PREPARE add_two (int, int) AS INSERT INTO items (owner, id) VALUES ($1, 200), ($2, 201) ON CONFLICT DO NOTHING;
EXECUTE add_two (1, 2);
EXECUTE add_two (1, 3);
PREPARE change (int, numeric) AS UPDATE items SET size = $2 WHERE owner = $1 AND size IS NULL RETURNING id, size;
EXECUTE change (1, 0.125);
EXECUTE change (1, 0.125);
PREPARE change_all AS UPDATE items SET name = name || '!' WHERE id > $1;
EXECUTE change_all (100);
PREPARE remove (int) AS DELETE FROM items WHERE id = $1 RETURNING owner;
EXECUTE remove (201);
PREPARE convert AS UPDATE units SET factor = factor * $1;
EXECUTE convert (2);
PREPARE note AS INSERT INTO notes SELECT id, name FROM items WHERE owner = $1 AND id < $2;
EXECUTE note (1, 10);
SELECT owner, id, name, size FROM items WHERE id >= 100 ORDER BY owner, id;
SELECT unit, factor FROM units ORDER BY unit;
SELECT id, body FROM notes ORDER BY id;
SELECT count(*) AS n, sum(size) AS size FROM items;

-- Wrong ones.
PREPARE wrong AS SELECT nothing FROM items;
PREPARE wrong (int) AS SELECT id FROM items WHERE owner = $2;
PREPARE wrong (nosuchtype) AS SELECT $1;
PREPARE wrong AS CREATE TABLE x (a int);
EXECUTE wrong;
EXECUTE of_owner;
EXECUTE of_owner (1, 2);
EXECUTE of_owner ('x');

-- In transactions: they stay, whatever becomes of those.
BEGIN;
PREPARE inside (int) AS SELECT count(*) AS n FROM items WHERE owner = $1;
EXECUTE inside (2);
INSERT INTO items (owner, id) VALUES (2, 300), (3, 300);
EXECUTE inside (2);
EXECUTE inside (3);
ROLLBACK;
EXECUTE inside (2);
BEGIN;
EXECUTE add_item (5, 1, 'kept');
EXECUTE add_item (6, 1, 'kept');
COMMIT;
BEGIN;
EXECUTE add_item (5, 1, 'twice');
EXECUTE inside (5);
ROLLBACK;
EXECUTE inside (5);
EXECUTE inside (6);

-- Tables change under them.
ALTER TABLE items ADD COLUMN extra int DEFAULT 7;
EXECUTE inside (1);
EXECUTE add_item (8, 1, 'eight');
SELECT extra FROM items WHERE owner = 8;
PREPARE star AS SELECT * FROM prices WHERE owner = $1;
EXECUTE star (1);
DROP TABLE notes;
EXECUTE note (1, 10);

-- They go.
DEALLOCATE inside;
EXECUTE inside (1);
DEALLOCATE inside;
DEALLOCATE PREPARE of_owner;
EXECUTE of_owner (1);
PREPARE of_owner (text) AS SELECT owner, size FROM items WHERE name = $1 ORDER BY owner;
EXECUTE of_owner ('item 7');
SELECT count(*) AS n FROM items WHERE owner <= 8;
DEALLOCATE ALL;
EXECUTE of_owner ('item 8');
