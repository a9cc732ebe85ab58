-- shard: key.users=id
-- shard: key.posts=user_id
-- shard: reference=roles
-- Mistakes: each has to fail the same way, wherever the rows are.
CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL, age int, role text);
CREATE TABLE posts (user_id int NOT NULL, no int NOT NULL, title text, likes int, PRIMARY KEY (user_id, no));
CREATE TABLE roles (role text PRIMARY KEY, rank int);
INSERT INTO users VALUES (1, 'ann', 30, 'a'), (2, 'bob', NULL, 'b'), (3, '33', 3, NULL), (4, '', 40, 'a');
INSERT INTO posts VALUES (1, 1, 'x', 5), (1, 2, NULL, 0), (2, 1, 'y', NULL), (4, 1, '12', 7);
INSERT INTO roles VALUES ('a', 1), ('b', 2);

-- syntax
SELEC * FROM users;
SELECT FROM WHERE;
SELECT * users;
SELECT * FROM users WHERE;
SELECT * FROM users GROUP;
SELECT * FROM users ORDER name;
SELECT * FROM users LIMIT;
SELECT id, FROM users;
SELECT id name age FROM users;
SELECT count(* FROM users);
SELECT * FROM users WHERE id = = 1;
SELECT * FROM users WHERE id IN ();
SELECT * FROM users WHERE name LIKE;
SELECT * FROM users u u2;
SELECT * FROM users JOIN posts;
SELECT * FROM users AS;
SELECT "" FROM users;
SELECT 'a' 'b' FROM users;
SELECT 1 UNION FROM users;
SELECT $0 FROM users;
SELECT 1 FROM users HAVING;
SELECT * FROM (SELECT * FROM users);
SELECT id FROM users WHERE id = 1 ORDER BY id WHERE true;
SELECT * FROM users FOR NOTHING;

-- names
SELECT nobody FROM users;
SELECT users.nobody FROM users;
SELECT u.id FROM users;
SELECT id FROM user_s;
SELECT id FROM nowhere.users;
SELECT public.users.id FROM users WHERE public.users.id = 1;
SELECT other.users.id FROM users;
SELECT nofunction(id) FROM users;
SELECT max(id, name) FROM users;
SELECT lower(id) FROM users;
SELECT id + name FROM users;
SELECT id = name FROM users;
SELECT id = 'x' FROM users;
SELECT id || age FROM users;
SELECT name + 1 FROM users;
SELECT -name FROM users;
SELECT NOT id FROM users;
SELECT id::nothing FROM users;
SELECT name::date FROM users;
SELECT name::int FROM users;
SELECT name::int FROM users WHERE id = 3;
SELECT age::bool, id::uuid FROM users;
SELECT id FROM users WHERE nobody = 1;
SELECT id FROM users WHERE name = 1;
SELECT id FROM users WHERE id = 'one';
SELECT id FROM users WHERE id = 1.5;
SELECT id FROM users WHERE id = '1.5';
SELECT id FROM users WHERE id = 99999999999;
SELECT id FROM users WHERE id = '99999999999';
SELECT id FROM users WHERE id;
SELECT id FROM users WHERE name;
SELECT id FROM users WHERE count(*) > 1;
SELECT id FROM users WHERE max(age) > 1;
SELECT id FROM users WHERE id IN (1, 'x');
SELECT id FROM users WHERE id IN (1, name);
SELECT id FROM users WHERE (id, name) = (1);
SELECT id FROM users WHERE (id, name) IN ((1, 'a', 2));
SELECT id FROM users WHERE name BETWEEN 1 AND 2;
SELECT id FROM users WHERE age > ALL (5);
SELECT id FROM users WHERE age = ANY (name);
SELECT id FROM users GROUP BY age;
SELECT id, max(age) FROM users;
SELECT u.id, p.no FROM users u JOIN posts p ON p.user_id = u.id GROUP BY u.id;
SELECT no FROM users u JOIN posts p ON p.user_id = id AND title = u.title;
SELECT user_id FROM posts p JOIN posts q USING (user_id, no) WHERE title = 'x';
SELECT id FROM users u JOIN posts p ON u.id;
SELECT id FROM users u JOIN posts p USING (id);
SELECT id FROM users NATURAL JOIN nobody;
SELECT * FROM users u WHERE EXISTS (SELECT 1 FROM posts p WHERE p.user_id = u.nobody);
SELECT * FROM users u WHERE u.id IN (SELECT user_id, no FROM posts p WHERE p.user_id = u.id);
SELECT (SELECT no, likes FROM posts p WHERE p.user_id = u.id AND no = 1) FROM users u;
SELECT (SELECT no FROM posts p WHERE p.user_id = u.id) FROM users u ORDER BY id;
SELECT id FROM users UNION SELECT user_id, no FROM posts;
SELECT id FROM users UNION SELECT title FROM posts;
SELECT rank() FROM users;
SELECT rank() OVER (ORDER BY nobody) FROM users;
SELECT row_number() OVER (w) FROM users;
SELECT sum(age) OVER () FROM users WHERE sum(age) OVER () > 1;
SELECT generate_series(1, id) FROM users WHERE generate_series(1, 2) = 1;
SELECT id FROM users u, LATERAL (SELECT v.id) x;
SELECT * FROM users TABLESAMPLE nothing (10);
SELECT interval '1 fortnite' FROM users;
SELECT '{1,2'::int[] FROM users;
SELECT '{"a"'::jsonb FROM users;
SELECT '(1'::point FROM users;
SELECT B'012' FROM users;
SELECT E'\xff' FROM users;
SELECT 'x'::"char"::int::bool::date FROM users;
SELECT CASE WHEN age THEN 1 END FROM users;
SELECT CASE WHEN true THEN 1 ELSE 'x' END FROM users;
SELECT coalesce(age, 'none') FROM users;
SELECT coalesce(age, name) FROM users;
SELECT nullif(age, name) FROM users;
SELECT greatest(age, name) FROM users;
SELECT ARRAY[1, 'x'] FROM users;
SELECT age[1] FROM users;
SELECT (age).x FROM users;

