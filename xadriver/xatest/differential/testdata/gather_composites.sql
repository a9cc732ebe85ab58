-- shard: key.gear=id
-- shard: key.spots=zone
-- shard: key.leases=room
-- shard: key.docs=id
-- shard: reference=moods
-- Domains, enums, arrays, composite types, ranges and jsonb in joins, groups, orders and windows.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'Ecstatic');
CREATE DOMAIN score AS int CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN code AS text CHECK (VALUE ~ '^[A-Z]{2}$');
CREATE TYPE place AS (street text, no int);
CREATE TYPE visit AS (at place, feeling mood);
CREATE TABLE gear (id int NOT NULL, feel mood, pts score, cc code, labels text[], m int[]);
CREATE TABLE spots (zone text NOT NULL, at place, v visit, hist place[]);
CREATE TABLE leases (room int NOT NULL, during int4range, days daterange, price numrange, multi int4multirange);
CREATE TABLE docs (id int NOT NULL, body jsonb, raw json);
CREATE TABLE moods (feel mood PRIMARY KEY, word text);
INSERT INTO moods VALUES ('sad', 'traurig'), ('happy', 'froh'), ('Ecstatic', 'selig');
INSERT INTO gear VALUES (1, 'happy', 50, 'DE', '{a,b}', '{1,2,3}'), (1, 'sad', 50, 'FR', '{b,a}', '{{1,2},{3,4}}'), (2, 'ok', NULL, 'DE', '{}', '{}'), (3, NULL, 0, NULL, NULL, NULL), (4, 'Ecstatic', 100, 'KE', '{a}', '{1,NULL}'),
  (5, 'sad', 7, 'KE', '{a,b,"c d",NULL}', '[0:1]={5,6}'), (6, 'sad', 7, 'FR', '{"x,y","q\"z"}', '{1,2}'), (7, 'happy', 99, 'ZZ', '{a,b}', '{10}');
INSERT INTO spots VALUES ('n', ROW('Elm', 5), ROW(ROW('Elm', 5), 'ok'), ARRAY[ROW('Elm', 5), ROW('Oak', 1)]::place[]), ('n', ROW('Elm', 1), NULL, '{}'), ('n', ROW('Elm', NULL), ROW(NULL, 'sad'), NULL), ('s', ROW(NULL, NULL), NULL, NULL),
  ('w', NULL, NULL, NULL), ('e', ROW('Ash, big', 2), ROW(ROW('Elm', 5), 'sad'), ARRAY[NULL, ROW('Elm', 5)]::place[]), ('e2', ROW('Elm', 5), NULL, NULL);
INSERT INTO leases VALUES (1, '[1,5)', '[2024-01-01,2024-01-10]', '[1.5,2.5]', '{[1,3),[5,7)}'), (1, '[5,9)', '[2024-02-01,)', '(,10)', '{}'), (2, '[3,4]', 'empty', 'empty', '{[1,9)}'), (3, 'empty', NULL, '[2,2]', NULL), (4, '(,)', '(,2024-01-05)', '[1.5,2.5)', '{[2,3),[8,)}'), (5, NULL, '[2024-01-05,2024-01-06)', NULL, '{[2,3)}');
INSERT INTO docs VALUES (1, '{"name": "x", "tags": ["a", "b"], "n": 1.50}', '{"z":1,  "a":2}'), (1, '{"n": 1.50, "tags": ["a", "b"], "name": "x"}', '[1, 2]'), (2, '{"name": null, "deep": {"k": [1, {"q": true}]}}', 'null'), (3, '[1, 2, 3]', NULL),
  (4, '"str"', '"s"'), (5, '12', '12'), (6, 'null', '{}'), (7, NULL, NULL), (8, '{"name": "y", "n": -3, "tags": []}', '{"name":"y"}'), (9, '{}', '{}'), (12, '{"n": 1e2, "name": "z"}', NULL), (14, '{"tags": ["a", "b"], "name": "w"}', '0');

