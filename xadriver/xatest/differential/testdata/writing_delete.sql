-- shard: key.posts=author
-- shard: key.comments=author
-- shard: key.labels=post
-- shard: reference=topics
-- DELETE by key, by several, without one, with USING, subqueries and RETURNING,
-- and TRUNCATE.

CREATE TABLE topics (topic int PRIMARY KEY, name text NOT NULL);
CREATE TABLE posts (author int NOT NULL, id int NOT NULL, topic int, words int, title text, PRIMARY KEY (author, id));
CREATE TABLE comments (author int NOT NULL, post int NOT NULL, no int NOT NULL, body text, PRIMARY KEY (author, post, no));
CREATE TABLE labels (post int NOT NULL, label text NOT NULL);
CREATE TABLE log (id int PRIMARY KEY, author int, what text);

INSERT INTO topics SELECT n, 'topic ' || n FROM generate_series(1, 6) AS n;
INSERT INTO posts SELECT 1 + n % 8, n, CASE WHEN n % 5 > 0 THEN n % 5 END, n * 3 % 17, 'post ' || n FROM generate_series(1, 60) AS n;
INSERT INTO comments SELECT author, id, g, 'comment ' || g FROM posts, generate_series(1, 2) AS g WHERE id <= 40;
INSERT INTO labels SELECT n, 'label ' || n % 3 FROM generate_series(1, 20) AS n;
INSERT INTO labels VALUES (1, 'label 1'), (1, 'label 1'), (2, 'other');
INSERT INTO log SELECT n, n, 'seen' FROM generate_series(1, 12) AS n;
SELECT author, count(*) AS n, sum(words) AS words FROM posts GROUP BY author ORDER BY author;

-- By the key.
DELETE FROM posts WHERE author = 1 AND id = 8;
DELETE FROM posts WHERE author = 1 AND words > 12 RETURNING author, id, words;
DELETE FROM posts WHERE author = 999;
DELETE FROM posts WHERE author = NULL;
DELETE FROM posts WHERE author = 2 AND author = 3;
-- args: 2 | 9
DELETE FROM posts WHERE author = $1 AND id = $2 RETURNING *;
-- args: 3 | 'post 1%'
DELETE FROM posts AS p WHERE p.author = $1 AND p.title LIKE $2 RETURNING p.id, upper(p.title) AS title;
SELECT author, id, topic, words FROM posts WHERE author IN (1, 2, 3) ORDER BY author, id;

-- By several keys.
DELETE FROM posts WHERE author IN (1, 2, 999) AND id < 20;
-- args: '{3,4,4,1000}'
DELETE FROM posts WHERE author = ANY($1) AND topic IS NULL RETURNING author, id;
-- args: 5 | 6
DELETE FROM posts WHERE author IN ($1, $2) AND words = 0;
DELETE FROM posts WHERE (author, id) IN ((7, 6), (8, 7), (8, 6));
DELETE FROM posts WHERE author = 7 OR (author = 8 AND id > 50) RETURNING author, id;
SELECT author, count(*) AS n, min(id) AS first, max(id) AS last FROM posts GROUP BY author ORDER BY author;
SELECT count(*) FROM posts;

-- Without the key.
DELETE FROM posts WHERE words = 5;
DELETE FROM posts WHERE topic = 4 AND id > 30 RETURNING author, id, topic;
DELETE FROM labels WHERE label = 'label 1';
DELETE FROM comments WHERE body = 'comment 2' AND post > 35;
DELETE FROM posts WHERE title IS NULL;
SELECT count(*) AS n, count(DISTINCT author) AS authors, sum(id) AS ids FROM posts;
SELECT post, label FROM labels ORDER BY post, label;

