-- shard: key.users=id
-- shard: key.profiles=user_id
-- shard: key.posts=user_id
-- shard: key.tokens=id
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
WITH u AS (INSERT INTO users (name) VALUES ('x'), ('y') RETURNING id) INSERT INTO posts (user_id, id) SELECT id, 1 FROM u;
-- expect: refused
WITH u AS (INSERT INTO users (name) VALUES ('x') RETURNING id) SELECT count(*) FROM posts;
-- expect: refused
WITH u AS (INSERT INTO users (name) VALUES ('x') RETURNING id) INSERT INTO archive SELECT id, 'x' FROM u;

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
