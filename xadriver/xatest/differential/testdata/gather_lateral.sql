-- shard: key.users=id
-- shard: key.visits=user_id
-- shard: key.bags=owner
-- shard: reference=plans
-- LATERAL, VALUES, set-returning functions in FROM and in the select list, unnest WITH ORDINALITY, ROWS FROM.
CREATE TABLE users (id int PRIMARY KEY, name text, plan text, tags text[], age int);
CREATE TABLE visits (user_id int NOT NULL, n int NOT NULL, page text, secs int, PRIMARY KEY (user_id, n));
CREATE TABLE bags (owner int NOT NULL, things jsonb, nums int[], grid int[]);
CREATE TABLE plans (plan text PRIMARY KEY, price numeric(6,2), span int4range);
CREATE TABLE clicks (page text, x int);
INSERT INTO users SELECT g, 'u' || g, (ARRAY['free', 'pro', 'gold', NULL])[1 + g % 4], (ARRAY['a', 'b', 'c', 'd'])[1:g % 5], 18 + g * 3 FROM generate_series(1, 10) g;
INSERT INTO users VALUES (11, 'none', 'pro', NULL, NULL), (12, 'dup', 'free', '{a,a,NULL,b}', 18);
INSERT INTO visits SELECT 2, g, 'p' || g % 3, g * 5 FROM generate_series(1, 8) g;
INSERT INTO visits VALUES (1, 1, 'p1', 30), (1, 2, NULL, NULL), (3, 1, 'p0', 5), (3, 2, 'p0', 5), (8, 1, 'p2', 90), (12, 1, 'p1', 0);
INSERT INTO bags VALUES (1, '{"a": 1, "b": [1, 2]}', '{3,1,2}', '{{1,2},{3,4}}'), (1, '[]', '{}', NULL), (2, '[{"k": "x"}, {"k": "y", "n": 3}]', NULL, '{{5}}'), (5, NULL, '{7,NULL,7}', NULL), (9, '"s"', '{1}', '{{0,0,1}}');
INSERT INTO plans VALUES ('free', 0, '[18,30)'), ('pro', 9.90, '[30,40)'), ('gold', 99, '[40,)');
INSERT INTO clicks VALUES ('p1', 1), ('p1', 2), ('p0', 3), (NULL, 4);

-- lateral subqueries
SELECT u.id, v.n, v.page FROM users u, LATERAL (SELECT * FROM visits v WHERE v.user_id = u.id ORDER BY n DESC LIMIT 2) v ORDER BY 1, 2;
SELECT u.id, v.n FROM users u LEFT JOIN LATERAL (SELECT n FROM visits v WHERE v.user_id = u.id ORDER BY secs DESC NULLS LAST, n LIMIT 1) v ON true ORDER BY u.id;
SELECT u.id, t.c, t.s FROM users u CROSS JOIN LATERAL (SELECT count(*) AS c, sum(secs) AS s FROM visits v WHERE v.user_id = u.id) t ORDER BY u.id;
SELECT u.id, o.id AS peer FROM users u, LATERAL (SELECT id FROM users x WHERE x.plan = u.plan AND x.id > u.id ORDER BY x.id LIMIT 1) o ORDER BY 1;
SELECT u.id, c.x FROM users u JOIN LATERAL (SELECT DISTINCT page FROM visits v WHERE v.user_id = u.id) p ON true JOIN clicks c ON c.page = p.page ORDER BY 1, 2;
SELECT p.plan, t.id, t.age FROM plans p LEFT JOIN LATERAL (SELECT id, age FROM users u WHERE u.plan = p.plan ORDER BY age DESC NULLS LAST, id LIMIT 2) t ON true ORDER BY p.plan, t.id;
SELECT c.x, t.user_id FROM clicks c LEFT JOIN LATERAL (SELECT user_id FROM visits v WHERE v.page = c.page ORDER BY v.secs DESC, user_id LIMIT 1) t ON true ORDER BY c.x;
SELECT u.id, l.twice, m.more FROM users u, LATERAL (SELECT u.id * 2 AS twice) l, LATERAL (SELECT l.twice + u.age AS more) m WHERE m.more > 50 ORDER BY u.id;
SELECT v.page, t.names FROM (SELECT DISTINCT page FROM visits) v, LATERAL (SELECT string_agg(u.name, ',' ORDER BY u.id) AS names FROM users u WHERE u.id IN (SELECT user_id FROM visits w WHERE w.page = v.page)) t ORDER BY v.page;
SELECT u.id, x.k FROM users u, LATERAL (SELECT n AS k FROM visits v WHERE v.user_id = u.id UNION ALL SELECT -1 ORDER BY 1 LIMIT 2) x WHERE u.id < 4 ORDER BY 1, 2;
SELECT u.plan, count(*), max(t.n) FROM users u, LATERAL (SELECT count(*) AS n FROM visits v WHERE v.user_id = u.id) t GROUP BY u.plan ORDER BY u.plan;
SELECT u.id, w.n, w.r FROM users u, LATERAL (SELECT n, rank() OVER (ORDER BY secs DESC) AS r FROM visits v WHERE v.user_id = u.id) w WHERE w.r = 1 ORDER BY 1, 2;

