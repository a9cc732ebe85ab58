-- shard: key.things=id
-- shard: key.people=name
-- shard: key.parts=part
-- shard: key.amounts=amount
-- shard: key.moments=at
-- Values of many types are stored as one server stores them: domains, enums,
-- arrays, jsonb, ranges, rounding, lengths, generated and identity columns.

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN email AS text NOT NULL CHECK (VALUE LIKE '%@%');
CREATE TABLE things (
    id bigint PRIMARY KEY,
    price numeric(6,2), ratio real, big double precision, small smallint,
    word varchar(5), code char(4), flags boolean[], words text[], doc jsonb, raw bytea,
    feeling mood DEFAULT 'ok', share percent, span int4range, wait interval, bits bit(3),
    day date, hour time, moment timestamp(0), place point, host inet
);

-- Numbers.
INSERT INTO things (id, price) VALUES (1, 1.005), (2, 1.004999), (3, -1.005), (4, 9999.99), (5, 0), (6, NULL);
INSERT INTO things (id, price) VALUES (7, 9999.999);
INSERT INTO things (id, price) VALUES (7, 'NaN'), (8, '1e2'), (9, ' 3.14159 ');
INSERT INTO things (id, price) VALUES (10, 'Infinity');
INSERT INTO things (id, ratio, big, small) VALUES (11, 0.5, 1e300, 32767), (12, '-0', 'Infinity', -32768), (13, 1.25, 'NaN', 7.5), (14, 3, 2.5, 8.5);
INSERT INTO things (id, small) VALUES (15, 32768);
INSERT INTO things (id, big) VALUES (15, 1e400);
INSERT INTO things (id) VALUES (9223372036854775807), (-9223372036854775808);
INSERT INTO things (id) VALUES (9223372036854775808);
INSERT INTO things (id, small) VALUES (16.4, 2), (17.5, 2);
INSERT INTO things (id) VALUES ('21'), (' 19 ');
INSERT INTO things (id) VALUES ('20x');
SELECT id, price, ratio, big, small FROM things ORDER BY id;
UPDATE things SET price = price / 3 WHERE id <= 4;
UPDATE things SET price = price * 100 WHERE id = 4;
UPDATE things SET small = small + 1 WHERE id = 11;
SELECT id, price, price = 'NaN' AS nan FROM things WHERE price IS NOT NULL ORDER BY id;
SELECT count(*) FROM things;

-- Text of limited length.
INSERT INTO things (id, word, code) VALUES (30, 'abcde', 'ab'), (31, 'ab   ', 'abcd'), (32, '', ''), (33, 'äöüßé', 'ä  '), (34, 'ab       ', 'ab       ');
INSERT INTO things (id, word) VALUES (35, 'abcdef');
INSERT INTO things (id, code) VALUES (35, 'abcde');
INSERT INTO things (id, word) VALUES (35, 'abcdefgh'::varchar(5)), (36, 'short');
UPDATE things SET word = word || '!' WHERE id = 30;
UPDATE things SET word = left(word || '!', 5), code = upper(code) WHERE id BETWEEN 30 AND 36;
SELECT id, word, length(word) AS length, code, length(code) AS trimmed, octet_length(code) AS bytes, code = 'AB' AS ab FROM things WHERE id BETWEEN 30 AND 36 ORDER BY id;

-- Enums, domains, booleans.
INSERT INTO things (id, feeling, share) VALUES (40, 'happy', 100), (41, 'sad', 0), (42, NULL, NULL), (43, DEFAULT, 50);
INSERT INTO things (id, feeling) VALUES (44, 'angry');
INSERT INTO things (id, share) VALUES (44, 101);
INSERT INTO things (id, share) VALUES (44, 5), (45, -5);
-- args: 46 | 'happy' | 7
INSERT INTO things (id, feeling, share) VALUES ($1, $2, $3) RETURNING feeling::text AS feeling, share;
UPDATE things SET share = share + 60 WHERE id = 43;
UPDATE things SET feeling = 'ok' WHERE feeling = 'sad' RETURNING id, feeling::text AS feeling;
SELECT id, feeling::text AS mood, share FROM things WHERE feeling > 'sad' AND id BETWEEN 40 AND 46 ORDER BY feeling DESC, id;
SELECT feeling::text AS mood, count(*) AS n FROM things GROUP BY feeling ORDER BY things.feeling NULLS LAST;

-- Arrays, documents, bytes.
INSERT INTO things (id, flags, words, doc, raw) VALUES
    (50, '{t,f,NULL}', ARRAY['a', 'b c', NULL, ''], '{"b": 1, "a": [1, 2.50, null], "b": 2}', '\x00ff10'),
    (51, '{}', '{}', '"text"', ''), (52, ARRAY[true], ARRAY['x'] || 'y'::text, jsonb_build_object('k', 1 + 1), decode('YWJj', 'base64')), (53, NULL, NULL, 'null', NULL);
