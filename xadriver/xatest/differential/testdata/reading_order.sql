-- shard: key.people=team
-- shard: key.empty=k
-- ORDER BY: several keys, expressions, positions, aliases, nulls, columns that are not shown.
CREATE TABLE people (team int NOT NULL, id int NOT NULL, name text, age int, pay numeric(8,2), joined date, active bool, tag varchar(8), PRIMARY KEY (team, id));
CREATE TABLE empty (k int PRIMARY KEY, v text);
INSERT INTO people VALUES
  (1, 1, 'Zoe', 31, 1200.50, '2020-01-31', true, 'a'),
  (1, 2, 'adam', 25, NULL, '2021-02-28', false, 'b'),
  (1, 3, 'Bert', NULL, 900.00, NULL, true, NULL),
  (1, 4, NULL, 25, 1200.50, '2020-01-31', NULL, 'b'),
  (1, 5, 'Zoe', 40, 0.00, '1999-12-31', true, 'A'),
  (1, 6, 'adam', 25, -5.25, '2021-02-28', false, 'B'),
  (2, 1, 'émile', 31, 1200.50, '2024-02-29', true, 'c'),
  (2, 2, 'Emil', 31, 700.00, NULL, false, 'a'),
  (2, 3, 'bert', NULL, NULL, '2020-01-31', NULL, NULL),
  (3, 1, 'Carl', 60, 99999.99, '1970-01-01', true, 'zz'),
  (4, 1, 'dora', 18, 1.00, '2024-03-01', false, 'c'),
  (4, 2, 'Dora', 18, 1.00, '2024-03-01', false, 'd'),
  (9, 1, '', 0, 10.00, '2000-01-01', true, ''),
  (17, 1, 'Yan', 31, 1200.50, '2020-01-31', true, 'a'),
  (17, 2, NULL, NULL, NULL, NULL, NULL, NULL);

SELECT team, id FROM people ORDER BY team, id;
SELECT team, id FROM people ORDER BY team DESC, id;
SELECT team, id FROM people ORDER BY team DESC, id DESC;
SELECT team, id FROM people ORDER BY id, team;
SELECT * FROM people ORDER BY team, id;
SELECT p.* FROM people p ORDER BY p.id DESC, p.team;
SELECT name, team, id FROM people ORDER BY name, team, id;
SELECT name, team, id FROM people ORDER BY name DESC, team, id;
SELECT name, team, id FROM people ORDER BY name NULLS FIRST, team, id;
SELECT name, team, id FROM people ORDER BY name DESC NULLS LAST, team, id;
SELECT name, team, id FROM people ORDER BY name COLLATE "C", team, id;
SELECT name, team, id FROM people ORDER BY name COLLATE "C" DESC, team DESC, id DESC;
SELECT age, pay, team, id FROM people ORDER BY age, pay DESC, team, id;
SELECT age, pay, team, id FROM people ORDER BY age DESC NULLS LAST, pay NULLS FIRST, team, id;
SELECT age FROM people ORDER BY age;
SELECT age FROM people ORDER BY age DESC;
SELECT age FROM people ORDER BY age NULLS FIRST;
SELECT pay FROM people WHERE pay IS NOT NULL ORDER BY pay;
SELECT active FROM people ORDER BY active;
SELECT active, team, id FROM people ORDER BY active DESC, id, team;
SELECT joined FROM people ORDER BY joined DESC;
SELECT tag FROM people ORDER BY tag;
SELECT tag FROM people ORDER BY tag COLLATE "C" DESC NULLS LAST;

-- columns and expressions that are not shown
SELECT name FROM people ORDER BY team, id;
SELECT name FROM people ORDER BY pay DESC NULLS LAST, age, team, id;
SELECT id FROM people ORDER BY team * 100 + id DESC;
SELECT team, id FROM people ORDER BY id % 2, team, id;
SELECT team, id FROM people ORDER BY -team, -id;
SELECT name FROM people ORDER BY lower(name), team, id;
SELECT name FROM people ORDER BY length(name) DESC NULLS LAST, name COLLATE "C", team, id;
SELECT team, id, age FROM people ORDER BY coalesce(age, 100), team, id;
SELECT team, id, age FROM people ORDER BY age IS NULL, age, team, id;
SELECT team, id, name FROM people ORDER BY CASE WHEN name LIKE 'Z%' THEN 0 WHEN name IS NULL THEN 2 ELSE 1 END, team, id;
SELECT team, id FROM people ORDER BY extract(month FROM joined), team, id;
SELECT team, id FROM people ORDER BY (team, id);
SELECT team, id FROM people ORDER BY (id, team) DESC;
SELECT team, id FROM people ORDER BY ROW(active, id, team);
SELECT team, id FROM people ORDER BY ARRAY[id, team] DESC;
SELECT team, id FROM people ORDER BY pay / nullif(age, 0) DESC NULLS LAST, team, id;
SELECT team, id FROM people ORDER BY name = 'Zoe', name, team, id;
SELECT team, id FROM people ORDER BY age BETWEEN 20 AND 35 DESC, team, id;
SELECT name || '!' FROM people ORDER BY name || '!', team;
SELECT 1 FROM people ORDER BY team;
SELECT 'x' AS same, NULL AS nothing FROM people ORDER BY name;