-- values
SELECT * FROM (VALUES (1, 'one'), (2, 'two'), (NULL, 'none')) AS t (n, word) ORDER BY n;
SELECT u.name, t.word FROM users u JOIN (VALUES (1, 'one'), (3, 'three'), (3, 'drei'), (77, 'x')) AS t (n, word) ON t.n = u.id ORDER BY 1, 2;
SELECT t.n, u.name FROM (VALUES (1), (50), (2)) AS t (n) LEFT JOIN users u ON u.id = t.n ORDER BY t.n DESC;
SELECT count(*) FROM visits v JOIN (VALUES ('p1', 10), ('p0', 0)) AS lim (page, least) ON lim.page = v.page AND v.secs > lim.least;
SELECT id FROM users WHERE (plan, id) IN (VALUES ('pro', 1), ('pro', 5), ('gold', 5)) ORDER BY id;
SELECT u.id, t.f FROM users u, LATERAL (VALUES (u.age, 'age'), (u.id, 'id')) AS t (v, f) WHERE t.v > 30 ORDER BY 1, 2;
VALUES (1, 'a'), (2, 'b') ORDER BY 1 DESC;
VALUES (1), (2.5), (NULL);
-- args: 2 | 8 | 'x'
SELECT u.id, t.w FROM users u JOIN (VALUES ($1::int, $3::text), ($2::int, 'y')) AS t (n, w) ON u.id = t.n ORDER BY 1;