-- USING: the same key, a reference table, off the key, unsharded, VALUES.
DELETE FROM comments c USING posts p WHERE p.author = c.author AND p.id = c.post AND p.words > 13 RETURNING c.author, c.post, c.no, p.words;
DELETE FROM posts USING topics t WHERE t.topic = posts.topic AND t.name = 'topic 3' RETURNING posts.author, posts.id, t.name;
DELETE FROM labels l USING posts p WHERE p.id = l.post AND p.author = 6;
DELETE FROM posts p USING labels l WHERE l.post = p.id;
DELETE FROM comments c USING log l WHERE l.author = c.author AND l.id = 4;
DELETE FROM comments USING (VALUES (5, 4), (6, 5), (6, 6)) AS v(a, p) WHERE v.a = comments.author AND v.p = comments.post;
DELETE FROM log l USING posts p WHERE p.author = l.author;
SELECT author, count(*) AS n, sum(id) AS ids FROM posts GROUP BY author ORDER BY author;
SELECT author, post, no FROM comments ORDER BY author, post, no;
SELECT post, label FROM labels ORDER BY post, label;
SELECT id, author FROM log ORDER BY id;

-- Subqueries.
DELETE FROM comments c WHERE NOT EXISTS (SELECT 1 FROM posts p WHERE p.author = c.author AND p.id = c.post);
DELETE FROM posts p WHERE (SELECT count(*) FROM comments c WHERE c.author = p.author) = 0 RETURNING author, id;
DELETE FROM posts WHERE id = (SELECT max(id) FROM posts);
DELETE FROM labels WHERE post IN (SELECT id FROM posts) OR post > (SELECT avg(id) FROM posts);
DELETE FROM comments WHERE author IN (SELECT topic FROM topics WHERE topic > 4);
DELETE FROM log WHERE id NOT IN (SELECT post FROM labels);
SELECT author, id FROM posts ORDER BY author, id;
SELECT count(*) FROM comments;
SELECT post, label FROM labels ORDER BY post, label;
SELECT id FROM log ORDER BY id;

-- In vain.
DELETE FROM posts WHERE nothing = 1;
DELETE FROM nowhere;
DELETE FROM posts WHERE author = 'x';
DELETE FROM posts WHERE 1 / (author - author) = 1;
DELETE FROM posts WHERE count(*) > 1;

-- Everything.
DELETE FROM posts WHERE true;
DELETE FROM posts;
DELETE FROM labels RETURNING 1 AS one;
SELECT count(*) FROM posts;

-- TRUNCATE.
TRUNCATE posts;
INSERT INTO posts (author, id) SELECT n, n FROM generate_series(1, 20) AS n;
INSERT INTO comments SELECT n, n, 9 FROM generate_series(1, 20) AS n;
TRUNCATE TABLE posts;
SELECT count(*) FROM posts;
SELECT count(*) AS n FROM comments WHERE no = 9;
INSERT INTO posts (author, id) VALUES (1, 1), (2, 2), (3, 3);
TRUNCATE posts, comments, labels;
SELECT (SELECT count(*) FROM posts) AS posts, (SELECT count(*) FROM comments) AS comments;
BEGIN;
INSERT INTO posts (author, id) VALUES (1, 1), (2, 2), (3, 3);
TRUNCATE topics, log;
SELECT count(*) FROM topics;
TRUNCATE posts;
SELECT count(*) FROM posts;
ROLLBACK;
SELECT count(*) FROM topics;
SELECT count(*) FROM log;
TRUNCATE log RESTART IDENTITY;
TRUNCATE ONLY topics CONTINUE IDENTITY CASCADE;
TRUNCATE nowhere;
SELECT count(*) FROM log;

-- With foreign keys.
CREATE TABLE parents (id int PRIMARY KEY, code int REFERENCES topics);
CREATE TABLE children (id int NOT NULL, parent int REFERENCES parents (id));
INSERT INTO topics VALUES (1, 'one'), (2, 'two');
INSERT INTO parents VALUES (1, 1), (2, 2), (3, NULL);
INSERT INTO children VALUES (1, 1), (2, 1), (3, NULL);
TRUNCATE parents;
TRUNCATE topics;
TRUNCATE parents CASCADE;
SELECT (SELECT count(*) FROM parents) AS parents, (SELECT count(*) FROM children) AS children;
