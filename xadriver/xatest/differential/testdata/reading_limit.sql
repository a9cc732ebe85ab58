-- shard: key.items=shelf
-- shard: key.scores=game
-- shard: key.nothing=k
-- shard: reference=sizes
-- LIMIT, OFFSET, FETCH FIRST, WITH TIES.
CREATE TABLE items (shelf text NOT NULL, pos int NOT NULL, title text, price numeric(6,2), weight float8, PRIMARY KEY (shelf, pos));
CREATE TABLE scores (game bigint NOT NULL, player text NOT NULL, points int, PRIMARY KEY (game, player));
CREATE TABLE nothing (k uuid PRIMARY KEY, n int);
CREATE TABLE sizes (code text PRIMARY KEY, n int);
INSERT INTO items SELECT 'oak', i, 'book ' || (i % 7), (i % 5) * 1.25, i % 4 / 4.0 FROM generate_series(1, 25) i;
INSERT INTO items SELECT 'elm', i, 'film ' || (i % 3), NULLIF(i % 4, 0) * 0.50, NULL FROM generate_series(1, 9) i;
INSERT INTO items VALUES ('ash', 1, 'book 0', 2.50, 0.25), ('fir', 1, NULL, NULL, 0.5), ('fir', 2, 'Film 1', 0.00, 8), ('yew', 7, 'zine', 2.50, 0.5);
INSERT INTO scores VALUES (1, 'ann', 10), (1, 'bob', 10), (1, 'cal', 7), (1, 'dee', NULL), (2, 'ann', 10), (2, 'eve', 3), (3, 'ann', 7), (3, 'bob', 7), (3, 'cal', 7), (7, 'zed', NULL), (8, 'zed', 1), (9, 'ann', -4);
INSERT INTO sizes VALUES ('few', 3), ('none', 0), ('null', NULL);

SELECT shelf, pos FROM items ORDER BY shelf, pos LIMIT 5;
SELECT shelf, pos FROM items ORDER BY shelf DESC, pos DESC LIMIT 5;
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT 8;
SELECT shelf, pos FROM items ORDER BY pos DESC, shelf LIMIT 1;
SELECT shelf, pos, price FROM items ORDER BY price, shelf, pos LIMIT 10;
SELECT shelf, pos, price FROM items ORDER BY price DESC, shelf, pos LIMIT 6;
SELECT shelf, pos, price FROM items ORDER BY price NULLS FIRST, shelf, pos LIMIT 6;
SELECT title FROM items ORDER BY title, shelf, pos LIMIT 12;
SELECT title FROM items ORDER BY weight DESC NULLS LAST, shelf COLLATE "C", pos LIMIT 7;
SELECT shelf, pos FROM items ORDER BY shelf, pos LIMIT 0;
SELECT shelf, pos FROM items LIMIT 0;
SELECT shelf, pos FROM items ORDER BY shelf, pos LIMIT 1000;
SELECT shelf, pos FROM items ORDER BY shelf, pos LIMIT ALL;
SELECT shelf, pos FROM items ORDER BY shelf, pos LIMIT NULL;
SELECT shelf, pos FROM items ORDER BY shelf, pos LIMIT 9223372036854775807;
SELECT shelf, pos FROM items ORDER BY shelf, pos OFFSET 35;
SELECT shelf, pos FROM items ORDER BY shelf, pos OFFSET 0;
SELECT shelf, pos FROM items ORDER BY shelf, pos OFFSET NULL;
SELECT shelf, pos FROM items ORDER BY shelf, pos OFFSET 1000;
SELECT shelf, pos FROM items ORDER BY shelf, pos OFFSET 9223372036854775807;
SELECT shelf, pos FROM items ORDER BY shelf, pos LIMIT 9223372036854775807 OFFSET 9223372036854775807;
SELECT shelf, pos FROM items ORDER BY shelf, pos LIMIT 9223372036854775807 OFFSET 36;
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT 4 OFFSET 3;
SELECT shelf, pos FROM items ORDER BY pos, shelf OFFSET 3 LIMIT 4;
SELECT shelf, pos FROM items ORDER BY pos DESC, shelf DESC LIMIT 4 OFFSET 36;
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT 0 OFFSET 5;
SELECT shelf, pos FROM items ORDER BY pos, shelf OFFSET 5 ROWS;
SELECT shelf, pos FROM items ORDER BY pos, shelf OFFSET 5 ROWS FETCH NEXT 3 ROWS ONLY;
SELECT shelf, pos FROM items ORDER BY pos, shelf FETCH FIRST ROW ONLY;
SELECT shelf, pos FROM items ORDER BY pos, shelf FETCH FIRST 2 ROWS ONLY;
SELECT shelf, pos FROM items ORDER BY pos, shelf FETCH FIRST (1 + 1) ROWS ONLY;
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT 1 + 2 OFFSET 2 * 2;
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT 2.5;
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT '3';
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT (SELECT 2);
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT (SELECT n FROM sizes WHERE code = 'few');
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT (SELECT n FROM sizes WHERE code = 'none');
SELECT shelf, pos FROM items ORDER BY pos, shelf OFFSET (SELECT n FROM sizes WHERE code = 'null') LIMIT 5;
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT length('four');