-- enums and domains
SELECT id, feel FROM gear ORDER BY feel, id;
SELECT id, feel FROM gear ORDER BY feel DESC NULLS LAST, id DESC;
SELECT id, feel FROM gear ORDER BY feel::text, id;
SELECT feel, count(*) FROM gear GROUP BY feel ORDER BY feel;
SELECT min(feel), max(feel), count(DISTINCT feel) FROM gear;
SELECT id FROM gear WHERE feel > 'ok' ORDER BY id;
SELECT array_agg(DISTINCT feel ORDER BY feel DESC) FROM gear;
SELECT g.id, m.word FROM gear g LEFT JOIN moods m USING (feel) ORDER BY 1, 2;
SELECT m.feel, count(g.id) FROM moods m LEFT JOIN gear g USING (feel) GROUP BY m.feel ORDER BY m.feel;
SELECT DISTINCT feel FROM gear ORDER BY feel LIMIT 2;
SELECT feel, rank() OVER (ORDER BY feel) AS r FROM gear ORDER BY r, id;
SELECT f, count(id) FROM unnest(enum_range(NULL::mood)) f LEFT JOIN gear ON feel = f GROUP BY f ORDER BY f;
SELECT id, pts FROM gear ORDER BY pts DESC NULLS LAST, id, feel LIMIT 4;
SELECT sum(pts), avg(pts), max(pts), pg_typeof(max(pts)) FROM gear;
SELECT cc, count(*), min(pts) FROM gear GROUP BY cc ORDER BY cc;
SELECT a.id, b.id FROM gear a JOIN gear b ON a.cc = b.cc AND a.feel < b.feel ORDER BY 1, 2;
SELECT pg_typeof(pts) AS p, pg_typeof(cc) AS c, pg_typeof(feel) AS f FROM gear WHERE id = 4;
-- args: 'sad' | 50
SELECT id FROM gear WHERE feel = $1 OR pts >= $2 ORDER BY id;

-- arrays
SELECT id, labels FROM gear ORDER BY labels, id;
SELECT labels, count(*) FROM gear GROUP BY labels ORDER BY labels NULLS FIRST;
SELECT id FROM gear WHERE labels @> '{a}' ORDER BY id, feel;
SELECT id FROM gear WHERE 'b' = ANY (labels) AND labels && ARRAY['x', 'a'] ORDER BY id, feel;
SELECT id, array_length(labels, 1) AS l, cardinality(m) AS c, m[1] AS one, m[1:2] AS slice FROM gear ORDER BY id, feel;
SELECT a.id, b.id FROM gear a JOIN gear b ON a.labels = b.labels AND a.id < b.id ORDER BY 1, 2;
SELECT max(m), min(labels) FROM gear;
SELECT array_agg(m ORDER BY id) FROM gear WHERE m = '{1,2}' OR m = '{5,6}' OR id = 99;
SELECT id, m || 9 AS more, array_position(labels, 'b') AS p, array_to_string(labels, '/', '-') AS s FROM gear WHERE id > 1 ORDER BY id;
SELECT id FROM gear WHERE m < '{1,2,9}' ORDER BY m, id;
SELECT DISTINCT unnest(m) AS x FROM gear ORDER BY x;
-- args: '{KE,FR}' | '{a,b}'
SELECT id FROM gear WHERE cc = ANY ($1) OR labels = $2 ORDER BY id, feel;

-- composite types
SELECT zone, at FROM spots ORDER BY at, zone;
SELECT (at).street, (at).no, zone FROM spots ORDER BY 1, 2, 3;
SELECT at, count(*) FROM spots GROUP BY at ORDER BY at;
SELECT DISTINCT at FROM spots WHERE at IS NOT NULL ORDER BY at;
SELECT zone, at IS NULL AS n, at IS NOT NULL AS nn, at IS NOT DISTINCT FROM NULL AS d FROM spots ORDER BY zone, at;
SELECT a.zone, b.zone FROM spots a JOIN spots b ON a.at = b.at AND a.zone < b.zone ORDER BY 1, 2;
SELECT zone, ((v).at).street AS s, (v).feeling AS f FROM spots WHERE v IS DISTINCT FROM NULL ORDER BY zone, f;
SELECT zone, h.street, h.no FROM spots, unnest(hist) h ORDER BY 1, 2, 3;
SELECT zone, (at).* FROM spots WHERE (at).no > 1 ORDER BY zone;
SELECT max((at).no), string_agg((at).street, '|' ORDER BY zone, (at).no) FROM spots;
SELECT s FROM spots s WHERE zone = 'e';
SELECT ROW(zone, (at).no) AS r FROM spots ORDER BY r;
SELECT row_to_json(s) FROM spots s ORDER BY zone, (at).no;

