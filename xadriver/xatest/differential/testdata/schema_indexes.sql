-- shard: key.books=author
-- shard: key.loans=author
-- shard: key.readers=reader
-- shard: key.shelves=author
-- shard: reference=genres
-- Indexes, types, comments and rights.

CREATE TYPE state AS ENUM ('new', 'used');
CREATE TYPE size AS (width int, height numeric(5,1));
CREATE DOMAIN isbn AS text CHECK (VALUE ~ '^[0-9-]+$');
CREATE TABLE genres (genre text PRIMARY KEY, about text);
CREATE TABLE books (author int NOT NULL, title text NOT NULL, isbn isbn, state state DEFAULT 'new', format size, pages int, words tsvector);
CREATE TABLE loans (author int NOT NULL, title text NOT NULL, reader int, since date, back date);
CREATE TABLE readers (reader int PRIMARY KEY, mail text, tags text[]);
INSERT INTO genres VALUES ('novel', 'long'), ('poem', 'short');
INSERT INTO books (author, title, pages) SELECT 1 + n % 4, 'title ' || n, n * 10 FROM generate_series(1, 16) AS n;
INSERT INTO loans (author, title, reader, since) SELECT author, title, pages / 20, DATE '2024-01-01' + pages FROM books WHERE pages > 50;
INSERT INTO readers VALUES (1, 'a@x', '{a,b}'), (2, 'A@x', '{}'), (3, NULL, NULL), (4, 'c@x', '{b}');

-- Indexes that change nothing but speed.
CREATE INDEX books_pages ON books (pages);
CREATE INDEX books_pages ON books (title);
CREATE INDEX IF NOT EXISTS books_pages ON books (title);
CREATE INDEX ON books (lower(title) text_pattern_ops, pages DESC NULLS LAST) INCLUDE (isbn);
CREATE INDEX books_long ON books USING btree (title) WHERE pages > 100;
CREATE INDEX books_words ON books USING gin (words);
CREATE INDEX readers_tags ON readers USING gin (tags);
CREATE INDEX genres_about ON genres USING hash (about);
CREATE INDEX wrong ON books (nothing);
CREATE INDEX wrong ON nowhere (a);
CREATE INDEX wrong ON books USING nomethod (pages);
CREATE INDEX wrong ON books (random());
CREATE INDEX CONCURRENTLY loans_reader ON loans (reader);
CREATE INDEX CONCURRENTLY IF NOT EXISTS loans_reader ON loans (reader);
CREATE INDEX CONCURRENTLY loans_reader ON loans (reader);
UPDATE books SET words = to_tsvector('simple', title) WHERE pages > 100;
SELECT author, title FROM books WHERE words @@ 'title' AND pages < 150 ORDER BY author, title COLLATE "C";
SELECT author, title FROM books WHERE lower(title) LIKE 'title 1%' ORDER BY author, title COLLATE "C";
SELECT reader FROM readers WHERE tags @> '{b}' ORDER BY reader;

-- Unique indexes with the key.
CREATE UNIQUE INDEX books_once ON books (author, title);
INSERT INTO books (author, title) VALUES (1, 'title 4');
INSERT INTO books (author, title) VALUES (2, 'title 4'), (4, 'title 4');
CREATE UNIQUE INDEX books_twice ON books (author, state);
CREATE UNIQUE INDEX loans_open ON loans (author, title) WHERE back IS NULL;
INSERT INTO loans (author, title, reader) VALUES (3, 'title 10', 9);
UPDATE loans SET back = '2024-12-31' WHERE author = 3 AND title = 'title 10';
INSERT INTO loans (author, title, reader) VALUES (3, 'title 10', 9);
INSERT INTO loans (author, title, back) VALUES (3, 'title 10', '2024-12-31');
CREATE UNIQUE INDEX books_folded ON books (author, lower(title));
INSERT INTO books (author, title) VALUES (2, 'TITLE 4');
UPDATE books SET title = upper(title) WHERE author = 2;
CREATE UNIQUE INDEX CONCURRENTLY readers_mail ON readers (reader, lower(mail));
CREATE UNIQUE INDEX genres_one ON genres (about);
INSERT INTO genres VALUES ('saga', 'long');
ALTER TABLE books ADD CONSTRAINT books_isbn UNIQUE (isbn, author);
UPDATE books SET isbn = '978-' || pages WHERE pages IS NOT NULL;
UPDATE books SET isbn = '1' WHERE author = 1;
UPDATE books SET isbn = 'x' WHERE author = 1 AND pages = 40;
CREATE UNIQUE INDEX books_nulls ON books (author, state, pages) NULLS NOT DISTINCT;
INSERT INTO books (author, title) VALUES (2, 'without pages');
-- expect: refused
CREATE UNIQUE INDEX books_title ON books (title);
-- expect: refused
CREATE UNIQUE INDEX readers_mail_only ON readers (lower(mail));
-- expect: refused
ALTER TABLE books ADD CONSTRAINT books_title UNIQUE (title);
-- expect: refused
CREATE TABLE shelves (author int PRIMARY KEY, place text UNIQUE);
SELECT author, title, isbn FROM books ORDER BY author, title COLLATE "C";
SELECT author, title, reader, back FROM loans WHERE author = 3 ORDER BY title COLLATE "C", back NULLS FIRST;