-- parameters
-- args: 4
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT $1;
-- args: NULL
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT $1;
-- args: 0
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT $1;
-- args: 3 | 2
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT $1 OFFSET $2;
-- args: 2 | 3
SELECT shelf, pos FROM items ORDER BY pos, shelf OFFSET $1 LIMIT $2;
-- args: NULL | NULL
SELECT shelf, pos FROM items ORDER BY pos, shelf OFFSET $1 LIMIT $2;
-- args: 'book%' | 3
SELECT shelf, pos FROM items WHERE title LIKE $1 ORDER BY price, shelf, pos LIMIT $2;
-- args: 2 | 2
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT $1::int * $2::int;
-- args: 3
SELECT shelf, pos FROM items WHERE pos <= $1 ORDER BY pos, shelf LIMIT $1;
-- args: 9223372036854775807 | 1
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT $1 OFFSET $2;
-- args: 2
SELECT shelf, pos FROM items ORDER BY pos, shelf FETCH FIRST $1 ROWS ONLY;
-- args: -1
SELECT shelf, pos FROM items ORDER BY pos, shelf LIMIT $1;
-- args: -1
SELECT shelf, pos FROM items ORDER BY pos, shelf OFFSET $1;
-- args: 'oak' | 3
SELECT pos FROM items WHERE shelf = $1 ORDER BY pos DESC LIMIT $2;

-- one value, few values, none
SELECT pos FROM items WHERE shelf = 'elm' ORDER BY price, pos LIMIT 3 OFFSET 1;
SELECT shelf, pos FROM items WHERE shelf IN ('elm', 'yew', 'none') ORDER BY pos, shelf LIMIT 9;
SELECT shelf, pos FROM items WHERE shelf = 'none' ORDER BY pos LIMIT 3;
SELECT k, n FROM nothing ORDER BY k LIMIT 3;
SELECT n FROM nothing OFFSET 1;
SELECT count(*) FROM items LIMIT 1;
SELECT count(*) FROM items LIMIT 0;
SELECT count(*) FROM items OFFSET 1;
SELECT count(*) FROM nothing LIMIT 2;
SELECT max(price) FROM items ORDER BY 1 LIMIT 1;
SELECT shelf, count(*) FROM items GROUP BY shelf ORDER BY 2 DESC, 1 LIMIT 2;
SELECT shelf, count(*) FROM items GROUP BY shelf ORDER BY shelf OFFSET 3;
SELECT title, count(*) FROM items GROUP BY title ORDER BY count(*) DESC, title LIMIT 4;
SELECT title, sum(price) FROM items GROUP BY title ORDER BY sum(price) DESC NULLS LAST, title LIMIT 3 OFFSET 1;
SELECT DISTINCT title FROM items ORDER BY title LIMIT 5;
SELECT DISTINCT title FROM items ORDER BY title DESC OFFSET 8;
SELECT DISTINCT price FROM items ORDER BY price NULLS FIRST LIMIT 2;
SELECT 'same' FROM items LIMIT 3;
SELECT 1 AS one FROM items OFFSET 30;
SELECT price * 2 AS twice, pos FROM items ORDER BY twice DESC NULLS LAST, shelf, pos LIMIT 4;

-- with ties
SELECT points FROM scores ORDER BY points DESC NULLS LAST FETCH FIRST 1 ROW WITH TIES;
SELECT points FROM scores ORDER BY points DESC NULLS LAST FETCH FIRST 4 ROWS WITH TIES;
SELECT points FROM scores ORDER BY points FETCH FIRST 3 ROWS WITH TIES;
SELECT points FROM scores ORDER BY points NULLS FIRST FETCH FIRST ROW WITH TIES;
SELECT points FROM scores ORDER BY points NULLS FIRST OFFSET 1 FETCH NEXT 1 ROWS WITH TIES;
SELECT points FROM scores ORDER BY points NULLS FIRST OFFSET 2 ROWS FETCH NEXT 3 ROWS WITH TIES;
SELECT points FROM scores ORDER BY points DESC FETCH FIRST 0 ROWS WITH TIES;
SELECT points FROM scores ORDER BY points DESC FETCH FIRST 100 ROWS WITH TIES;
-- ties
SELECT game, player, points FROM scores ORDER BY points DESC NULLS LAST FETCH FIRST 2 ROWS WITH TIES;
-- ties
SELECT player, points FROM scores ORDER BY points FETCH FIRST 4 ROWS WITH TIES;
-- ties
SELECT game, player FROM scores ORDER BY player FETCH FIRST 2 ROWS WITH TIES;
-- ties
SELECT game, player FROM scores ORDER BY game FETCH FIRST 1 ROWS WITH TIES;
-- ties
SELECT player, count(*) FROM scores GROUP BY player ORDER BY count(*) DESC FETCH FIRST 2 ROWS WITH TIES;
-- args: 1
SELECT points FROM scores WHERE points IS NOT NULL ORDER BY points DESC FETCH FIRST $1 ROWS WITH TIES;
SELECT player FROM scores WHERE game = 1 ORDER BY points DESC NULLS LAST, player FETCH FIRST 1 ROW WITH TIES;

-- mistakes
SELECT shelf FROM items ORDER BY shelf LIMIT -1;
SELECT shelf FROM items ORDER BY shelf OFFSET -1;
SELECT shelf FROM items ORDER BY shelf LIMIT 'x';
SELECT shelf FROM items ORDER BY shelf LIMIT pos;
SELECT shelf FROM items ORDER BY shelf LIMIT count(*);
SELECT shelf FROM items ORDER BY shelf LIMIT 9223372036854775808;
SELECT shelf FROM items ORDER BY shelf LIMIT 1 / 0;
SELECT shelf FROM items ORDER BY shelf LIMIT 1 LIMIT 2;
SELECT shelf FROM items FETCH FIRST 1 ROW WITH TIES;
SELECT shelf FROM items ORDER BY shelf LIMIT (SELECT n FROM sizes);
SELECT shelf FROM items ORDER BY shelf LIMIT true;
-- args: 'many'
SELECT shelf FROM items ORDER BY shelf LIMIT $1;
