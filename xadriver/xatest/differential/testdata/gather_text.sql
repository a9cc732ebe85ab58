-- shard: key.words=w
-- shard: key.authors=id
-- shard: key.lines=author
-- shard: reference=spelling
-- Text under several collations: the default, "C", ICU ones of columns and of expressions, in orders, groups, joins and aggregates.
CREATE TABLE words (w text NOT NULL, lang text, de text COLLATE "de-x-icu", c text COLLATE "C", sv varchar(20) COLLATE "sv-x-icu");
CREATE TABLE authors (id int PRIMARY KEY, name text COLLATE "de-x-icu", nick name);
CREATE TABLE lines (author int NOT NULL, body text, posix text COLLATE "POSIX");
CREATE TABLE spelling (bad text COLLATE "C", good text);
INSERT INTO words VALUES ('Apfel', 'de', 'Apfel', 'Apfel', 'Apfel'), ('apfel', 'de', 'apfel', 'apfel', 'apfel'), ('Äpfel', 'de', 'Äpfel', 'Äpfel', 'Äpfel'), ('zebra', 'en', 'zebra', 'zebra', 'zebra'), ('Zebra', 'en', 'Zebra', 'Zebra', 'Zebra'),
  ('ärger', 'de', 'ärger', 'ärger', 'ärger'), ('Straße', 'de', 'Straße', 'Straße', 'Straße'), ('Strasse', 'de', 'Strasse', 'Strasse', 'Strasse'), ('öl', 'sv', 'öl', 'öl', 'öl'), ('å', 'sv', 'å', 'å', 'å'), ('ost', 'sv', 'ost', 'ost', 'ost'),
  ('a b', NULL, 'a b', 'a b', 'a b'), ('ab', NULL, 'ab', 'ab', 'ab'), ('a-b', 'x', 'a-b', 'a-b', 'a-b'), ('a_b', 'x', NULL, NULL, NULL), ('', 'x', '', '', ''), ('10', 'n', '10', '10', '10'), ('9', 'n', '9', '9', '9'), ('é', 'fr', 'é', 'é', 'é'), ('É', 'fr', 'É', 'É', 'É'), ('eclair', 'fr', 'eclair', 'eclair', 'eclair'), ('%', 'x', '%', '%', '%'), ('привет', 'ru', 'привет', 'привет', 'привет');
