-- shard: key.profiles=user_id
-- shard: key.posts=user_id
-- shard: key.users=id
-- shard: reference=tags
-- What clients write for "insert or update": all columns are set, the key and the
-- primary key among them, to what they are already.

CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, age int, email text);
CREATE TABLE profiles (user_id bigint PRIMARY KEY, bio text, views int NOT NULL DEFAULT 0);
CREATE TABLE posts (user_id bigint NOT NULL, slug text NOT NULL, body text, CONSTRAINT posts_pk PRIMARY KEY (user_id, slug));
CREATE TABLE tags (id int PRIMARY KEY, label text UNIQUE);
CREATE TABLE settings (name text PRIMARY KEY, value text);

INSERT INTO profiles (bio, user_id) VALUES ('x', 1) ON CONFLICT (user_id) DO UPDATE SET user_id = excluded.user_id RETURNING user_id;
INSERT INTO "profiles" ("bio", "user_id") VALUES ('y', 1), ('z', 2), ('w', 3) ON CONFLICT ("user_id") DO UPDATE SET "user_id" = "excluded"."user_id" RETURNING "user_id", "bio";
-- args: 'again' | 2
INSERT INTO profiles (bio, user_id) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET bio = excluded.bio, user_id = excluded.user_id RETURNING *;
-- args: 'by $2' | 2
INSERT INTO profiles (bio, user_id) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET bio = $1, user_id = $2 RETURNING *;
INSERT INTO profiles AS p (bio, user_id) VALUES ('n', 4), ('n', 1) ON CONFLICT (user_id) DO UPDATE SET user_id = p.user_id, views = p.views + 1 RETURNING user_id, views;
SELECT user_id, bio, views FROM profiles ORDER BY user_id;

INSERT INTO posts (user_id, slug, body) VALUES (1, 'a', 'first'), (2, 'a', 'second'), (3, 'b', NULL), (7, 'c', 'seventh');
INSERT INTO posts (user_id, slug, body) VALUES (1, 'a', 'y') ON CONFLICT (user_id, slug) DO UPDATE SET user_id = excluded.user_id, slug = excluded.slug, body = excluded.body;
INSERT INTO posts (user_id, slug, body) VALUES (2, 'a', 'z'), (8, 'a', 'new') ON CONFLICT (user_id, slug) DO UPDATE SET user_id = posts.user_id, body = excluded.body RETURNING user_id, body;
INSERT INTO posts (user_id, slug, body) VALUES (3, 'b', 'q') ON CONFLICT ON CONSTRAINT posts_pk DO UPDATE SET (user_id, body) = (excluded.user_id, excluded.body) RETURNING *;
INSERT INTO posts (user_id, slug, body) SELECT user_id + 6, 'c', bio FROM profiles ON CONFLICT (user_id, slug) DO UPDATE SET user_id = excluded.user_id, body = excluded.body;
WITH up AS (INSERT INTO posts (user_id, slug, body) VALUES (1, 'a', 'cte') ON CONFLICT (user_id, slug) DO UPDATE SET user_id = excluded.user_id, body = excluded.body RETURNING user_id, body) SELECT * FROM up;
INSERT INTO posts (user_id, slug, body) VALUES (1, 'a', 'same slug') ON CONFLICT (user_id, slug) DO UPDATE SET user_id = excluded.user_id, slug = 'a2' RETURNING slug;
INSERT INTO posts (user_id, slug) VALUES (2, 'a') ON CONFLICT (user_id, slug) DO UPDATE SET user_id = user_id;
INSERT INTO posts (user_id, slug) VALUES (2, 'a'), (2, 'a') ON CONFLICT (user_id, slug) DO UPDATE SET user_id = excluded.user_id;
-- expect: refused
INSERT INTO posts (user_id, slug) VALUES (2, 'a') ON CONFLICT (user_id, slug) DO UPDATE SET user_id = 3;
-- expect: refused
INSERT INTO posts (user_id, slug) VALUES (2, 'a') ON CONFLICT (user_id, slug) DO UPDATE SET user_id = excluded.user_id + 1;
SELECT user_id, slug, body FROM posts ORDER BY user_id, slug;

-- Reference and unsharded tables, where nothing moves anyway.
INSERT INTO tags (id, label) VALUES (1, 'red'), (2, 'blue') ON CONFLICT (id) DO UPDATE SET id = excluded.id, label = excluded.label RETURNING *;
INSERT INTO tags (id, label) VALUES (3, 'red') ON CONFLICT (label) DO UPDATE SET id = excluded.id, label = excluded.label RETURNING *;
INSERT INTO settings (name, value) VALUES ('a', '1'), ('b', '2') ON CONFLICT (name) DO UPDATE SET name = excluded.name, value = excluded.value RETURNING *;
SELECT * FROM tags ORDER BY id;