-- positions and aliases
SELECT team, id FROM people ORDER BY 1, 2;
SELECT team, id FROM people ORDER BY 2 DESC, 1 DESC;
SELECT id, team, id FROM people ORDER BY 3, 2;
SELECT upper(name), team, id FROM people ORDER BY 1 NULLS FIRST, 2, 3;
SELECT *, age + 1 FROM people ORDER BY 9, 1, 2;
SELECT team AS t, id AS i FROM people ORDER BY t DESC, i;
SELECT age * 2 AS double, team, id FROM people ORDER BY double DESC, team, id;
SELECT team AS id, id AS team FROM people ORDER BY id, team;
SELECT -id AS id, team FROM people ORDER BY id, team;
SELECT -id AS id, team FROM people ORDER BY id + 0, team;
SELECT -id AS id, team FROM people ORDER BY people.id, people.team;
SELECT -id AS id, team FROM people p ORDER BY p.id DESC, team DESC;
SELECT age AS name, name AS age, team, id FROM people ORDER BY name, people.team, people.id;
SELECT age AS name, name AS age, team, id FROM people ORDER BY lower(name), team, id;
SELECT name AS "Name", id AS "ID", team FROM people ORDER BY "Name", "ID", team;
SELECT team AS "order", id AS "by" FROM people ORDER BY "order", "by";
SELECT team + 0.5 AS x, id FROM people ORDER BY x, id;
SELECT id AS x, id AS x, team FROM people ORDER BY x, team;
SELECT id, team FROM people ORDER BY id, id DESC, team, 1, 2;
SELECT team, id FROM people ORDER BY 'x'::text, team, id;
SELECT team, id FROM people ORDER BY NULL::int, team, id;
SELECT team, id FROM people ORDER BY 1 + 1, team, id;

-- operators
SELECT team, id FROM people ORDER BY team USING <, id USING >;
SELECT team, id FROM people ORDER BY team USING >, id USING <;
SELECT age, team, id FROM people ORDER BY age USING > NULLS LAST, team, id;
SELECT age, team, id FROM people ORDER BY age USING OPERATOR(pg_catalog.<) NULLS FIRST, team, id;
SELECT name, team, id FROM people ORDER BY name USING ~<~, team, id;
SELECT name, team, id FROM people ORDER BY name USING ~>~, team, id;

-- with conditions, parameters, and few rows
SELECT id, name FROM people WHERE team = 1 ORDER BY name, id;
-- args: 1
SELECT id, name FROM people WHERE team = $1 ORDER BY name DESC, id DESC;
-- args: 25 | 1
SELECT team, id FROM people WHERE age >= $1 ORDER BY age + $2, team, id;
-- args: 30
SELECT team, id FROM people ORDER BY abs(age - $1::int), team, id;
-- args: 10
SELECT team * $1::int AS scaled, id FROM people ORDER BY scaled DESC, id;
-- args: '{1,3,9}'
SELECT team, id FROM people WHERE team = ANY ($1::int[]) ORDER BY id, team;
SELECT team, id FROM people WHERE team IN (1, 2, 4) ORDER BY pay NULLS FIRST, team, id;
SELECT team, id FROM people WHERE team IN (5, 6, 7) ORDER BY team;
SELECT team, id FROM people WHERE false ORDER BY team;
SELECT team, id FROM people WHERE name IS NULL ORDER BY team, id;
SELECT team, id FROM people WHERE team = 3 OR age = 31 ORDER BY team, id;
SELECT team, id, name FROM people WHERE name ILIKE '%e%' ORDER BY name, team, id;
SELECT k, v FROM empty ORDER BY v, k;
SELECT v FROM empty ORDER BY k DESC;
TABLE empty ORDER BY 1;
TABLE people ORDER BY id, team;
SELECT DISTINCT team FROM people ORDER BY team DESC;

-- ties may come in any order
-- ties
SELECT age, name FROM people ORDER BY age;
-- ties
SELECT team, id FROM people ORDER BY active NULLS FIRST;
-- ties
SELECT team, id FROM people ORDER BY NULL::text;

-- mistakes
SELECT team, id FROM people ORDER BY 3;
SELECT team, id FROM people ORDER BY 0;
SELECT team, id FROM people ORDER BY -1;
SELECT team, id FROM people ORDER BY 1.5;
SELECT team, id FROM people ORDER BY 'team';
SELECT team, id FROM people ORDER BY nobody;
SELECT team, id FROM people p ORDER BY people.id;
SELECT team AS x, id AS x FROM people ORDER BY x;
SELECT team AS x, id FROM people ORDER BY x + 1;
SELECT team, id FROM people ORDER BY team USING &&;
SELECT team, id FROM people ORDER BY team USING +;
SELECT team, id FROM people ORDER BY count(*);
SELECT team, id FROM people ORDER BY name COLLATE "nowhere";
SELECT team, id FROM people ORDER BY id COLLATE "C";
SELECT team FROM people ORDER BY 10 / (team - 3), team;
SELECT DISTINCT team FROM people ORDER BY id;
SELECT team, id FROM people ORDER BY;
