-- shard: key.users=id
-- shard: key.profiles=user_id
-- shard: key.posts=user_id
-- shard: key.tokens=id
-- shard: key.counters=name
-- WITH queries that insert a row and go on with it, and joins with subqueries that
-- are about one key.

CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL, age int);
CREATE TABLE profiles (user_id bigint PRIMARY KEY REFERENCES users, bio text);
CREATE TABLE posts (user_id bigint, id int, title text, PRIMARY KEY (user_id, id));
CREATE TABLE tokens (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text);
CREATE TABLE archive (user_id bigint, title text);

-- The key is given.
WITH u AS (INSERT INTO users (id, name) VALUES (1000, 'ann') RETURNING id) INSERT INTO posts (user_id, id, title) SELECT id, 1, 'first' FROM u RETURNING user_id, title;
-- args: 1001 | 'ben'
WITH u AS (INSERT INTO users (id, name) VALUES ($1, $2) RETURNING id, name) INSERT INTO posts (user_id, id, title) SELECT u.id, 1, u.name FROM u RETURNING *;
WITH u AS (INSERT INTO users (id, name) VALUES (1002, 'cid') RETURNING *) SELECT u.name, p.title FROM u LEFT JOIN posts p ON p.user_id = u.id;
WITH u AS (INSERT INTO users (id, name) VALUES (1000, 'again') ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING id) UPDATE posts p SET title = 'new' FROM u WHERE p.user_id = u.id RETURNING p.title;
WITH u AS (INSERT INTO users (id, name) VALUES (1000, 'none') ON CONFLICT DO NOTHING RETURNING id) INSERT INTO posts (user_id, id) SELECT id, 7 FROM u;
WITH u AS (INSERT INTO users (id, name) VALUES (1000, 'dup') RETURNING id) SELECT id FROM u;
WITH moved AS (DELETE FROM posts WHERE user_id = 1001 RETURNING user_id, title), put AS (INSERT INTO posts (user_id, id, title) SELECT user_id, 50, title FROM moved RETURNING id) SELECT * FROM put;
SELECT id, name FROM users ORDER BY id;
SELECT user_id, id, title FROM posts ORDER BY user_id, id;

-- The key is computed.
WITH u AS (INSERT INTO users (name, age) VALUES ('dee', 30) RETURNING id) INSERT INTO posts (user_id, id, title) SELECT id, 1, 'hers' FROM u RETURNING title;
WITH u AS (INSERT INTO users (name, age) VALUES ('dee', 31) RETURNING id) INSERT INTO posts (user_id, id, title) SELECT id, n, 'post ' || n FROM u, generate_series(1, 3) n RETURNING id, title;
-- args: 'eve' | 40
WITH u AS (INSERT INTO users (name, age) VALUES ($1, $2) RETURNING *) SELECT name, age, id > 0 AS numbered FROM u;
WITH t AS (INSERT INTO tokens (name) VALUES ('t1') RETURNING id, name) SELECT name, length(id::text) FROM t;
WITH t AS (INSERT INTO tokens VALUES (DEFAULT, 't2') RETURNING id) UPDATE tokens SET name = 'never' FROM t WHERE tokens.id = t.id;
WITH u AS (INSERT INTO users (id, name) VALUES (2000 + 5, 'five') RETURNING id), p AS (INSERT INTO posts (user_id, id, title) SELECT id, 9, 'nine' FROM u RETURNING title) SELECT u.id, p.title FROM u, p;
WITH u AS (INSERT INTO users (name) VALUES (NULL) RETURNING id) SELECT 1 FROM u;
WITH u AS (INSERT INTO users (id, name) VALUES (1000 + 0, 'dup') RETURNING id) SELECT id FROM u;
BEGIN;
WITH u AS (INSERT INTO users (name) VALUES ('in') RETURNING id) INSERT INTO posts (user_id, id, title) SELECT id, 1, 'in' FROM u;
WITH u AS (INSERT INTO users (name) VALUES ('in') RETURNING id) INSERT INTO posts (user_id, id, title) SELECT id, 1, 'in' FROM u;
SELECT u.name, p.title FROM users u JOIN posts p ON p.user_id = u.id WHERE u.name = 'in';
ROLLBACK;
SELECT u.name, p.title FROM users u JOIN posts p ON p.user_id = u.id WHERE u.age > 20 ORDER BY u.age, p.id;
SELECT name, count(*) FROM users GROUP BY name ORDER BY name;
SELECT name, count(*) FROM tokens GROUP BY name ORDER BY name;
-- expect: refused
WITH u AS (INSERT INTO users (name) VALUES ('x'), ('y') RETURNING id), p AS (INSERT INTO posts (user_id, id) SELECT id, 1 FROM u) SELECT count(*) FROM posts;
-- expect: refused
WITH u AS (INSERT INTO users (name) VALUES ('x') RETURNING id) SELECT count(*) FROM posts;
WITH u AS (INSERT INTO users (name) VALUES ('kept') RETURNING name) INSERT INTO archive SELECT 1, name FROM u;