INSERT INTO things (id, words) VALUES (54, '{unclosed');
INSERT INTO things (id, doc) VALUES (54, '{"a": }');
INSERT INTO things (id, raw) VALUES (54, '\xz0');
-- args: 55 | '{"from": "a parameter"}' | '{one,two}'
INSERT INTO things (id, doc, words) VALUES ($1, $2, $3);
UPDATE things SET words[1] = 'first', words[6] = 'sixth' WHERE id = 50 RETURNING words, array_length(words, 1) AS n;
UPDATE things SET doc = doc || '{"c": true}', words = array_append(words, 'last') WHERE id IN (50, 52);
UPDATE things SET doc['d'] = '[1]', flags[2:3] = '{t,t}' WHERE id = 50;
SELECT id, flags, words, doc, raw FROM things WHERE id BETWEEN 50 AND 55 ORDER BY id;
SELECT id, doc ->> 'c' AS c, doc -> 'a' -> 1 AS a FROM things WHERE doc ? 'c' ORDER BY id;

-- Times, ranges, intervals, bits, addresses.
INSERT INTO things (id, day, hour, moment, span, wait, bits, host) VALUES
    (60, '2024-02-29', '23:59:59.5', '2024-02-29 12:00:00.5', '[1,5]', '1 day 25:00', '101', '10.0.0.1/8'),
    (61, 'infinity', '24:00', '-infinity', 'empty', '-3 months 2 days', B'000', '::1'),
    (62, DATE '2024-01-31' + 30, TIME '01:00' - interval '2 hours', '2024-03-01 00:00:00.49', '(,7)', '1.5 hours', '111', NULL);
INSERT INTO things (id, day) VALUES (63, '2023-02-29');
INSERT INTO things (id, hour) VALUES (63, '25:00');
INSERT INTO things (id, bits) VALUES (63, '10');
INSERT INTO things (id, span) VALUES (63, '[5,1]');
UPDATE things SET day = day + 1, moment = moment + wait, wait = wait * 2, span = span * '[2,100)' WHERE id IN (60, 62);
SELECT id, day::text, hour::text, moment::text, span::text, wait::text, bits::text, host::text FROM things WHERE id BETWEEN 60 AND 62 ORDER BY id;
SELECT count(*) FROM things;

-- The key has a length or a scale of its own.
CREATE TABLE parts (part varchar(6) PRIMARY KEY, n int);
INSERT INTO parts VALUES ('abc', 1), ('abcdef   ', 2), ('ab    ', 3);
INSERT INTO parts VALUES ('abcdefg', 4);
INSERT INTO parts VALUES ('abcdef', 5);
SELECT part || '|' AS part, n FROM parts ORDER BY n;
SELECT n FROM parts WHERE part = 'abcdef';
CREATE TABLE amounts (amount numeric(6,1) PRIMARY KEY, n int);
INSERT INTO amounts VALUES (1.04, 1), (1.06, 2), (10, 3), (10.55, 4), ('1e3', 5);
INSERT INTO amounts VALUES (1.049, 6);
INSERT INTO amounts VALUES (10.00, 7) ON CONFLICT (amount) DO UPDATE SET n = excluded.n;
UPDATE amounts SET n = n * 10 WHERE amount IN (1.0, 1.10, 10.6, 77);
SELECT amount, n FROM amounts ORDER BY amount;
SELECT n FROM amounts WHERE amount = 1000.00;
CREATE TABLE moments (at timestamptz(0) PRIMARY KEY, n int);
INSERT INTO moments VALUES ('2024-01-01 12:00:00+00', 1), ('2024-01-01 12:00:00+01', 2), ('2024-06-01 00:00:00.4+00', 3);
INSERT INTO moments VALUES ('2024-01-01 11:00:00.2+00', 4);
DELETE FROM moments WHERE at = '2024-01-01 14:00:00+02';
SELECT n FROM moments ORDER BY at;

-- Generated and identity columns, and a domain with NOT NULL.
CREATE TABLE people (name text PRIMARY KEY, mail email DEFAULT 'none@here', born int, age int GENERATED ALWAYS AS (2024 - born) STORED, label text GENERATED ALWAYS AS (upper(name)) STORED, no bigint GENERATED ALWAYS AS IDENTITY, alt int GENERATED BY DEFAULT AS IDENTITY);
INSERT INTO people (name, born) VALUES ('ann', 1990), ('bob', NULL), ('cyd', 2001) RETURNING name, mail, age, label;
INSERT INTO people (name, mail, born) VALUES ('dee', 'dee@there', 1980);
INSERT INTO people (name, mail) VALUES ('eve', 'nowhere');
INSERT INTO people (name, mail) VALUES ('eve', NULL);
INSERT INTO people (name, age) VALUES ('eve', 5);
INSERT INTO people (name, age, label) VALUES ('eve', DEFAULT, DEFAULT);
INSERT INTO people (name, no) VALUES ('fay', 5000);
INSERT INTO people (name, no) OVERRIDING SYSTEM VALUE VALUES ('fay', 5000000), ('gil', 5000001) RETURNING name, no;
INSERT INTO people (name, alt) VALUES ('hal', 6000000);
INSERT INTO people (name, no, alt) OVERRIDING USER VALUE VALUES ('ida', 1, 6000000) RETURNING name, label, alt = 6000000 AS kept;
UPDATE people SET born = born - 1 RETURNING name, age;
UPDATE people SET age = 3;
UPDATE people SET age = DEFAULT, mail = DEFAULT WHERE name = 'dee';
UPDATE people SET no = 3 WHERE name = 'dee';
SELECT name, mail, born, age, label FROM people ORDER BY name;
SELECT name, no FROM people WHERE name IN ('fay', 'gil') ORDER BY name;
SELECT count(*) AS n, count(DISTINCT no) AS numbers, count(DISTINCT alt) AS others FROM people;
