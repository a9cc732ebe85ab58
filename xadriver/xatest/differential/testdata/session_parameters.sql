-- shard: key.values_of=id
-- shard: key.words=word
-- shard: key.days=day
-- shard: key.uids=uid
-- shard: key.amounts=amount
-- shard: key.blobs=blob
-- Parameters of many types, for keys and for other columns.

CREATE TABLE values_of (
    id bigint PRIMARY KEY, small smallint, num numeric(10,3), float double precision, flag boolean, txt text, code char(3), short varchar(5),
    day date, moment timestamptz, clock time, wait interval, uid uuid, doc jsonb, ints int[], texts text[], raw bytea, host inet, span int4range
);
CREATE TABLE words (word text PRIMARY KEY, n int);
CREATE TABLE days (day date PRIMARY KEY, n int);
CREATE TABLE uids (uid uuid PRIMARY KEY, n int);
CREATE TABLE amounts (amount numeric PRIMARY KEY, n int);
CREATE TABLE blobs (blob bytea PRIMARY KEY, n int);
SET TimeZone = 'UTC';

-- Every type once, and NULLs.
-- args: 1 | 32767 | 12345.6785 | 0.5 | true | 'text' | 'ab' | 'short' | '2024-02-29' | '2024-02-29 12:00:00+02' | '23:59:59.5' | '1 day 02:00' | '11111111-2222-3333-4444-555555555555' | '{"a": [1, null]}' | '{1,NULL,3}' | '{"a b",c}' | '\x00ff' | '10.0.0.1' | '[1,5)'
INSERT INTO values_of VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19);
-- args: 2 | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL
INSERT INTO values_of VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19);
-- args: 9223372036854775807 | -32768 | -0.0004 | -1.5 | false | '' | '' | '' | '0001-01-01' | '1999-12-31 23:59:59.999999' | '00:00' | '-3 mons' | '00000000-0000-0000-0000-000000000000' | 'null' | '{}' | '{}' | '' | '::1' | 'empty'
INSERT INTO values_of VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19);
SELECT id, small, num, float, flag, txt, code, short, day, moment, clock::text, wait::text, uid::text, doc::text, ints::text, texts::text, raw, host::text, span::text FROM values_of ORDER BY id;

-- As conditions, with a key and without.
-- args: 1
SELECT id, txt FROM values_of WHERE id = $1;
-- args: '1'
SELECT id, txt FROM values_of WHERE id = $1;
-- args: 1 | 9223372036854775807
SELECT id, flag FROM values_of WHERE id IN ($1, $2) ORDER BY id;
-- args: '{1,2,5}'
SELECT id FROM values_of WHERE id = ANY ($1) ORDER BY id;
-- args: '{}'
SELECT id FROM values_of WHERE id = ANY ($1) ORDER BY id;
-- args: NULL
SELECT id FROM values_of WHERE id = ANY ($1) ORDER BY id;
-- args: NULL
SELECT id FROM values_of WHERE id = $1;
-- args: true
SELECT id FROM values_of WHERE flag = $1;
-- args: NULL
SELECT id FROM values_of WHERE flag IS NOT DISTINCT FROM $1;
-- args: 0 | 10
SELECT id, num FROM values_of WHERE num BETWEEN $1 AND $2 + 20000 ORDER BY id;
-- args: 0.5
SELECT id, float FROM values_of WHERE float >= $1 ORDER BY id;
-- args: '2024-01-01'
SELECT id, day FROM values_of WHERE day > $1 ORDER BY id;
-- args: '2001-01-01 00:00:00+00' | '1 year'
SELECT id, moment FROM values_of WHERE moment < $1::timestamptz - $2::interval ORDER BY id;
-- args: '11111111-2222-3333-4444-555555555555'
SELECT id FROM values_of WHERE uid = $1;
-- args: '{"a": [1]}'
SELECT id FROM values_of WHERE doc @> $1;
-- args: 3
SELECT id FROM values_of WHERE $1 = ANY (ints);
-- args: '{c,d}'
SELECT id FROM values_of WHERE texts && $1;
-- args: '%ex%' | 't'
SELECT id FROM values_of WHERE txt LIKE $1 AND txt LIKE $2 || '%';
-- args: 'ab '
SELECT id FROM values_of WHERE code = $1;
-- args: 4
SELECT id FROM values_of WHERE span @> $1::int;