-- ranges
SELECT room, during FROM leases ORDER BY during, room;
SELECT during, count(*) FROM leases GROUP BY during ORDER BY during;
SELECT a.room, b.room FROM leases a JOIN leases b ON a.during && b.during AND a.room < b.room ORDER BY 1, 2;
SELECT room FROM leases WHERE during @> 4 ORDER BY room;
SELECT room, lower(during), upper(during), isempty(during), during * '[4,6)'::int4range AS x FROM leases ORDER BY room, lower(during);
SELECT range_agg(during ORDER BY room) FROM leases;
SELECT range_intersect_agg(price) FROM leases WHERE room <> 2;
SELECT room, days, days -|- '[2024-01-11,2024-02-01)'::daterange AS adj FROM leases ORDER BY days, room;
SELECT room, multi FROM leases WHERE multi @> 2 ORDER BY multi, room;
SELECT room, u FROM leases, unnest(multi) u ORDER BY room, u;
SELECT max(price), min(days) FROM leases;
SELECT room, price FROM leases ORDER BY price DESC NULLS LAST, room;

-- jsonb
SELECT id, body FROM docs ORDER BY body, id;
SELECT body, count(*) FROM docs GROUP BY body ORDER BY body;
SELECT id, body -> 'name' AS j, body ->> 'name' AS t, body #>> '{deep,k,1,q}' AS q FROM docs ORDER BY id, j;
SELECT id FROM docs WHERE body @> '{"tags": ["a"]}' ORDER BY id;
SELECT id, body ? 'n' AS has, body ?| '{x,tags}' AS any, body ?& '{n,name}' AS allof FROM docs ORDER BY id;
SELECT jsonb_typeof(body) AS t, count(*) FROM docs GROUP BY 1 ORDER BY 1;
SELECT sum((body ->> 'n')::numeric) FROM docs WHERE jsonb_typeof(body -> 'n') = 'number';
SELECT (body ->> 'n')::numeric AS n, id FROM docs WHERE body ? 'n' ORDER BY n, id;
SELECT id, body || '{"z": 9}' AS merged, body - 'name' AS less FROM docs WHERE jsonb_typeof(body) = 'object' ORDER BY id, merged;
SELECT id, jsonb_path_query_array(body, '$.tags[*]') AS p, jsonb_path_exists(body, '$.n ? (@ > 1)') AS e FROM docs ORDER BY id;
SELECT jsonb_agg(body -> 'name' ORDER BY id, body) FROM docs;
SELECT jsonb_object_agg(id, body ->> 'name' ORDER BY id) FROM docs WHERE id > 1 AND body ? 'name';
SELECT json_agg(raw ORDER BY id) FROM docs WHERE id > 1;
SELECT id, raw FROM docs WHERE id IN (1, 8) ORDER BY id, raw::text;
SELECT d.id, k FROM docs d, jsonb_object_keys(CASE jsonb_typeof(d.body) WHEN 'object' THEN d.body END) k ORDER BY 1, 2;
SELECT a.id, b.id FROM docs a JOIN docs b ON a.body -> 'tags' = b.body -> 'tags' AND a.id < b.id ORDER BY 1, 2;
SELECT id, jsonb_set(body, '{n}', '0') AS s FROM docs WHERE id = 8;
SELECT id, body['tags'][0] AS first FROM docs WHERE id < 3 ORDER BY id;
SELECT DISTINCT body FROM docs WHERE id < 4 ORDER BY body DESC;
SELECT to_jsonb(t) FROM (SELECT id, count(*) AS n FROM docs GROUP BY id) t WHERE t.n > 1;
-- args: '{"n": 1.5}' | 'name'
SELECT id, body -> $2::text AS v FROM docs WHERE body @> $1::jsonb ORDER BY id;

-- errors
INSERT INTO gear (id, pts) VALUES (9, 101);
INSERT INTO gear (id, cc) VALUES (9, 'de');
SELECT id FROM gear WHERE feel = 'angry';
SELECT (labels)[1]::int FROM gear;
SELECT pts::text::mood FROM gear;
SELECT at.street FROM spots;
SELECT (at).city FROM spots;
SELECT '[5,1)'::int4range FROM leases;
SELECT DISTINCT raw FROM docs;
SELECT (body ->> 'name')::int FROM docs;
SELECT raw FROM docs ORDER BY raw;
SELECT (id + 98)::score FROM gear;
SELECT m || labels FROM gear;
SELECT array_agg(labels) FROM gear;
