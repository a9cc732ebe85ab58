-- shard: key.kt=k
-- shard: key.kd=k
-- shard: key.kn=k
-- shard: key.kx=k
-- shard: key.ku=k
-- shard: key.kb=k
-- shard: key.ks=k
-- shard: key.ki=k
-- shard: key.kv=k
-- shard: key.kdom=k
CREATE TABLE kt (k timestamptz, n int, PRIMARY KEY (k, n));
INSERT INTO kt SELECT '2024-03-10 00:00+00'::timestamptz + i * interval '37 minutes', i % 3 FROM generate_series(0, 80) i;
SELECT count(*) FROM kt WHERE k = '2024-03-10 00:00';
SET TimeZone = 'America/New_York';
SELECT n FROM kt WHERE k = '2024-03-09 19:37';
SELECT n FROM kt WHERE k = timestamptz '2024-03-09 20:14';
SELECT n FROM kt WHERE k = timestamp '2024-03-09 20:14';
SELECT n FROM kt WHERE k = '2024-03-09 20:51 EST';
SELECT n FROM kt WHERE k IN ('2024-03-09 20:51 America/New_York', '2024-03-10 02:28 Europe/Paris');
-- args: '2024-03-09 19:37'
SELECT n FROM kt WHERE k = $1;
-- args: '2024-03-10 00:37+00'
SELECT n FROM kt WHERE k = $1;
-- args: '{2024-03-09 19:37,"2024-03-10 01:14+00"}'
SELECT n FROM kt WHERE k = ANY($1);
INSERT INTO kt VALUES ('2030-01-01 00:00', 1), ('2030-01-01 05:00', 2), ('epoch', 3), ('infinity', 4), ('-infinity', 5), ('2030-06-01', 1);
SELECT k, n FROM kt WHERE k > '2029-01-01' OR k < '2000-01-01' ORDER BY k, n;
RESET TimeZone;
SELECT n FROM kt WHERE k = '2030-01-01 05:00+00';
SELECT n FROM kt WHERE k = 'infinity';
SELECT n FROM kt WHERE k = 'epoch';
SELECT k, n FROM kt ORDER BY k DESC, n LIMIT 5;
SET TimeZone = '+05:30';
SELECT k::text, n FROM kt ORDER BY k DESC, n LIMIT 5;
SELECT n FROM kt WHERE k = '2030-01-01 00:00';
SELECT date_trunc('day', k)::text d, count(*) FROM kt WHERE k < '2025-01-01' AND k > '2000-01-01' GROUP BY 1 ORDER BY 1;
RESET TimeZone;
CREATE TABLE kd (k date, n int, PRIMARY KEY (k, n));
INSERT INTO kd SELECT date '2024-01-01' + i, i FROM generate_series(0, 40) i;
SET DateStyle = 'ISO, DMY';
SELECT n FROM kd WHERE k = '5/2/2024';
SELECT n FROM kd WHERE k = '05-01-2024';
-- args: '5/2/2024'
SELECT n FROM kd WHERE k = $1;
-- args: '5/2/2024'
SELECT n FROM kd WHERE k = $1::date;
INSERT INTO kd VALUES ('3/4/2025', 1), ('4/3/2025', 2), ('13/3/2025', 3);
SELECT k, n FROM kd WHERE k > '2025-01-01' ORDER BY k;
SELECT n FROM kd WHERE k = '2025-04-03';
SET DateStyle = 'ISO, YMD';
SELECT n FROM kd WHERE k = '25/4/3';
SET DateStyle = 'German';
SELECT n FROM kd WHERE k = '3.4.2025';
SELECT k FROM kd WHERE n = 3 ORDER BY k;
SELECT k::text FROM kd WHERE n = 3;
RESET DateStyle;
SELECT n FROM kd WHERE k = 'Jan 5, 2024';
SELECT n FROM kd WHERE k = '20240105';
SELECT n FROM kd WHERE k = '2024-01-05 13:00';
SELECT n FROM kd WHERE k = 'J2460315';
SELECT n FROM kd WHERE k = date '2024-01-05';
SELECT n FROM kd WHERE k = timestamp '2024-01-05';
SELECT n FROM kd WHERE k = '2024-01-05'::timestamptz;
SELECT n FROM kd WHERE k = DATE '2024-01-01' + 4;
CREATE TABLE kn (k numeric, n int, PRIMARY KEY (k));
INSERT INTO kn VALUES (1.00, 1), (2.50, 2), ('NaN', 3), ('Infinity', 4), ('-Infinity', 5), (1e10, 6), (-0.0, 7), (0.000000001, 8), (123456789012345678901234567890, 9);
SELECT k, n FROM kn WHERE k = 1;
SELECT k, n FROM kn WHERE k = 1.0000;
SELECT k, n FROM kn WHERE k = '1e0';
SELECT k, n FROM kn WHERE k = 10000000000;
SELECT k, n FROM kn WHERE k = 1e10;
SELECT k, n FROM kn WHERE k = 'NaN';
SELECT k, n FROM kn WHERE k = 'inf';
SELECT k, n FROM kn WHERE k = '-inf';
SELECT k, n FROM kn WHERE k = 0;
SELECT k, n FROM kn WHERE k = -0.0;
SELECT k, n FROM kn WHERE k = 2.5::float8;
SELECT k, n FROM kn WHERE k = 123456789012345678901234567890;
-- args: 1
SELECT k, n FROM kn WHERE k = $1;
-- args: 2.5
SELECT k, n FROM kn WHERE k = $1;
-- args: '1.000'
SELECT k, n FROM kn WHERE k = $1;
-- args: 2.5
SELECT k, n FROM kn WHERE k = $1::float8;
-- args: '{1.0,2.50,NaN,NULL}'
SELECT k, n FROM kn WHERE k = ANY($1) ORDER BY n;
SELECT k, n FROM kn ORDER BY k DESC LIMIT 3;
SELECT k, n FROM kn WHERE k = .5 OR k = 2.50;
INSERT INTO kn VALUES (1.0, 99);
INSERT INTO kn VALUES (1, 99) ON CONFLICT (k) DO UPDATE SET n = excluded.n RETURNING k, n;
CREATE TABLE kx (k text, n int, PRIMARY KEY (k, n));
INSERT INTO kx VALUES ('a', 1), ('A', 2), ('a ', 3), ('ä', 4), (U&'a\0308', 5), ('', 6), ('abc', 7), ('x%y', 8), ('ABC', 9);
SELECT * FROM kx WHERE k = 'a'::char(5);
SELECT * FROM kx WHERE k = 'a'::bpchar;
SELECT * FROM kx WHERE k = 'a '::varchar;
SELECT * FROM kx WHERE k = 'a '::varchar(1);
SELECT * FROM kx WHERE k = E'a\u0020';
SELECT * FROM kx WHERE k = U&'a\0308';
SELECT * FROM kx WHERE k = $$abc$$;
SELECT * FROM kx WHERE k = 'a'
 'bc';