-- As results, limits and everything else.
-- args: 7 | 'x' | 2.5 | NULL | true
SELECT $1::int AS i, $2::text AS t, $3::numeric AS n, $4::date AS d, $5::boolean AS b;
-- args: 2 | 1
SELECT id FROM values_of ORDER BY id LIMIT $1 OFFSET $2;
-- args: NULL
SELECT id FROM values_of ORDER BY id LIMIT $1;
-- args: -1
SELECT id FROM values_of ORDER BY id LIMIT $1;
-- args: 'none' | 10
SELECT coalesce(txt, $1) AS txt, count(*) * $2 AS n FROM values_of GROUP BY 1 ORDER BY 1;
-- args: 1 | 100
SELECT sum(CASE WHEN id > $1 THEN $2 ELSE 0 END) AS n FROM values_of;
-- args: 2 | 0.25 | 'changed'
UPDATE values_of SET float = $2, num = $2::float8 * 3, txt = $3 WHERE id = $1 RETURNING id, float, num, txt;
-- args: '{7,8}'
UPDATE values_of SET ints = ints || $1;
-- args: '[{"id": 10, "txt": "ten"}, {"id": 11, "txt": null}]'
INSERT INTO values_of (id, txt) SELECT id, txt FROM jsonb_to_recordset($1::jsonb) AS r(id bigint, txt text);
-- args: '{20,21,22}' | '{a,NULL,c}'
INSERT INTO values_of (id, txt) SELECT * FROM unnest($1::bigint[], $2::text[]);
-- args: '{20,22}'
DELETE FROM values_of WHERE id = ANY ($1) RETURNING id, txt;
SELECT id, float, txt, ints::text FROM values_of ORDER BY id;

-- Keys of other types.
-- args: 'Straße' | 1 | 'strasse' | 2 | '' | 3
INSERT INTO words VALUES ($1, $2), ($3, $4), ($5, $6);
-- args: 'Straße' | ''
SELECT word, n FROM words WHERE word IN ($1, $2) ORDER BY n;
-- args: 'strasse '
SELECT word, n FROM words WHERE word = $1;
-- args: '2024-02-29' | 1
INSERT INTO days VALUES ($1, $2), ($1::date + 1, $2 + 1), ('2024-12-31', 9);
-- args: '2024-03-01'
UPDATE days SET n = n * 10 WHERE day = $1 RETURNING day, n;
-- args: '{2024-02-29,2024-12-31}'
SELECT day, n FROM days WHERE day = ANY ($1) ORDER BY day;
-- args: '11111111-2222-3333-4444-55555555555A' | 1
INSERT INTO uids VALUES ($1, $2), ('{11111111222233334444555555555555}', 2);
-- args: '11111111-2222-3333-4444-55555555555a'
SELECT uid::text AS uid, n FROM uids WHERE uid = $1;
-- args: 1.50 | 1 | '2.000'
INSERT INTO amounts VALUES ($1, $2), ($3, 2), (1e3, 3);
-- args: '1.5000'
SELECT amount, n FROM amounts WHERE amount = $1;
-- args: 2 | 1000
SELECT amount::text AS amount, n FROM amounts WHERE amount IN ($1, $2) ORDER BY n;
-- args: '\x00ff' | 1 | '\x' | 2
INSERT INTO blobs VALUES ($1, $2), ($3, $4), (decode('AP8B', 'base64'), 3);
-- args: '\x00FF'
SELECT n FROM blobs WHERE blob = $1;
SELECT blob, n FROM blobs ORDER BY blob;

-- What does not fit.
-- args: 'x'
SELECT id FROM values_of WHERE id = $1::text::bigint;
-- args: 5 | 40000
INSERT INTO values_of (id, num) VALUES ($1, $2 * 1000000);
-- args: 5 | 'toolong'
INSERT INTO values_of (id, short) VALUES ($1, $2);
-- args: 5 | '{"a": '
INSERT INTO values_of (id, doc) VALUES ($1, $2::text::jsonb);
-- args: 5 | '2023-02-29'
INSERT INTO values_of (id, day) VALUES ($1, $2::text::date);
-- args: 1 | 0
SELECT $1::int / $2::int AS quotient;
-- args: 1
SELECT id FROM values_of WHERE id = $1 AND nothing = $1;
-- args: 'as it is'
SELECT $1;
-- args: 1
SELECT $1 + $1 AS sum;
SELECT count(*) AS n FROM values_of;