-- functions in FROM
SELECT u.id, g FROM users u, generate_series(1, u.id) g WHERE u.id < 4 ORDER BY 1, 2;
SELECT g, count(v.n) FROM generate_series(1, 4) g LEFT JOIN visits v ON v.user_id = g GROUP BY g ORDER BY g;
SELECT g.d::date AS d, u.id FROM generate_series(date '2024-01-01', date '2024-01-05', '2 days') AS g (d) LEFT JOIN users u ON u.id = extract(day FROM g.d)::int ORDER BY 1;
SELECT u.id, t FROM users u, unnest(u.tags) t ORDER BY 1, 2;
SELECT u.id, t.tag, t.i FROM users u, unnest(u.tags) WITH ORDINALITY AS t (tag, i) WHERE t.i > 1 ORDER BY u.id, t.i;
SELECT u.id, t.tag FROM users u LEFT JOIN unnest(u.tags) AS t (tag) ON t.tag <> 'a' ORDER BY 1, 2;
SELECT t.tag, count(*), array_agg(u.id ORDER BY u.id) FROM users u CROSS JOIN unnest(u.tags) AS t (tag) GROUP BY t.tag ORDER BY t.tag;
SELECT b.owner, a.x, a.i FROM bags b, unnest(b.nums) WITH ORDINALITY AS a (x, i) ORDER BY b.owner, a.i;
SELECT b.owner, a.x, a.y FROM bags b, ROWS FROM (unnest(b.nums), unnest(b.grid)) AS a (x, y) ORDER BY b.owner, a.x, a.y;
SELECT b.owner, a.x, a.y, a.o FROM bags b, unnest(b.nums, b.grid) WITH ORDINALITY AS a (x, y, o) ORDER BY b.owner, a.o;
SELECT * FROM ROWS FROM (generate_series(1, 3), unnest(ARRAY['a', 'b'])) WITH ORDINALITY AS t (n, w, o) ORDER BY o;
SELECT r.n, u.name FROM ROWS FROM (generate_series(5, 7)) AS r (n) JOIN users u ON u.id = r.n ORDER BY 1;
SELECT b.owner, e.k, e.v FROM bags b, jsonb_each(b.things) AS e (k, v) WHERE jsonb_typeof(b.things) = 'object' ORDER BY 1, 2;
SELECT b.owner, e.value ->> 'k' AS k FROM bags b CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(b.things) WHEN 'array' THEN b.things END) e ORDER BY 1, 2;
SELECT r.k, r.n FROM bags b, jsonb_to_recordset(b.things) AS r (k text, n int) WHERE b.owner = 2 ORDER BY 1;
SELECT u.id, s FROM users u, regexp_split_to_table(u.name, '') s WHERE u.id > 9 ORDER BY 1, 2;
SELECT u.id, m[1] AS d FROM users u, regexp_matches(u.name, '[0-9]', 'g') AS m ORDER BY 1, 2;
SELECT p.plan, count(u.id), min(u.age) FROM plans p LEFT JOIN users u ON p.span @> u.age GROUP BY p.plan ORDER BY p.plan;
SELECT u.id, f FROM users u, string_to_table(u.name || ',x', ',') f WHERE u.plan = 'gold' ORDER BY 1, 2;
SELECT count(*) FROM users, generate_series(1, 3);

-- set-returning functions in the select list
SELECT id, generate_series(1, 2) AS g FROM users WHERE id < 3 ORDER BY 1, 2;
SELECT id, unnest(tags) AS tag FROM users ORDER BY id, tag;
SELECT unnest(tags) AS tag, count(*) FROM users GROUP BY 1 ORDER BY 1;
SELECT DISTINCT unnest(tags) AS tag FROM users ORDER BY 1 DESC;
SELECT id, generate_series(1, 2) AS a, generate_series(1, 3) AS b FROM users WHERE id IN (4, 7) ORDER BY id, b;
SELECT owner, unnest(nums) + 1 AS x FROM bags ORDER BY 1, 2;
SELECT count(*) FROM (SELECT unnest(tags) FROM users) t;
SELECT id, unnest(tags) AS tag FROM users ORDER BY tag, id LIMIT 5;
SELECT owner, jsonb_array_elements(things) ->> 'k' AS k FROM bags WHERE owner = 2 ORDER BY 2;
SELECT generate_series(1, (SELECT count(*)::int FROM plans)) AS n ORDER BY n;
SELECT id, generate_subscripts(tags, 1) AS i FROM users WHERE cardinality(tags) > 2 ORDER BY 1, 2;

-- errors
SELECT u.id FROM users u, (SELECT n FROM visits v WHERE v.user_id = u.id) t;
SELECT u.id FROM LATERAL (SELECT u.id) t, users u;
SELECT u.id FROM users u RIGHT JOIN LATERAL (SELECT u.id AS k) t ON true;
SELECT id FROM users WHERE unnest(tags) = 'a';
SELECT * FROM users u, jsonb_array_elements((SELECT things FROM bags WHERE owner = 9)) e;
SELECT u.id, g FROM users u, generate_series(1, 3, u.id - 4) g;
SELECT CASE WHEN id > 3 THEN generate_series(1, 2) END FROM users;
SELECT sum(unnest(nums)) FROM bags;
VALUES (1, 2), (3);
SELECT u.id, t.v FROM users u, LATERAL (SELECT 10 / (u.age - 18) AS v) t ORDER BY 1;
SELECT n FROM (VALUES (1), ('x')) AS t (n);
SELECT * FROM jsonb_to_recordset('[1]') r;
