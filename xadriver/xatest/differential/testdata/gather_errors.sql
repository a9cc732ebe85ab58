-- shard: key.claims=id
-- shard: key.payers=name
-- shard: key.blank=id
-- shard: reference=codes
-- Errors of many SQLSTATEs: found while parsing, and at run time in one row only, on whichever shard it lies.
CREATE TABLE claims (id int PRIMARY KEY, amount int, txt text, day text, payer text, arr int[], js jsonb);
CREATE TABLE payers (name text NOT NULL, code int, share int);
CREATE TABLE blank (id int NOT NULL, v int);
CREATE TABLE codes (code int PRIMARY KEY, label text);
CREATE TABLE side (x int, y text);
INSERT INTO claims SELECT g, g * 10, g::text, '2024-01-' || g, 'p' || g % 4, ARRAY[g, g + 1], '{"n": 1}' FROM generate_series(1, 20) g;
INSERT INTO claims VALUES (21, 0, 'x21', '2024-13-01', 'p0', '{}', '[]'), (22, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO payers VALUES ('p0', 1, 2), ('p1', 2, 0), ('p1', 3, 5), ('p2', NULL, NULL), ('pz', 1, 1);
INSERT INTO codes VALUES (1, 'one'), (2, 'two');
INSERT INTO side VALUES (1, 'a'), (0, 'b'), (NULL, NULL);

-- in one row only
SELECT 100 / amount FROM claims;
SELECT id, 100 / amount FROM claims ORDER BY id;
SELECT sum(100 / amount) FROM claims;
SELECT id FROM claims WHERE 100 / amount > 1;
SELECT id FROM claims ORDER BY 100 / amount;
SELECT count(*) FROM claims GROUP BY 100 / amount;
SELECT txt::int FROM claims;
SELECT max(txt::int) FROM claims;
SELECT id FROM claims WHERE txt::int > 5;
SELECT day::date FROM claims;
SELECT min(day::date) FROM claims;
SELECT c.id FROM claims c JOIN payers p ON p.name = c.payer AND 10 / p.share > 1;
SELECT c.id, 1 / (c.id - p.code) FROM claims c JOIN payers p ON p.name = c.payer;
SELECT 1 / x FROM side;
SELECT c.id / s.x FROM claims c CROSS JOIN side s;
SELECT sum(1 / share) FROM payers;
SELECT name, sum(1 / share) FROM payers GROUP BY name;
SELECT name, 1 / (count(*) - 2) FROM payers GROUP BY name;
SELECT 1 / (count(*) - 22) FROM claims;
SELECT id FROM claims GROUP BY id HAVING 1 / (max(amount) - 50) IS NOT NULL;
SELECT id, 10 / (row_number() OVER (ORDER BY id) - 7) FROM claims;
SELECT id, lag(id, amount / 0) OVER (ORDER BY id) FROM claims;
SELECT DISTINCT 7 / (id % 7) FROM claims;
SELECT id FROM claims UNION SELECT 1 / share FROM payers;
SELECT * FROM (SELECT 1 / (id - 5) AS q FROM claims OFFSET 0) t WHERE q > 100;
SELECT (SELECT 1 / (c.id - 3)) FROM claims c;
SELECT id FROM claims LIMIT (SELECT 1 / (count(*) - 5) FROM payers);
SELECT string_agg((10 / (id - 20))::text, ',' ORDER BY id) FROM claims;
SELECT array_agg(1 / amount) FROM claims;
SELECT bool_or(1 / amount > 0) FROM claims WHERE id > 15;
SELECT count(*) FILTER (WHERE 1 / amount = 1) FROM claims;
SELECT CASE WHEN amount = 0 THEN 0 ELSE 100 / amount END AS safe FROM claims WHERE id > 18 ORDER BY id;
SELECT count(*) FROM claims WHERE id < 21 AND 100 / amount > 1;
SELECT id FROM claims WHERE id = 3 AND 100 / amount > 1;
SELECT 100 / amount FROM claims WHERE id = 21;
SELECT 1 / 0 FROM blank;
SELECT sum(1 / v) FROM blank;
SELECT 1 / count(*) FROM blank;
SELECT coalesce(1, 1 / 0) FROM claims WHERE id = 2;

-- subqueries with too many rows
SELECT id, (SELECT code FROM payers p WHERE p.name = c.payer) FROM claims c;
SELECT id FROM claims c WHERE amount > (SELECT share FROM payers p WHERE p.name = c.payer);
SELECT (SELECT label FROM codes);
SELECT (SELECT id FROM claims WHERE id IN (1, 9));
SELECT id, (SELECT code FROM payers p WHERE p.name = c.payer AND p.share > 0) AS code FROM claims c WHERE id < 5 ORDER BY id;
SELECT id FROM claims WHERE id = (SELECT x FROM side);
SELECT id, ARRAY[(SELECT name FROM payers)] FROM claims;

-- names
SELECT id FROM claims, payers, blank;
SELECT name FROM claims JOIN payers p ON p.name = claims.payer JOIN payers q ON q.code = p.code;
SELECT nope FROM claims;
SELECT c.nope FROM claims c;
SELECT nope.id FROM claims;
SELECT * FROM nope;
SELECT id FROM claims JOIN nope ON true;
SELECT id FROM nope.claims;
SELECT nope(id) FROM claims;
SELECT sum(id, amount) FROM claims;
SELECT id::nope FROM claims;
SELECT id FROM claims ORDER BY nope;
SELECT id AS a, amount AS a FROM claims ORDER BY a;
SELECT id FROM claims c, claims c;
SELECT c.* FROM claims;
SELECT id FROM claims GROUP BY payer;
SELECT payer, id FROM claims GROUP BY payer ORDER BY payer;
SELECT amount, count(*) FROM claims ORDER BY 1;
SELECT DISTINCT payer FROM claims ORDER BY amount;
SELECT DISTINCT ON (payer) payer, id FROM claims ORDER BY id;
SELECT id FROM claims WHERE count(*) > 1;
SELECT id FROM claims GROUP BY count(*);
SELECT sum(count(*)) FROM claims;
SELECT max(id) FROM claims WHERE max(id) > 1;
SELECT id FROM claims JOIN payers ON count(*) > 1;
SELECT id FROM claims ORDER BY 3;
SELECT id FROM claims GROUP BY 5;
SELECT id FROM claims LIMIT amount;
SELECT id FROM claims LIMIT 'x';
SELECT id FROM claims LIMIT -3;

-- types
SELECT id FROM claims WHERE txt = 3;
SELECT id + txt FROM claims;
SELECT id FROM claims WHERE amount;
SELECT id FROM claims WHERE txt IN (1, 2);
SELECT CASE WHEN id > 1 THEN 1 ELSE 'x' END FROM claims;
SELECT id FROM claims UNION SELECT txt FROM claims;
SELECT coalesce(id, txt) FROM claims;
SELECT ARRAY[id, txt] FROM claims;
SELECT id FROM claims WHERE id = '1x';
SELECT arr[1] + arr FROM claims;
SELECT js + 1 FROM claims;
SELECT id FROM claims WHERE arr = 1;
SELECT (id, amount) = (1, 2, 3) FROM claims;
SELECT min(js) FROM claims;
SELECT avg(txt) FROM claims;
SELECT substr(txt, 1, -1) FROM claims;
SELECT repeat(txt, 1 << 30) FROM claims WHERE id = 4;
SELECT to_date(txt, 'YYYY-MM-DD') FROM claims WHERE id = 21;
SELECT (js ->> 'n')::bool FROM claims WHERE id = 1;
SELECT jsonb_array_length(js) FROM claims;
SELECT js::int FROM claims WHERE id = 2;
SELECT array_fill(1, ARRAY[id - 5]) FROM claims;
SELECT width_bucket(id, 1, 1, 5) FROM claims;
SELECT make_date(2024, id, 1) FROM claims;
SELECT (amount - 10)::text::bit(3) FROM claims WHERE id = 6;
SELECT to_number(txt, '') FROM claims WHERE id = 1;
SELECT convert_from('\xff', 'UTF8') FROM claims;
SELECT setseed(id) FROM claims;
SELECT format('%s %s', txt) FROM claims;
SELECT encode(txt::bytea, 'base65') FROM claims WHERE id = 3;
SELECT xmlparse(DOCUMENT '<a>' || txt) FROM claims WHERE id = 3;
SELECT jsonb_path_query(js, 'strict $.m') FROM claims WHERE id < 3;
SELECT '{' || txt || ':1}' FROM claims WHERE ('{' || txt || '}')::json IS NULL;
SELECT substring(txt FROM 1 FOR -2) FROM claims;

-- syntax
SELEC id FROM claims;
SELECT id FROM claims WHERE;
SELECT id FROM claims GROUP payer;
SELECT id, FROM claims;
SELECT (id FROM claims);
SELECT id FROM claims ORDER BY id LIMIT 1 LIMIT 2;
SELECT id FROM claims FETCH FIRST 2 ROWS WITH TIES;
SELECT count(* FILTER (WHERE true) FROM claims);
SELECT 'a' 'b' FROM claims;
SELECT id FROM claims FOR UPDATE OF nope;
SELECT count(*) FROM claims FOR UPDATE;
SELECT DISTINCT payer FROM claims FOR SHARE;

-- arguments
-- args: 0
SELECT amount / $1 FROM claims;
-- args: 'abc'
SELECT id FROM claims WHERE id > $1;
-- args: 4 | 5
SELECT id / ($1::int - $2::int + 1) FROM claims WHERE id < $2::int;
-- args: 2147483647
SELECT id FROM claims WHERE amount + $1::int > 0 ORDER BY id;
-- args: -1
SELECT id FROM claims ORDER BY id LIMIT $1;
-- args: 'x'
SELECT $1 FROM claims WHERE payer = $1 AND id = $1;
-- args: NULL
SELECT sum(amount / $1::int) FROM claims;
