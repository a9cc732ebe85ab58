-- shard: key.books=author
-- shard: key.sales=author
-- shard: reference=genres
-- DECLARE, FETCH, MOVE and CLOSE.

CREATE TABLE genres (genre text PRIMARY KEY, about text);
CREATE TABLE books (author int NOT NULL, id int NOT NULL, title text, genre text, PRIMARY KEY (author, id));
CREATE TABLE sales (author int NOT NULL, book int NOT NULL, copies int);
INSERT INTO genres VALUES ('novel', 'long'), ('poem', 'short'), ('play', 'loud');
INSERT INTO books SELECT 1 + n % 3, n, 'book ' || n, (ARRAY['novel', 'poem', NULL])[1 + n % 3] FROM generate_series(1, 30) AS n;
INSERT INTO sales SELECT author, id, id * 10 FROM books WHERE id % 2 = 0;

-- One author's books.
BEGIN;
DECLARE one CURSOR FOR SELECT id, title FROM books WHERE author = 1 ORDER BY id;
FETCH one;
FETCH NEXT FROM one;
FETCH 3 FROM one;
FETCH FORWARD 2 IN one;
MOVE 1 FROM one;
FETCH ALL FROM one;
FETCH one;
CLOSE one;
FETCH one;
ROLLBACK;
BEGIN;
DECLARE back SCROLL CURSOR FOR SELECT id FROM books WHERE author = 2 ORDER BY id;
FETCH LAST FROM back;
FETCH PRIOR FROM back;
FETCH FIRST FROM back;
FETCH ABSOLUTE 4 FROM back;
FETCH RELATIVE -2 FROM back;
FETCH BACKWARD 5 FROM back;
FETCH RELATIVE 0 FROM back;
MOVE FORWARD ALL IN back;
FETCH BACKWARD 2 FROM back;
FETCH ABSOLUTE -1 FROM back;
FETCH ABSOLUTE 0 FROM back;
FETCH 0 FROM back;
COMMIT;
FETCH FIRST FROM back;
BEGIN;
DECLARE forward NO SCROLL CURSOR FOR SELECT id FROM books WHERE author = 3 ORDER BY id;
FETCH 2 FROM forward;
FETCH BACKWARD 1 FROM forward;
ROLLBACK;

-- With joins and aggregates, of one author and of a reference table.
BEGIN;
DECLARE joined CURSOR FOR SELECT b.title, s.copies, g.about FROM books b JOIN sales s ON s.author = b.author AND s.book = b.id LEFT JOIN genres g USING (genre) WHERE b.author = 1 ORDER BY b.id;
FETCH 2 FROM joined;
DECLARE grouped CURSOR FOR SELECT genre, count(*) AS n FROM books WHERE author = 2 GROUP BY genre ORDER BY genre;
FETCH ALL FROM grouped;
FETCH 2 FROM joined;
DECLARE kinds CURSOR FOR SELECT genre FROM genres ORDER BY genre;
FETCH 2 FROM kinds;
MOVE 5 FROM kinds;
CLOSE ALL;
FETCH 1 FROM kinds;
COMMIT;

-- Two at a time, and writes in between.
BEGIN;
DECLARE first_author CURSOR FOR SELECT id FROM books WHERE author = 1 ORDER BY id;
DECLARE third_author CURSOR FOR SELECT id FROM books WHERE author = 3 ORDER BY id DESC;
FETCH 1 FROM first_author;
FETCH 1 FROM third_author;
DELETE FROM books WHERE id > 20;
UPDATE books SET title = 'new' WHERE author = 1 AND id = 3;
FETCH ALL FROM first_author;
FETCH 2 FROM third_author;
SELECT count(*) AS n FROM books;
SAVEPOINT here;
DECLARE inside CURSOR FOR SELECT title FROM books WHERE author = 1 ORDER BY id LIMIT 1;
FETCH inside;
ROLLBACK TO here;
FETCH inside;
ROLLBACK;
BEGIN;
DECLARE target CURSOR FOR SELECT id, title FROM books WHERE author = 2 ORDER BY id FOR UPDATE;
FETCH 2 FROM target;
UPDATE books SET title = 'current' WHERE CURRENT OF target;
FETCH target;
DELETE FROM books WHERE CURRENT OF target;
COMMIT;
SELECT id, title FROM books WHERE author = 2 ORDER BY id LIMIT 4;

-- Held over the end of the transaction.
DECLARE outside CURSOR FOR SELECT 1;
DECLARE held CURSOR WITH HOLD FOR SELECT id, title FROM books WHERE author = 3 ORDER BY id;
FETCH 2 FROM held;
UPDATE books SET title = 'unseen' WHERE author = 3;
FETCH 1 FROM held;
CLOSE held;
CLOSE held;

-- All authors' books.
BEGIN;
DECLARE everything CURSOR FOR SELECT author, id FROM books ORDER BY id;
FETCH 3 FROM everything;
MOVE 20 FROM everything;
FETCH 2 FROM everything;
COMMIT;
BEGIN;
DECLARE counted CURSOR FOR SELECT author, count(*) AS n FROM books GROUP BY author ORDER BY author;
FETCH ALL FROM counted;
COMMIT;

-- Wrong ones.
BEGIN;
DECLARE wrong CURSOR FOR SELECT nothing FROM books;
ROLLBACK;
BEGIN;
DECLARE wrong CURSOR FOR DELETE FROM books;
ROLLBACK;
BEGIN;
FETCH 1 FROM nosuchcursor;
ROLLBACK;
BEGIN;
DECLARE twice CURSOR FOR SELECT id FROM books WHERE author = 1 ORDER BY id;
DECLARE twice CURSOR FOR SELECT title FROM books WHERE author = 1;
ROLLBACK;
SELECT count(*) AS n, count(DISTINCT title) AS titles FROM books;
