-- shard: key.users=id
-- shard: key.orders=tenant_id
-- shard: reference=kinds
-- The first row that is found, locked: what clients write for "first", "only" and
-- "take" with a lock, by another column than the key.

CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, email text, age int, at timestamptz, deleted_at timestamptz);
CREATE TABLE orders (tenant_id int NOT NULL, id bigint NOT NULL, state text, total numeric(8,2), PRIMARY KEY (tenant_id, id));
CREATE TABLE kinds (id int PRIMARY KEY, name text);
CREATE TABLE heap (id int, name text);
INSERT INTO users (id, name, email, age, at) SELECT n, 'u' || n, 'u' || n || '@x', n % 5, timestamptz '2024-01-01 00:00+00' + n * interval '1 day' FROM generate_series(1, 30) n;
INSERT INTO orders SELECT n % 4, n, CASE n % 3 WHEN 0 THEN 'open' WHEN 1 THEN 'done' END, n * 1.25 FROM generate_series(1, 30) n;
INSERT INTO kinds VALUES (1, 'a'), (2, 'b');

SELECT * FROM "users" WHERE email = 'u7@x' AND "users"."deleted_at" IS NULL ORDER BY "users"."id" LIMIT 1 FOR UPDATE;
SELECT "users"."id", "users"."name" FROM "users" WHERE "users"."email" = 'u8@x' LIMIT 2 FOR UPDATE;
SELECT * FROM users WHERE email = 'nobody' LIMIT 1 FOR UPDATE;
SELECT "u"."id", "u"."name" FROM "users" AS "u" WHERE (age = 3) ORDER BY "u"."name" DESC LIMIT 3 OFFSET 1 FOR SHARE;
-- args: 2 | 'u1%' | 2
SELECT id, name || $2 AS id2, $2 FROM users WHERE age = $1 AND name LIKE $2 ORDER BY id DESC LIMIT $3 FOR UPDATE;
SELECT u.* FROM users u WHERE age = 1 OR age = 2 ORDER BY age DESC, length(name), id LIMIT 5 FOR NO KEY UPDATE;
SELECT age AS id, name FROM users ORDER BY id, name COLLATE "C" LIMIT 4 FOR KEY SHARE;
SELECT upper(name), id FROM users ORDER BY 1 LIMIT 3 FOR UPDATE NOWAIT;
SELECT name, count(*) FROM users GROUP BY name ORDER BY 1 LIMIT 3 FOR UPDATE;
SELECT id FROM users ORDER BY id FETCH FIRST 3 ROWS ONLY FOR UPDATE OF users;
SELECT id FROM users ORDER BY id OFFSET 28 FOR UPDATE;
SELECT id FROM users ORDER BY age, id LIMIT ALL FOR UPDATE;
-- ties
SELECT id, age FROM users ORDER BY age DESC FETCH FIRST 2 ROWS WITH TIES FOR UPDATE;
SELECT * FROM orders WHERE state = 'open' ORDER BY total DESC LIMIT 3 FOR UPDATE;
SELECT o.tenant_id, o.id, o.total * 2 AS twice FROM orders o WHERE o.state IS NULL ORDER BY twice LIMIT 2 FOR UPDATE OF o;
SELECT id FROM orders WHERE total > (SELECT 3) ORDER BY id LIMIT 1;
SELECT id FROM users WHERE at < now() ORDER BY at DESC LIMIT 2 FOR UPDATE;
SELECT id, at < CURRENT_TIMESTAMP AS past FROM users ORDER BY id LIMIT 2 FOR UPDATE;
SELECT id FROM nowhere LIMIT 1 FOR UPDATE;
SELECT nothing FROM users LIMIT 1 FOR UPDATE;
SELECT id FROM users LIMIT 1 FOR UPDATE OF nobody;
SELECT id FROM users ORDER BY id LIMIT -1 FOR UPDATE;
SELECT id FROM users WHERE id = 3 LIMIT 1 FOR UPDATE SKIP LOCKED;
SELECT * FROM kinds ORDER BY id LIMIT 1 FOR UPDATE;
SELECT * FROM heap ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;

BEGIN;
SELECT id, name FROM users WHERE email = 'u9@x' LIMIT 1 FOR UPDATE;
UPDATE users SET name = 'taken' WHERE id = 9;
SELECT id, state FROM orders WHERE state = 'open' ORDER BY id LIMIT 2 FOR UPDATE;
UPDATE orders SET state = 'taken' WHERE id IN (3, 6);
SELECT id, state FROM orders WHERE state = 'open' ORDER BY id LIMIT 2 FOR UPDATE;
SAVEPOINT s;
SELECT id FROM users WHERE age = 4 ORDER BY id LIMIT 1 FOR UPDATE;
ROLLBACK TO s;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT id FROM users WHERE name = 'taken' LIMIT 1 FOR UPDATE;
COMMIT;
BEGIN READ ONLY;
SELECT id FROM users WHERE name = 'taken' LIMIT 1 FOR UPDATE;
ROLLBACK;
-- expect: refused
SELECT * FROM orders WHERE state = 'open' ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED;
-- expect: refused
SELECT * FROM orders o WHERE EXISTS (SELECT FROM kinds) ORDER BY id LIMIT 2 FOR UPDATE;
-- expect: refused
SELECT u.id FROM users u JOIN orders o ON o.id = u.id ORDER BY 1 LIMIT 2 FOR UPDATE;