-- What clients write for "save": UPDATE of all columns, by a key that is what it was.
INSERT INTO users (id, name, age) VALUES (1, 'ann', 30), (2, 'ben', 30), (3, 'cid', NULL), (4, 'dee', 31), (5, 'eve', 30);
-- args: 1 | 'anna' | 31 | NULL | 1
UPDATE users SET id = $1, name = $2, age = $3, email = $4 WHERE id = $5 RETURNING *;
-- args: 2 | 'bert'
UPDATE users SET id = $1, name = $2 WHERE id = $1;
UPDATE users SET id = id, age = age + 1 WHERE age IS NOT NULL;
UPDATE users u SET id = u.id, name = upper(u.name) RETURNING u.id, u.name;
UPDATE users u SET id = p.user_id, email = p.bio FROM profiles p WHERE p.user_id = u.id RETURNING u.id, u.email;
UPDATE posts SET (user_id, slug, body) = (user_id, slug || '!', 'b') WHERE user_id = 2 RETURNING *;
WITH up AS (UPDATE users SET id = id, age = 50 WHERE id = 3 RETURNING id, age) SELECT * FROM up;
MERGE INTO users u USING profiles p ON u.id = p.user_id WHEN MATCHED THEN UPDATE SET id = p.user_id, age = p.views WHEN NOT MATCHED THEN INSERT (id, name) VALUES (p.user_id, p.bio);
SELECT id, name, age, email FROM users ORDER BY id;
-- args: 100 | 5
UPDATE users SET id = $1 WHERE id = $2;
-- args: 101 | 100
UPDATE users SET id = $1 WHERE id = $2 RETURNING id, name;
-- args: 1 | 101
UPDATE users SET id = $1 WHERE id = $2;
-- args: NULL | 101
UPDATE users SET id = $1 WHERE id = $2;
-- args: NULL
INSERT INTO users (id, name) VALUES ($1, 'nobody');
SELECT id, name FROM users ORDER BY id;

-- A column with and without its alias.
SELECT u.age, array_agg(name ORDER BY name) FROM users AS u GROUP BY age;
SELECT age, array_agg(name ORDER BY u.name) AS list FROM users AS u GROUP BY age ORDER BY u.age NULLS FIRST;
SELECT "u"."age", string_agg(name, ',' ORDER BY "u"."name") FROM "users" AS "u" GROUP BY "age" HAVING count("u"."id") > 0 ORDER BY "age";
SELECT lower(u.name), array_agg(id ORDER BY id) FROM users u GROUP BY lower(name) ORDER BY lower(u.name);
SELECT lower(u.name), count(*), max(u.age) FROM users u GROUP BY lower(name) ORDER BY lower(name);
SELECT DISTINCT u.age AS x FROM users u ORDER BY age;
SELECT DISTINCT ON (u.age) age, name FROM users u ORDER BY age, u.name;
SELECT DISTINCT ON (age) u.age, u.name FROM users u ORDER BY u.age, name LIMIT 2;
SELECT DISTINCT sum(u.age) FROM users u ORDER BY sum(age);
SELECT u.age + 1, array_agg(id ORDER BY id) FROM users u GROUP BY age + 1 ORDER BY 1;
SELECT users.age, array_agg(public.users.id ORDER BY id) FROM users GROUP BY public.users.age ORDER BY age;
SELECT p.user_id, array_agg(u.name) FROM users u JOIN profiles p ON p.user_id = u.id GROUP BY user_id, u.age ORDER BY p.user_id;
SELECT age, array_agg(u.name ORDER BY u.name), rank() OVER (ORDER BY u.age) FROM users u GROUP BY u.age ORDER BY age;
SELECT u.age, (SELECT count(*) FROM tags t WHERE t.id > age), array_agg(name ORDER BY name) FROM users u GROUP BY age ORDER BY 1;

-- RETURNING and ON CONFLICT may read what is on the shard of the row.
INSERT INTO posts (user_id, slug, body) VALUES (1, 'r', 'x') RETURNING slug, (SELECT name FROM users u WHERE u.id = posts.user_id) AS author;
INSERT INTO posts (user_id, slug, body) VALUES (1, 'r1', 'x'), (2, 'r2', 'y'), (3, 'r3', 'z'), (77, 'r4', 'q') RETURNING slug, (SELECT name FROM users u WHERE u.id = posts.user_id) AS author;
INSERT INTO posts AS p (user_id, slug, body) SELECT id, 's' || id, name FROM users WHERE id < 5 RETURNING user_id, (SELECT count(*) FROM profiles f WHERE f.user_id = p.user_id) AS profiles, (SELECT count(*) FROM posts o WHERE o.user_id = p.user_id) AS before;
INSERT INTO posts (user_id, slug, body) SELECT user_id + 1, 'moved', bio FROM profiles RETURNING user_id, (SELECT u.name FROM users u WHERE u.id = posts.user_id) AS author;
INSERT INTO profiles (user_id, views) VALUES (1, 1), (2, 1), (3, 1) ON CONFLICT (user_id) DO UPDATE SET views = (SELECT count(*) FROM posts p WHERE p.user_id = excluded.user_id), bio = (SELECT name FROM users u WHERE u.id = profiles.user_id) RETURNING *;
INSERT INTO profiles (user_id, views) VALUES (2, 7) ON CONFLICT (user_id) DO UPDATE SET views = 8 WHERE EXISTS (SELECT FROM posts p WHERE p.user_id = profiles.user_id AND p.slug = 'nothing') RETURNING views;
INSERT INTO posts (user_id, slug) VALUES (5, 'one') RETURNING (SELECT max(label) FROM tags) AS tag;
INSERT INTO posts (user_id, slug) VALUES (5, 'two'), (6, 'two') RETURNING user_id, (SELECT max(label) FROM tags) AS tag;
-- expect: refused
INSERT INTO posts (user_id, slug) VALUES (5, 'three'), (6, 'three') RETURNING (SELECT max(name) FROM users);
SELECT user_id, bio, views FROM profiles ORDER BY user_id;
SELECT user_id, slug FROM posts ORDER BY user_id, slug;
