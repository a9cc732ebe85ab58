-- shard: key.players=id
-- shard: key.games=arena
-- shard: key.scores=player
-- shard: reference=ranks
-- WITH: used once, several times, materialized or not, nested, shadowing tables, and around every kind of query.
CREATE TABLE players (id int PRIMARY KEY, nick text, team text, elo int);
CREATE TABLE games (arena text NOT NULL, no int NOT NULL, home int, away int, PRIMARY KEY (arena, no));
CREATE TABLE scores (player int NOT NULL, game int NOT NULL, points int);
CREATE TABLE ranks (team text PRIMARY KEY, level int);
CREATE TABLE notes (id int, body text);
INSERT INTO players SELECT g, 'p' || g, (ARRAY['red', 'blue', 'green'])[1 + g % 3], 1000 + (g * 37) % 200 FROM generate_series(1, 12) g;
INSERT INTO players VALUES (20, 'zed', NULL, NULL), (21, 'Zed', 'red', 1000);
INSERT INTO games SELECT 'north', g, g, g + 3 FROM generate_series(1, 6) g;
INSERT INTO games VALUES ('south', 1, 1, 2), ('south', 2, 2, 1), ('east', 1, 20, NULL);
INSERT INTO scores SELECT 4, g, g * 10 FROM generate_series(1, 5) g;
INSERT INTO scores VALUES (1, 1, 7), (1, 1, 7), (2, 1, NULL), (9, 2, 30), (20, 1, 0), (33, 9, 5);
INSERT INTO ranks VALUES ('red', 1), ('blue', 2), ('black', 3);
INSERT INTO notes VALUES (1, 'red'), (4, 'x'), (NULL, 'y');

-- used once and several times
WITH t AS (SELECT * FROM players WHERE team = 'red') SELECT id, nick FROM t ORDER BY id;
WITH t AS (SELECT team, count(*) AS n, max(elo) AS best FROM players GROUP BY team) SELECT * FROM t ORDER BY team;
WITH t AS (SELECT player, sum(points) AS total FROM scores GROUP BY player) SELECT p.nick, t.total FROM players p JOIN t ON t.player = p.id ORDER BY p.id;
WITH t AS (SELECT player, sum(points) AS total FROM scores GROUP BY player) SELECT * FROM t WHERE total = (SELECT max(total) FROM t);
WITH t AS (SELECT id, team, elo FROM players) SELECT a.id, b.id FROM t a JOIN t b ON a.team = b.team AND a.elo > b.elo ORDER BY 1, 2;
WITH a AS (SELECT team FROM players), b AS (SELECT team FROM ranks) SELECT team FROM a INTERSECT SELECT team FROM b ORDER BY team;
WITH a AS (SELECT id FROM players WHERE elo > 1100), b AS (SELECT player FROM scores WHERE points >= 10) SELECT count(*) FROM a WHERE id IN (SELECT player FROM b);
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a), c AS (SELECT x, y FROM a, b) SELECT * FROM c;
WITH g AS (SELECT arena, count(*) AS n FROM games GROUP BY arena), m AS (SELECT max(n) AS n FROM g) SELECT g.arena FROM g, m WHERE g.n = m.n;
WITH g AS (SELECT home AS p FROM games UNION ALL SELECT away FROM games) SELECT p, count(*) FROM g GROUP BY p ORDER BY p NULLS FIRST;
WITH big AS (SELECT id, elo FROM players ORDER BY elo DESC NULLS LAST, id LIMIT 4) SELECT b.id, s.points FROM big b LEFT JOIN scores s ON s.player = b.id ORDER BY 1, 2;
WITH t(a, b) AS (SELECT id, nick FROM players) SELECT b, a FROM t WHERE a > 8 ORDER BY a;
WITH t(a) AS (SELECT id, nick FROM players) SELECT a, nick FROM t WHERE a < 3 ORDER BY a;
WITH unused AS (SELECT 1 / 0 AS boom) SELECT count(*) FROM players;
WITH unused AS (SELECT * FROM scores) SELECT id FROM players WHERE id = 4;
WITH t AS (SELECT * FROM notes), u AS (SELECT * FROM players) SELECT u.nick, t.body FROM t LEFT JOIN u USING (id) ORDER BY t.body;