-- arguments
-- args: 1
SELECT id FROM users WHERE id = $1 AND name = $2;
SELECT id FROM users WHERE id = $1;
-- args: 1 | 2
SELECT id FROM users WHERE id = $1;
-- args: 'x'
SELECT id FROM users WHERE id = $1;
-- args: 'x'
SELECT id FROM users WHERE age = $1;
-- args: true
SELECT id FROM users WHERE age = $1 ORDER BY id;
-- args: 5000000000
SELECT id FROM users WHERE age = $1;
-- args: 5000000000
SELECT id FROM users WHERE age = $1::bigint;
-- args: 1
SELECT id FROM users WHERE age = $2;
-- args: 1
SELECT $1 + $1 FROM users ORDER BY id;
-- args: 'x'
SELECT count(*) + $1 FROM users;
-- args: '{1,x}'
SELECT id FROM users WHERE age = ANY ($1::int[]);
-- args: NULL
SELECT id FROM users WHERE id = $1;
-- args: 0
SELECT id, 10 / $1::int FROM users;
-- args: 0
SELECT 10 / $1::int, count(*) FROM users;

-- values that fail only in some rows
SELECT id, 12 / (age - 30) FROM users;
SELECT id, 12 / (age - 30) FROM users WHERE id = 2;
SELECT id, 12 / (age - 30) FROM users WHERE id = 1;
SELECT id, 12 / (age - 30) FROM users ORDER BY id LIMIT 1;
SELECT count(*) FROM users WHERE 12 / (age - 30) > 0;
SELECT id FROM users WHERE name::int > 5;
SELECT id FROM users WHERE id = 3 AND name::int > 5;
SELECT sum(title::int) FROM posts;
SELECT sum(title::int) FROM posts WHERE user_id = 4;
SELECT max(substr(name, 1, age - 31)) FROM users;
SELECT id FROM users ORDER BY sqrt(id - 2);
SELECT role, sum(1 / (age - 3)) FROM users GROUP BY role;
SELECT role FROM users GROUP BY role HAVING sum(1 / (age - 3)) > 0;

-- in a transaction everything fails after a mistake
BEGIN;
SELECT count(*) FROM users;
SELECT nobody FROM users;
SELECT count(*) FROM users;
ROLLBACK;
SELECT count(*) FROM users;
BEGIN;
SAVEPOINT s;
SELECT sum(1 / (age - 3)) FROM users;
SELECT 1;
ROLLBACK TO SAVEPOINT s;
SELECT count(*), max(name) FROM users;
SELECT 12 / (age - 30) FROM users ORDER BY id;
ROLLBACK TO s;
SELECT count(*) FROM posts;
COMMIT;
SELECT sum(likes) FROM posts;
SAVEPOINT outside;
ROLLBACK TO nothing;
RELEASE nothing;