SELECT * FROM kx WHERE k = 'abc'::name;
SELECT * FROM kx WHERE k = '';
SELECT * FROM kx WHERE k LIKE 'a%';
SELECT * FROM kx WHERE k LIKE 'abc';
SELECT * FROM kx WHERE k ILIKE 'abc';
SELECT * FROM kx WHERE k SIMILAR TO 'abc';
SELECT * FROM kx WHERE k ~ '^abc$';
SELECT * FROM kx WHERE k = upper('abc');
SELECT * FROM kx WHERE lower(k) = 'abc';
CREATE COLLATION nd (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT * FROM kx WHERE k = 'abc' COLLATE nd;
SELECT * FROM kx WHERE k COLLATE nd = 'abc';
SELECT * FROM kx WHERE k IN ('abc' COLLATE nd, 'q');
SELECT * FROM kx WHERE k = ANY(ARRAY['abc' COLLATE nd]);
SELECT * FROM kx WHERE (k, n) = ('abc' COLLATE nd, 9);
-- args: 'abc'
SELECT * FROM kx WHERE k = $1 COLLATE nd;
SELECT count(DISTINCT k COLLATE nd) FROM kx;
CREATE TABLE kci (k text COLLATE nd, n int);
INSERT INTO kci VALUES ('abc', 1), ('ABC', 2);
SELECT kx.k, kx.n, kci.n FROM kx JOIN kci ON kx.k = kci.k;
SELECT kx.k, kx.n FROM kx WHERE kx.k IN (SELECT k FROM kci);
SELECT kx.k, kx.n FROM kx, (VALUES ('abc' COLLATE nd)) AS l(k) WHERE kx.k = l.k;
CREATE DOMAIN ci AS text COLLATE nd;
CREATE TABLE kdom (k ci, n int);
INSERT INTO kdom VALUES ('abc', 1), ('ABC', 2), ('aBc', 3), ('abd', 4), ('ABD', 5);
SELECT n FROM kdom WHERE k = 'abc';
SELECT k, count(*) FROM kdom GROUP BY k;
SELECT count(DISTINCT k) FROM kdom;
CREATE TABLE ku (k uuid, n int, PRIMARY KEY (k));
INSERT INTO ku SELECT md5(i::text)::uuid, i FROM generate_series(1, 12) i;
SELECT n FROM ku WHERE k = 'C4CA4238A0B923820DCC509A6F75849B';
SELECT n FROM ku WHERE k = '{c4ca4238-a0b9-2382-0dcc-509a6f75849b}';
SELECT n FROM ku WHERE k = 'c4ca-4238a0b923820dcc509a6f75849b';
-- args: 'C4CA4238A0B923820DCC509A6F75849B'
SELECT n FROM ku WHERE k = $1;
-- args: '{C4CA4238A0B923820DCC509A6F75849B,c81e728d-9d4c-2f63-6f06-7f89cc14862c}'
SELECT n FROM ku WHERE k = ANY($1);
CREATE TABLE kb (k boolean, n int);
INSERT INTO kb SELECT i % 2 = 0, i FROM generate_series(1, 10) i;
SELECT count(*) FROM kb WHERE k;
SELECT count(*) FROM kb WHERE NOT k;
SELECT count(*) FROM kb WHERE k = 'yes';
SELECT count(*) FROM kb WHERE k = 'of';
SELECT count(*) FROM kb WHERE k = 'o';
SELECT count(*) FROM kb WHERE k = '1';
SELECT count(*) FROM kb WHERE k IS TRUE AND k = true;
CREATE TABLE ks (k bytea, n int, PRIMARY KEY (k));
INSERT INTO ks VALUES ('\x6162', 1), ('\x00ff', 2), ('', 3), ('\\', 4);
SELECT n FROM ks WHERE k = 'ab';
SELECT n FROM ks WHERE k = '\x 61 62';
SELECT n FROM ks WHERE k = '\141\142';
SELECT n FROM ks WHERE k = '\\';
SELECT n FROM ks WHERE k = '';
SELECT n FROM ks WHERE k = '\000\377';
SET bytea_output = 'escape';
SELECT k, n FROM ks ORDER BY k;
SELECT k, count(*) FROM ks GROUP BY k ORDER BY k;
RESET bytea_output;
CREATE TABLE ki (k int, n int, PRIMARY KEY (k, n));
INSERT INTO ki SELECT i % 7, i FROM generate_series(1, 30) i;
SELECT count(*) FROM ki WHERE k = ' 5 ';
SELECT count(*) FROM ki WHERE k = '+5';
SELECT count(*) FROM ki WHERE k = '0005';
SELECT count(*) FROM ki WHERE k = 5.0;
SELECT count(*) FROM ki WHERE k = 5.5;
SELECT count(*) FROM ki WHERE k IN (5.0, 6);
SELECT count(*) FROM ki WHERE k IN ('5', 6.0);
SELECT count(*) FROM ki WHERE k IN ('5', 6, NULL);
SELECT count(*) FROM ki WHERE k NOT IN (5, NULL);
SELECT count(*) FROM ki WHERE NOT (k = 5 OR k = 6);
SELECT count(*) FROM ki WHERE (k = 5) IS NOT FALSE;
SELECT count(*) FROM ki WHERE (k = 5) IS NULL;
SELECT count(*) FROM ki WHERE k = 5 OR NULL;
SELECT count(*) FROM ki WHERE (k = 5) = true;
SELECT count(*) FROM ki WHERE k = 4294967296 + 5;
SELECT count(*) FROM ki WHERE k = 5::smallint OR k = 6::bigint;
SELECT count(*) FROM ki WHERE k = '5'::"char"::text::int;
SELECT count(*) FROM ki WHERE k = true::int;
SELECT count(*) FROM ki WHERE k = ALL('{5,5}');
SELECT count(*) FROM ki WHERE k = ANY('{5,6}');
SELECT count(*) FROM ki WHERE k = ANY('[2:3]={5,6}');
SELECT count(*) FROM ki WHERE k = ANY('{{5},{6}}');
SELECT count(*) FROM ki WHERE k = ANY(ARRAY[[5],[6]]);
SELECT count(*) FROM ki WHERE k = ANY('{5,6}'::text[]::int[]);
SELECT count(*) FROM ki WHERE k = ANY(ARRAY[5, NULL, 6]);
SELECT count(*) FROM ki WHERE k = ANY(NULL);
SELECT count(*) FROM ki WHERE k = ANY(ARRAY[5, 6]::smallint[]);
SELECT count(*) FROM ki WHERE k = ANY((ARRAY[5, 6, 3])[1:2]);
SELECT count(*) FROM ki WHERE k = ANY(ARRAY[5.0, 6]);
-- args: '{5,6}'
SELECT count(*) FROM ki WHERE k = ANY($1);
-- args: '[2:3]={5,6}'
SELECT count(*) FROM ki WHERE k = ANY($1);
-- args: '{{5,6},{1,2}}'
SELECT count(*) FROM ki WHERE k = ANY($1);
-- args: '{ 5 , "6" , NULL}'
SELECT count(*) FROM ki WHERE k = ANY($1);
-- args: '{5,6'
SELECT count(*) FROM ki WHERE k = ANY($1);
-- args: '{}'
SELECT count(*) FROM ki WHERE k = ANY($1);
-- args: NULL
SELECT count(*) FROM ki WHERE k = ANY($1);
-- args: NULL
SELECT count(*) FROM ki WHERE k = $1;
-- args: NULL
SELECT count(*) FROM ki WHERE k IS NOT DISTINCT FROM $1;
-- args: 5
SELECT count(*) FROM ki WHERE k IS NOT DISTINCT FROM $1;
-- args: '5'
SELECT count(*) FROM ki WHERE k = $1;
-- args: 5.0
SELECT count(*) FROM ki WHERE k = $1;
-- args: 5.5
SELECT count(*) FROM ki WHERE k = $1;
-- args: true
SELECT count(*) FROM ki WHERE k = $1;
-- args: 4294967301
SELECT count(*) FROM ki WHERE k = $1;
-- args: 4294967301
SELECT count(*) FROM ki WHERE k = $1::int8;
-- args: ' 5'
SELECT count(*) FROM ki WHERE k = $1;
-- args: 5 | 2
SELECT k, n FROM ki WHERE k = $1 OR n = $1 ORDER BY n LIMIT $2;
CREATE TABLE kv (k varchar(3), n int);
INSERT INTO kv VALUES ('abc', 1), ('ab ', 2), ('ab', 3), ('abc  ', 4), ('', 5);
SELECT * FROM kv WHERE k = 'ab' ORDER BY n;
SELECT * FROM kv WHERE k = 'abc' ORDER BY n;
SELECT * FROM kv WHERE k = 'abc  ' ORDER BY n;
INSERT INTO kv VALUES ('abcd', 1);
INSERT INTO kv VALUES ('abcd'::varchar(3), 6);
SELECT * FROM kv WHERE k = 'abc' ORDER BY n;