-- materialized or not
WITH t AS MATERIALIZED (SELECT * FROM players) SELECT id FROM t WHERE id = 3;
WITH t AS NOT MATERIALIZED (SELECT * FROM players) SELECT a.id FROM t a JOIN t b USING (id) WHERE a.id = 3;
WITH t AS MATERIALIZED (SELECT team, avg(elo) AS m FROM players GROUP BY team) SELECT p.id FROM players p JOIN t USING (team) WHERE p.elo > t.m ORDER BY id;
WITH t AS NOT MATERIALIZED (SELECT team, count(*) AS n FROM players GROUP BY team) SELECT a.team, a.n + b.n AS nn FROM t a JOIN t b USING (team) ORDER BY 1;
WITH t AS MATERIALIZED (SELECT id, row_number() OVER (ORDER BY elo, id) AS r FROM players) SELECT * FROM t WHERE r BETWEEN 3 AND 5 ORDER BY r;
WITH a AS MATERIALIZED (SELECT player FROM scores), b AS NOT MATERIALIZED (SELECT home FROM games) SELECT count(*) FROM a JOIN b ON a.player = b.home;

-- nested, and in subqueries
WITH o AS (WITH i AS (SELECT id, team FROM players WHERE id < 7) SELECT team, count(*) AS n FROM i GROUP BY team) SELECT * FROM o ORDER BY team;
WITH t AS (SELECT 1 AS v), u AS (WITH t AS (SELECT 2 AS v) SELECT v FROM t) SELECT t.v, u.v FROM t, u;
SELECT id FROM players WHERE id IN (WITH t AS (SELECT player FROM scores WHERE points > 6) SELECT player FROM t) ORDER BY id;
SELECT (WITH t AS (SELECT max(points) AS m FROM scores) SELECT m FROM t) AS m, (WITH t AS (SELECT count(*) AS c FROM games) SELECT c FROM t) AS c;
SELECT p.id, (WITH t AS (SELECT points FROM scores s WHERE s.player = p.id) SELECT sum(points) FROM t) AS s FROM players p WHERE p.id < 6 ORDER BY p.id;
SELECT * FROM (WITH t AS (SELECT team FROM players) SELECT DISTINCT team FROM t) x ORDER BY team NULLS FIRST;
SELECT x.id, y.n FROM players x, LATERAL (WITH t AS (SELECT * FROM scores s WHERE s.player = x.id) SELECT count(*) AS n FROM t) y WHERE y.n > 0 ORDER BY x.id;
WITH t AS (SELECT id FROM players) SELECT EXISTS (WITH u AS (SELECT 1 FROM t WHERE id = 12) SELECT * FROM u) AS e;
WITH a AS (SELECT id, elo FROM players) SELECT id FROM a WHERE elo > (WITH b AS (SELECT avg(elo) AS v FROM a) SELECT v FROM b) ORDER BY id;
WITH a AS (SELECT arena, home FROM games) (WITH b AS (SELECT home FROM a WHERE arena = 'south') SELECT home FROM b) UNION ALL (SELECT home FROM a WHERE arena = 'east') ORDER BY 1;

-- names that shadow tables
WITH players AS (SELECT 99 AS id, 'ghost' AS nick) SELECT * FROM players;
WITH players AS (SELECT * FROM players WHERE id < 3) SELECT count(*) FROM players;
WITH players AS (SELECT * FROM scores) SELECT sum(points) FROM players;
WITH scores AS (SELECT id AS player, 1 AS points FROM players) SELECT sum(points) FROM scores;
WITH scores AS (SELECT 5 AS points) SELECT (SELECT sum(points) FROM scores) AS cte, (SELECT sum(points) FROM public.scores) AS tab;
WITH ranks AS (SELECT DISTINCT team FROM players), players AS (SELECT team FROM ranks WHERE team > 'c') SELECT * FROM players ORDER BY team;
WITH games AS (SELECT 1 AS no) SELECT g.no, p.nick FROM games g JOIN players p ON p.id = g.no;

