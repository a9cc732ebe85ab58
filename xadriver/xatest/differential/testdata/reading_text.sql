-- shard: key.words=w
-- shard: key.docs=grp
-- Text: linguistic order, order by bytes, cases, accents, blanks, punctuation, patterns.
CREATE TABLE words (w text PRIMARY KEY, n int, other varchar(20), c text COLLATE "C", fixed char(6));
CREATE TABLE docs (grp int NOT NULL, id int NOT NULL, body text, lang text, PRIMARY KEY (grp, id));
INSERT INTO words VALUES
  ('apple', 1, 'x', 'apple', 'apple'), ('Apple', 2, 'X', 'Apple', 'Apple'), ('APPLE', 3, 'x ', 'APPLE', 'APPLE'), ('äpple', 4, 'y', 'äpple', 'a'), ('Äpple', 5, NULL, 'Äpple', 'a'),
  ('apple pie', 6, 'y', 'b', 'a b'), ('apple-pie', 7, 'Y', 'B', 'a-b'), ('applepie', 8, 'ÿ', NULL, 'ab'), ('apple_pie', 9, 'z', '', 'a_b'), ('applet', 10, 'Z', ' ', ''),
  ('', 11, '', '!', ''), (' ', 12, ' ', '~', ' '), ('!', 13, '!!', '0', NULL), ('10', 14, '9', '9', '10'), ('9', 15, '10', '10', '9'), ('_x', 16, 'x', 'é', 'é'),
  ('e', 17, 'x', 'e', 'e'), ('é', 18, 'x', 'z', 'é'), ('è', 19, 'X', 'Z', 'è'), ('f', 20, 'x', 'ß', 'f'), ('E', 21, 'y', 'ss', 'E'),
  ('straße', 22, 'x', 'a', 's'), ('strasse', 23, 'x', 'A', 's'), ('ñ', 24, 'n', 'ñ', 'n'), ('n', 25, 'N', 'n', 'n'), ('日本', 26, 'j', '日本', 'j'), ('æ', 27, 'ae', 'æ', 'ae'), ('it''s', 28, 'q', 'q', 'q'), ('back\slash', 29, '%', '%', '%');
INSERT INTO docs VALUES (1, 1, 'The Cat', 'en'), (1, 2, 'the cat', 'EN'), (1, 3, NULL, NULL), (2, 1, 'Le chât', 'fr'), (2, 2, 'le chat', 'Fr'), (3, 1, 'die Katze', 'de'), (3, 2, 'Die Katze', 'de'), (9, 1, E'two\nlines', 'en'), (9, 2, '100%', ''), (9, 3, 'a_b', ' ');

SELECT w FROM words ORDER BY w;
SELECT w FROM words ORDER BY w DESC;
SELECT w FROM words ORDER BY w COLLATE "C";
SELECT w FROM words ORDER BY w COLLATE "POSIX" DESC;
SELECT w FROM words ORDER BY w COLLATE "en-x-icu";
SELECT w FROM words ORDER BY w COLLATE "sv-x-icu";
SELECT w FROM words ORDER BY lower(w), w;
SELECT w FROM words ORDER BY upper(w COLLATE "C"), w;
SELECT w FROM words ORDER BY length(w), w;
SELECT w FROM words ORDER BY octet_length(w) DESC, w;
SELECT w FROM words ORDER BY reverse(w), w;
SELECT c FROM words ORDER BY c;
SELECT c FROM words ORDER BY c DESC NULLS LAST;
SELECT c FROM words ORDER BY c COLLATE "en-x-icu" NULLS FIRST;
SELECT other, w FROM words ORDER BY other, w;
SELECT other, w FROM words ORDER BY other COLLATE "C" DESC NULLS LAST, w COLLATE "C";
SELECT fixed, w FROM words ORDER BY fixed, w;
SELECT fixed, w FROM words ORDER BY fixed COLLATE "C", w COLLATE "C";
SELECT w || c FROM words ORDER BY w || 'x', w;
SELECT w FROM words ORDER BY w LIMIT 10;
SELECT w FROM words ORDER BY w DESC LIMIT 10 OFFSET 5;
SELECT w FROM words ORDER BY w COLLATE "C" LIMIT 8;
SELECT w FROM words ORDER BY w COLLATE "C" DESC FETCH FIRST 3 ROWS WITH TIES;
SELECT body FROM docs ORDER BY body;
SELECT body, lang FROM docs ORDER BY lang DESC, body DESC;
SELECT body FROM docs ORDER BY substr(body, 5), body, grp, id;