-- Subqueries about one key bind what they are joined with.
INSERT INTO users (id, name, age) SELECT n, 'm' || n, n % 4 FROM generate_series(3000, 3020) n;
INSERT INTO posts (user_id, id, title) SELECT n, l, 'p' || l FROM generate_series(3000, 3020) n, generate_series(1, 3) l;
WITH i AS (SELECT id, name FROM users WHERE id = 3003) SELECT i.name, p.title FROM i JOIN posts p ON p.user_id = i.id ORDER BY p.id;
SELECT count(*), max(p.title) FROM posts p, (SELECT id FROM users WHERE id IN (3001, 3002)) u WHERE p.user_id = u.id;
SELECT p.title, u.name FROM posts p JOIN (SELECT id, name FROM users WHERE id = 3004) u ON u.id = p.user_id ORDER BY p.title DESC LIMIT 2;
SELECT p.title, u.name FROM posts p LEFT JOIN (SELECT id, name FROM users WHERE id = 3004) u ON u.id = p.user_id WHERE p.user_id IN (3004, 3005) ORDER BY p.title, u.name;
SELECT u.id, p.n FROM (SELECT user_id, count(*) AS n FROM posts WHERE user_id = 3006 GROUP BY user_id) p RIGHT JOIN users u ON u.id = p.user_id WHERE u.age = 2 ORDER BY u.id;
SELECT count(*) FROM users u FULL JOIN (SELECT user_id FROM posts WHERE user_id = 3007) p ON p.user_id = u.id;
SELECT u.id FROM users u WHERE u.age = 1 OR EXISTS (SELECT FROM (SELECT user_id FROM posts WHERE user_id = 3008) p WHERE p.user_id = u.id) ORDER BY u.id;
UPDATE posts p SET title = u.name FROM (SELECT id, name FROM users WHERE id = 3009) u WHERE u.id = p.user_id RETURNING p.id, p.title;
DELETE FROM posts p USING (SELECT id FROM users WHERE id IN (3010, 3011, 3012) AND age = 2) u WHERE u.id = p.user_id RETURNING p.user_id, p.id;
WITH gone AS (DELETE FROM posts WHERE user_id = 3013 RETURNING user_id, id) UPDATE users u SET age = 99 FROM gone g WHERE g.user_id = u.id AND g.id = 1 RETURNING u.id, u.age;
SELECT sum(u.age), count(*) FROM users u;
SELECT count(*), count(DISTINCT user_id) FROM posts;