-- around set operations, windows, groups, values
WITH t AS (SELECT id, team FROM players) SELECT team FROM t WHERE id < 3 UNION SELECT team FROM t WHERE id > 11 ORDER BY 1;
WITH v(team, bonus) AS (VALUES ('red', 5), ('blue', 6), ('none', 7)) SELECT p.id, p.elo + v.bonus AS e FROM players p JOIN v USING (team) ORDER BY 1;
WITH v(team, bonus) AS (VALUES ('red', 5), ('none', 7)) SELECT v.team, count(p.id) FROM v LEFT JOIN players p ON p.team = v.team GROUP BY v.team ORDER BY 1;
WITH r AS (SELECT player, rank() OVER (ORDER BY sum(points) DESC NULLS LAST) AS place FROM scores GROUP BY player) SELECT place, array_agg(player ORDER BY player) FROM r GROUP BY place ORDER BY place;
WITH t AS (SELECT team, elo FROM players) SELECT team, count(*), sum(elo) FROM t GROUP BY ROLLUP (team) ORDER BY grouping(team), team;
WITH t AS (SELECT * FROM players), f AS (SELECT id FROM t WHERE elo IS NOT NULL ORDER BY elo, id LIMIT 3) SELECT t.id FROM t JOIN f ON f.id = t.id ORDER BY t.elo DESC, t.id DESC;
WITH t AS (SELECT id FROM players ORDER BY id) SELECT * FROM t LIMIT 0;
WITH t AS (SELECT p.id, s.points FROM players p FULL JOIN scores s ON s.player = p.id) SELECT count(*), count(id), count(points) FROM t;
WITH s AS (SELECT DISTINCT ON (player) player, points FROM scores ORDER BY player, points DESC NULLS LAST) SELECT * FROM s ORDER BY points NULLS FIRST, player;
TABLE players ORDER BY id LIMIT 2;
WITH t AS (TABLE ranks) TABLE t ORDER BY level DESC;

-- with arguments
-- args: 'red' | 1050
WITH t AS (SELECT id, elo FROM players WHERE team = $1) SELECT id FROM t WHERE elo > $2 ORDER BY id;
-- args: 4
WITH t AS (SELECT points FROM scores WHERE player = $1), u AS (SELECT nick FROM players WHERE id = $1) SELECT nick, sum(points) FROM t, u GROUP BY nick;
-- args: 2 | 3
WITH t AS (SELECT $1::int * id AS a, $2::int + id AS b FROM players) SELECT count(*) FILTER (WHERE a > b) AS c, sum(a - b) AS d FROM t;

-- writing queries
WITH d AS (SELECT 4 AS p) DELETE FROM scores WHERE player = (SELECT p FROM d) AND points > 40;
WITH u AS (UPDATE scores SET points = points + 1 WHERE player = 9 RETURNING player, points) SELECT player, points FROM u;
WITH i AS (INSERT INTO scores VALUES (33, 10, 6) RETURNING *) SELECT count(*), sum(points) FROM i;
SELECT player, sum(points), count(*) FROM scores GROUP BY player ORDER BY player;

-- errors
WITH t AS (SELECT id FROM players) SELECT nick FROM t;
WITH t AS (SELECT id FROM players), t AS (SELECT 1) SELECT * FROM t;
WITH a AS (SELECT * FROM b), b AS (SELECT 1 AS x) SELECT * FROM a;
WITH t(a, b, c) AS (SELECT id, nick FROM players) SELECT a FROM t;
WITH t AS MATERIALIZED (SELECT 1 / (id - 12) AS q FROM players) SELECT count(q) FROM t;
WITH t AS (SELECT id FROM players) SELECT id FROM players WHERE id = (SELECT id FROM t);
WITH t AS (SELECT count(*) AS n FROM players) SELECT (n || 'x')::int FROM t;