-- They change and go.
ALTER INDEX books_pages RENAME TO books_by_pages;
ALTER INDEX books_pages RENAME TO books_by_pages;
ALTER INDEX IF EXISTS books_pages RENAME TO books_by_pages;
REINDEX INDEX books_by_pages;
DROP INDEX books_once;
INSERT INTO books (author, title) VALUES (2, 'title 4');
DROP INDEX books_folded;
INSERT INTO books (author, title, pages) VALUES (3, 'title 6', 0), (3, 'Title 6', 1), (7, 'seven', 2);
DROP INDEX books_once;
DROP INDEX IF EXISTS books_once, books_long;
DROP INDEX books_isbn;
DROP INDEX CONCURRENTLY loans_reader;
DROP TABLE books_by_pages;
SELECT author, count(*) AS n, count(DISTINCT title) AS titles FROM books GROUP BY author ORDER BY author;

-- Enums, composite types and domains change.
INSERT INTO books (author, title, state) VALUES (5, 'five', 'lost');
ALTER TYPE state ADD VALUE 'lost';
ALTER TYPE state ADD VALUE 'good' BEFORE 'used';
ALTER TYPE state ADD VALUE 'lost';
ALTER TYPE state ADD VALUE IF NOT EXISTS 'lost';
ALTER TYPE state RENAME VALUE 'used' TO 'worn';
INSERT INTO books (author, title, state) VALUES (5, 'five', 'lost'), (6, 'six', 'good'), (1, 'one', 'worn');
UPDATE books SET state = 'used' WHERE author = 1;
SELECT author, title, state::text AS state FROM books WHERE state > 'new' ORDER BY books.state, author;
UPDATE books SET format = ROW(12, 20.25) WHERE author = 1;
UPDATE books SET format.width = 15 WHERE author IN (1, 6) RETURNING author, (format).width, (format).height;
ALTER TYPE size ADD ATTRIBUTE depth int;
SELECT title, (format).depth AS depth FROM books WHERE (format).height > 20 ORDER BY title COLLATE "C";
ALTER DOMAIN isbn ADD CONSTRAINT long CHECK (length(VALUE) > 5);
ALTER DOMAIN isbn ADD CONSTRAINT short CHECK (length(VALUE) < 20);
UPDATE books SET isbn = '123456789012345678901' WHERE author = 6;
ALTER DOMAIN isbn DROP CONSTRAINT short;
UPDATE books SET isbn = '123456789012345678901' WHERE author = 6;
DROP TYPE state;
DROP DOMAIN isbn;
DROP TYPE IF EXISTS nothing;
CREATE TYPE state AS ENUM ('again');
DROP TYPE size CASCADE;
SELECT format FROM books;
SELECT author, isbn FROM books WHERE author IN (5, 6) ORDER BY author;

-- Comments and rights.
COMMENT ON TABLE books IS 'what was written';
COMMENT ON COLUMN books.pages IS 'how long';
COMMENT ON COLUMN books.nothing IS 'not there';
COMMENT ON INDEX books_by_pages IS NULL;
SELECT obj_description('books'::regclass, 'pg_class') AS comment;
GRANT SELECT, INSERT ON books TO PUBLIC;
GRANT SELECT (title) ON loans TO PUBLIC;
GRANT SELECT ON nowhere TO PUBLIC;
GRANT SELECT ON books TO nobody_of_this_name;
REVOKE INSERT ON books FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO PUBLIC;
SELECT has_table_privilege('books', 'SELECT') AS may;
ANALYZE books;
VACUUM books;
ALTER TABLE books SET (fillfactor = 80);
ALTER TABLE books ALTER COLUMN title SET STATISTICS 50, ALTER COLUMN title SET STORAGE MAIN;
ALTER TABLE books OWNER TO CURRENT_USER;
SELECT count(*) AS n, sum(pages) AS pages FROM books;