-- What was written is counted, kept elsewhere, or used for rows of other keys.
CREATE TABLE counters (name text PRIMARY KEY, value bigint, note text COLLATE "C", at timestamptz DEFAULT now(), data jsonb, days date[], code char(4));
INSERT INTO counters SELECT 'c' || n, n, 'N' || n, timestamptz '2024-01-01 10:00+00' + n * interval '1 hour', jsonb_build_object('n', n, 'q', E'a"\\b'), ARRAY[date '2024-01-01' + n, NULL], 'x' || n FROM generate_series(1, 20) n;
WITH changed AS (UPDATE counters SET value = value + 100 WHERE value > 10 RETURNING value) SELECT count(*), sum(value), min(value) FROM changed;
WITH changed AS (UPDATE counters SET value = value WHERE value < 0 RETURNING value) SELECT count(*), sum(value) FROM changed;
WITH gone AS (DELETE FROM counters WHERE value > 117 RETURNING name, value) INSERT INTO archive SELECT value, name FROM gone RETURNING *;
WITH gone AS (DELETE FROM counters WHERE value = 117 RETURNING *) SELECT name, at, data, data->>'q' AS q, days[1] AS day, days, code || '|' AS code FROM gone;
WITH gone AS (DELETE FROM counters c WHERE value = 116 RETURNING c.name AS n, upper(name) AS up, c.at::date, value / 2.0 AS half, NULL AS nothing, '{1,2}'::int[] AS list, true) SELECT * FROM gone;
WITH added AS (INSERT INTO counters (name, value) VALUES ('d1', 1), ('d2', 2), ('d3', 3), ('d4', NULL) RETURNING name, value) SELECT name, value, rank() OVER (ORDER BY value DESC NULLS LAST) FROM added ORDER BY name;
WITH added AS (INSERT INTO counters (name, value) VALUES ('d1', 1), ('d5', 5) ON CONFLICT (name) DO UPDATE SET value = counters.value + 10 RETURNING name, value) SELECT max(value) FROM added;
WITH added AS (INSERT INTO counters (name, value) VALUES ('d1', 1), ('d6', 5) ON CONFLICT DO NOTHING RETURNING name) SELECT count(*) FROM added;
WITH gone AS (DELETE FROM counters WHERE name LIKE 'd%' RETURNING value), total AS (SELECT sum(value) AS s FROM gone) INSERT INTO posts (user_id, id, title) SELECT 9000 + value, 1, 'from ' || s FROM gone, total WHERE value IS NOT NULL RETURNING user_id, title;
WITH moved AS (UPDATE counters SET name = 'moved ' || name WHERE value = 3 RETURNING name) SELECT * FROM moved;
WITH old AS (DELETE FROM archive WHERE user_id = 1 RETURNING title) INSERT INTO counters (name, value) SELECT title || n, n FROM old, generate_series(1, 3) n;
WITH old AS (DELETE FROM archive RETURNING *) UPDATE counters SET value = old.user_id FROM old WHERE counters.name = 'c1';
WITH done AS (UPDATE counters SET value = 0 WHERE name = 'c2') SELECT 1 AS one;
WITH done AS (UPDATE counters SET value = 0 WHERE name IN ('c2', 'c3', 'c4', 'c5')) SELECT 1 AS one;
WITH w AS (SELECT user_id FROM posts WHERE id = 2), gone AS (DELETE FROM users u USING w WHERE w.user_id = u.id AND u.age = 3 AND FALSE RETURNING u.id) SELECT count(*) FROM gone;
-- args: 5 | 'c%'
WITH c AS (UPDATE counters SET value = value + $1 WHERE name LIKE $2 RETURNING name, value) SELECT name FROM c WHERE value > $1 + 5 ORDER BY name DESC LIMIT 3;
BEGIN;
WITH c AS (UPDATE counters SET value = 7 WHERE name > 'c5' RETURNING name) SELECT count(*) FROM c;
WITH c AS (UPDATE counters SET value = 1 / 0 RETURNING name) SELECT count(*) FROM c;
ROLLBACK;
WITH c AS (UPDATE counters SET value = value) SELECT * FROM c;
WITH c AS (UPDATE counters SET value = value RETURNING nothing) SELECT * FROM c;
SELECT name, value, code FROM counters ORDER BY name;
SELECT user_id, title FROM posts WHERE user_id > 8999 ORDER BY user_id;
SELECT * FROM archive ORDER BY user_id, title;
-- expect: refused
WITH c AS (UPDATE counters SET value = 1 WHERE value > 3 RETURNING note) SELECT note FROM c ORDER BY note;
-- expect: refused
WITH c AS (UPDATE counters SET value = 1 WHERE value > 3 RETURNING name) SELECT count(*) FROM counters, c;