INSERT INTO authors VALUES (1, 'Äpfel', 'aa'), (2, 'zebra', 'Aa'), (3, 'Apfel', NULL), (4, 'ost', 'b'), (5, 'Apfel', '_x'), (6, NULL, 'a'), (7, 'Öl', 'aa');
INSERT INTO lines VALUES (1, 'The Cat', 'b'), (1, 'the cat', 'B'), (1, 'THE CAT', 'a'), (2, NULL, 'A'), (3, E'tab\there', NULL), (3, E'line\nbreak', '_'), (5, 'x''y"z\', '~'), (9, 'é', 'é');
INSERT INTO spelling VALUES ('ost', 'Ost'), ('apfel', 'Apfel'), ('Straße', 'Strasse'), ('zz', NULL);

-- orders
SELECT w FROM words ORDER BY w;
SELECT w FROM words ORDER BY w DESC;
SELECT w FROM words ORDER BY w COLLATE "C";
SELECT de FROM words ORDER BY de;
SELECT c FROM words ORDER BY c DESC;
SELECT sv FROM words ORDER BY sv NULLS FIRST;
SELECT w FROM words ORDER BY w COLLATE "sv-x-icu", w;
SELECT w FROM words ORDER BY c COLLATE "fr-x-icu" DESC, w;
SELECT w FROM words ORDER BY lower(w), w COLLATE "C";
SELECT w FROM words ORDER BY length(w) DESC, w LIMIT 6;
SELECT lang, w FROM words ORDER BY lang COLLATE "C" NULLS FIRST, de DESC NULLS LAST OFFSET 5 LIMIT 8;
SELECT w || '!' AS loud FROM words WHERE lang = 'de' ORDER BY loud;
SELECT w || '!' AS loud FROM words WHERE lang = 'de' ORDER BY (w || '!') COLLATE "C";
SELECT id, nick FROM authors ORDER BY nick, id;
SELECT author, posix FROM lines ORDER BY posix, author;
SELECT DISTINCT lang FROM words ORDER BY lang;
SELECT DISTINCT ON (lang) lang, w FROM words ORDER BY lang, w COLLATE "C" DESC;
SELECT w FROM words ORDER BY reverse(w) COLLATE "de-x-icu", w;

-- minimum, maximum, groups
SELECT min(w), max(w), min(c), max(c), min(sv), max(sv), min(de), max(de) FROM words;
SELECT min(w COLLATE "C"), max(w COLLATE "C"), max(w COLLATE "sv-x-icu") FROM words;
SELECT lang, min(w), max(w), min(c) FROM words GROUP BY lang ORDER BY lang;
SELECT upper(left(w, 1)) AS i, count(*) FROM words GROUP BY upper(left(w, 1)) ORDER BY i;
SELECT lower(w) AS l, count(*) FROM words GROUP BY 1 HAVING count(*) > 1 ORDER BY 1;
SELECT string_agg(w, ' ' ORDER BY w) AS by_default, string_agg(w, ' ' ORDER BY w COLLATE "C") AS by_c FROM words WHERE lang IN ('de', 'sv');
SELECT array_agg(w ORDER BY sv DESC) FROM words WHERE lang = 'sv';
SELECT name, count(*) FROM authors GROUP BY name ORDER BY name;
SELECT count(DISTINCT lower(body)), count(DISTINCT body) FROM lines;
SELECT lang, mode() WITHIN GROUP (ORDER BY lower(w)) FROM words WHERE lang IN ('fr', 'en') GROUP BY lang ORDER BY lang;
SELECT greatest(min(w), 'b') AS g, least(max(w), 'b') AS l FROM words;

-- comparing and joining
SELECT w FROM words WHERE w > 'b' AND w < 'p' ORDER BY w;
SELECT w FROM words WHERE w > 'b' COLLATE "C" AND w < 'p' COLLATE "C" ORDER BY w;
SELECT w FROM words WHERE c BETWEEN 'A' AND 'a' ORDER BY c;
SELECT a.w, b.w FROM words a JOIN words b ON lower(a.w) = lower(b.w) AND a.w < b.w ORDER BY 1;
SELECT a.w, b.w FROM words a JOIN words b ON a.c < b.c AND a.w > b.w WHERE a.lang = 'de' AND b.lang = 'de' ORDER BY 1, 2;
SELECT s.good, w.w FROM spelling s JOIN words w ON w.c = s.bad ORDER BY 1;
SELECT s.bad, w.lang FROM spelling s LEFT JOIN words w ON w.w = s.good ORDER BY s.bad, w.lang;
SELECT a.id, w.lang FROM authors a JOIN words w ON w.de = a.name ORDER BY 1;
SELECT a.id, w.lang FROM authors a JOIN words w ON w.w = a.name COLLATE "C" ORDER BY 1;
SELECT w FROM words WHERE w LIKE '_pfel' OR w ILIKE 'z%' ORDER BY w;
SELECT w FROM words WHERE w ~* '^[aä]' ORDER BY w;
SELECT w FROM words WHERE w SIMILAR TO '%(ss|ß)e' ORDER BY w;
SELECT w FROM words WHERE w LIKE '%\%%' OR w LIKE 'a#_b' ESCAPE '#' ORDER BY w;
SELECT de FROM words INTERSECT SELECT name FROM authors ORDER BY 1;
SELECT w FROM words WHERE lang = 'sv' UNION SELECT nick::text FROM authors ORDER BY w;
SELECT w, rank() OVER (ORDER BY w) AS r, rank() OVER (ORDER BY c) AS rc FROM words WHERE lang IN ('de', 'fr') ORDER BY r;
SELECT w, lag(w) OVER (PARTITION BY lang ORDER BY de) AS prev FROM words ORDER BY lang, de, w;
SELECT author, body, posix FROM lines ORDER BY author, body;
SELECT w, upper(w) AS u, initcap(w) AS i, lower(w COLLATE "C") AS l FROM words WHERE lang IN ('de', 'fr', 'ru') ORDER BY w;
-- args: 'apfel' | 'p'
SELECT w FROM words WHERE w >= $1 AND w < $2 ORDER BY w DESC;
-- args: 'Äpfel'
SELECT (SELECT count(*) FROM words WHERE w = $1), (SELECT count(*) FROM authors WHERE name = $1), length($1);

-- errors
SELECT de FROM words WHERE de < sv;
SELECT de || sv AS x FROM words ORDER BY x;
SELECT w FROM words ORDER BY w COLLATE "xx-nowhere";
SELECT id FROM authors ORDER BY id COLLATE "C";
SELECT a.name FROM authors a JOIN words w ON a.name > w.c;
SELECT max(de || c) FROM words;
SELECT w::int FROM words WHERE lang = 'n' OR lang = 'fr';
SELECT w FROM words WHERE w ~ '(';
SELECT w FROM words WHERE w LIKE 'a\';
SELECT substring(w, 1, length(w) - 3) FROM words;
SELECT chr(length(w) - 30000) FROM words;