SELECT min(w), max(w), min(c), max(c) FROM words;
SELECT min(w COLLATE "C"), max(w COLLATE "C") FROM words;
SELECT min(other), max(other), min(fixed), max(fixed) FROM words;
SELECT min(lower(w)), max(upper(c)), min(w || '!') FROM words WHERE w <> '';
SELECT min(body), max(body), min(lang), max(lang) FROM docs;
SELECT DISTINCT lower(w) FROM words ORDER BY lower(w);
SELECT DISTINCT lower(other) FROM words ORDER BY 1;
SELECT DISTINCT lang FROM docs ORDER BY lang;
SELECT DISTINCT lang COLLATE "C" FROM docs ORDER BY lang COLLATE "C";
SELECT DISTINCT fixed FROM words ORDER BY fixed;
SELECT other, count(*) FROM words GROUP BY other ORDER BY other;
SELECT other, count(*) FROM words GROUP BY other ORDER BY count(*) DESC, other COLLATE "C";
SELECT lower(lang) AS l, count(*), min(body), max(body) FROM docs GROUP BY l ORDER BY l;
SELECT initcap(lang), string_agg(body, '|' ORDER BY body, id) FROM docs GROUP BY 1 ORDER BY 1;
SELECT fixed, count(*), min(w) FROM words GROUP BY fixed ORDER BY fixed;
SELECT left(w, 1) AS initial, count(*) FROM words GROUP BY initial ORDER BY initial;
SELECT left(w, 1) COLLATE "C" AS initial, count(*) FROM words GROUP BY 1 ORDER BY 1 DESC;
SELECT array_agg(w ORDER BY w) FROM words WHERE w LIKE 'a%';
SELECT string_agg(w, ',' ORDER BY w COLLATE "C") FROM words WHERE n < 12;
SELECT max(w) FILTER (WHERE w < 'b'), min(w) FILTER (WHERE w > 'e') FROM words;
SELECT sum(length(w)), sum(octet_length(w)), max(char_length(fixed)) FROM words;

SELECT w FROM words WHERE w = 'Apple';
SELECT w FROM words WHERE w IN ('apple', 'é', 'none') ORDER BY w;
-- args: 'äpple'
SELECT w, n FROM words WHERE w = $1;
-- args: '{apple,Äpple,""}'
SELECT w, n FROM words WHERE w = ANY ($1::text[]) ORDER BY w;
-- args: 'it''s'
SELECT n FROM words WHERE w = $1;
SELECT n FROM words WHERE w = E'back\\slash';
SELECT n FROM words WHERE w = 'back\slash';
SELECT n FROM words WHERE w = $$it's$$;
SELECT n FROM words WHERE w = U&'\00e9';
SELECT n FROM words WHERE w = 'apple ' ORDER BY n;
SELECT w FROM words WHERE fixed = 'a' ORDER BY w;
SELECT w FROM words WHERE fixed = 'a     ' ORDER BY w;
SELECT w FROM words WHERE w > 'apple' AND w < 'b' ORDER BY w;
SELECT w FROM words WHERE w COLLATE "C" > 'apple' ORDER BY w COLLATE "C";
SELECT w FROM words WHERE w BETWEEN 'E' AND 'é' ORDER BY w;
SELECT w FROM words WHERE w LIKE '%pp%' ORDER BY n;
SELECT w FROM words WHERE w ILIKE 'ÄPP%' ORDER BY n;
SELECT w FROM words WHERE w ~ '^[a-z]+$' ORDER BY n;
SELECT w FROM words WHERE w SIMILAR TO '(a|e)%' ORDER BY n;
SELECT body FROM docs WHERE body LIKE '%\%%' OR body LIKE 'a\_%' ORDER BY body;
SELECT grp, id FROM docs WHERE body LIKE E'%\n%';
-- args: '%a%'
SELECT grp, id FROM docs WHERE body LIKE $1 ORDER BY grp, id;
SELECT w, w < 'B', w COLLATE "C" < 'B' FROM words ORDER BY n;
SELECT greatest(w, 'apple'), least(w, c) FROM words WHERE n IN (1, 2, 4) ORDER BY n;
SELECT count(*) FROM words WHERE w < 'a';
SELECT count(*) FROM words WHERE w COLLATE "C" < 'a';
SELECT upper(w), initcap(w), md5(w) FROM words ORDER BY n;
SELECT w::char(3), w::varchar(2), fixed || '|', other::text FROM words ORDER BY n;

SELECT w FROM words ORDER BY w COLLATE "xx";
SELECT w FROM words WHERE w COLLATE "C" > c COLLATE "en-x-icu";
SELECT w || c AS wc FROM words ORDER BY wc;
SELECT max(w || c) FROM words;
SELECT w FROM words WHERE w > c ORDER BY n;
SELECT chr(n - 25) FROM words ORDER BY n;
SELECT repeat(w, 1000000000) FROM words;
SELECT sum(w::int) FROM words;
SELECT w::varchar(2)::int FROM words WHERE n IN (14, 15) ORDER BY w;
SELECT w FROM words WHERE w ~ '(';
SELECT convert_from('\xff', 'UTF8') FROM words;
SELECT count(*) FROM docs WHERE body LIKE 'x\';
