-- shard: key.members=id
-- shard: key.loans=member_id
-- shard: key.fines=town
-- shard: key.nothing=id
-- shard: reference=genres
-- Subqueries in every clause: scalar, EXISTS, IN, ANY, ALL, rows, arrays, correlated and not.
CREATE TABLE members (id bigint PRIMARY KEY, name text NOT NULL, town text, age int, mentor bigint);
CREATE TABLE loans (member_id bigint NOT NULL, book text, genre int, days int, PRIMARY KEY (member_id, book));
CREATE TABLE fines (town text NOT NULL, member bigint, amount numeric(8,2));
CREATE TABLE nothing (id int NOT NULL, v text);
CREATE TABLE genres (id int PRIMARY KEY, label text);
CREATE TABLE staff (name text, town text, boss text);
INSERT INTO members SELECT g, 'm' || g, (ARRAY['Kisii', 'Nairobi', NULL, 'Mombasa'])[1 + g % 4], 20 + g % 7, nullif(g / 3, 0) FROM generate_series(1, 16) g;
INSERT INTO loans SELECT 5, 'b' || g, g % 3, g * 2 FROM generate_series(1, 9) g;
INSERT INTO loans VALUES (1, 'b1', 0, 4), (1, 'b3', NULL, NULL), (2, 'b3', 1, 18), (12, 'b1', 2, 4), (12, 'b9', 2, NULL), (16, 'b7', 9, 30), (40, 'b1', 0, 1);
INSERT INTO fines VALUES ('Kisii', 5, 2.50), ('Kisii', 4, 2.50), ('Kisii', NULL, 9), ('Nairobi', 5, 0.75), ('Nairobi', 1, NULL), ('Lamu', 2, 4), ('Lamu', 2, 4);
INSERT INTO genres VALUES (0, 'crime'), (1, 'poetry'), (2, NULL), (3, 'maps');
INSERT INTO staff VALUES ('m1', 'Kisii', NULL), ('Zoe', 'Lamu', 'm1'), ('m5', NULL, 'm1'), ('Abe', 'Kisii', 'Zoe');

-- scalar subqueries in the select list
SELECT id, (SELECT count(*) FROM loans l WHERE l.member_id = m.id) AS n FROM members m ORDER BY id;
SELECT id, (SELECT sum(amount) FROM fines f WHERE f.town = m.town) AS town_fines FROM members m ORDER BY id;
SELECT id, (SELECT max(days) FROM loans) AS longest FROM members WHERE id < 4 ORDER BY id;
SELECT id, (SELECT m2.name FROM members m2 WHERE m2.id = m.mentor) AS mentor FROM members m ORDER BY id;
SELECT book, (SELECT label FROM genres g WHERE g.id = l.genre) AS label, (SELECT name FROM members m WHERE m.id = l.member_id) AS name FROM loans l ORDER BY member_id, book;
SELECT name, (SELECT count(*) FROM members m WHERE m.town = s.town), (SELECT count(*) FROM members m WHERE m.town IS NOT DISTINCT FROM s.town) FROM staff s ORDER BY name;
SELECT (SELECT count(*) FROM members), (SELECT count(*) FROM loans), (SELECT count(*) FROM nothing), (SELECT count(*) FROM genres), (SELECT count(*) FROM staff);
SELECT (SELECT v FROM nothing), (SELECT sum(id) FROM nothing), (SELECT count(v) FROM nothing);
SELECT (SELECT min(book) FROM loans WHERE days > (SELECT avg(days) FROM loans)) AS b;
SELECT id, (SELECT string_agg(book, '+' ORDER BY book DESC) FROM loans l WHERE l.member_id = m.id AND l.days > m.age / 10) FROM members m WHERE id <= 5 ORDER BY id;
SELECT town, (SELECT count(*) FROM loans l WHERE l.member_id = min(m.id)) AS of_first FROM members m GROUP BY town ORDER BY town;
SELECT id, (SELECT (SELECT count(*) FROM fines f WHERE f.member = l.member_id) + count(*) FROM loans l WHERE l.member_id = m.id GROUP BY l.member_id) AS both FROM members m ORDER BY id;
SELECT 1 + (SELECT count(*) FROM members WHERE town = 'Kisii') * 2 AS x;
SELECT CASE WHEN (SELECT count(*) FROM loans) > 10 THEN 'many' ELSE 'few' END AS c, coalesce((SELECT v FROM nothing LIMIT 1), 'none') AS d;

-- EXISTS and NOT EXISTS
SELECT id FROM members m WHERE EXISTS (SELECT 1 FROM loans l WHERE l.member_id = m.id) ORDER BY id;
SELECT id FROM members m WHERE NOT EXISTS (SELECT 1 FROM loans l WHERE l.member_id = m.id) ORDER BY id;
SELECT id FROM members m WHERE EXISTS (SELECT FROM fines f WHERE f.town = m.town AND f.member = m.id) ORDER BY id;
SELECT id, town FROM members m WHERE NOT EXISTS (SELECT 1 FROM fines f WHERE f.town = m.town) ORDER BY id;
SELECT id FROM members m WHERE EXISTS (SELECT 1 FROM members o WHERE o.mentor = m.id AND o.town = m.town) ORDER BY id;
SELECT count(*) FROM members WHERE EXISTS (SELECT 1 FROM nothing);
SELECT count(*) FROM members WHERE NOT EXISTS (SELECT 1 FROM nothing WHERE v = 'x');
SELECT name FROM staff s WHERE EXISTS (SELECT 1 FROM members m WHERE m.name = s.name) ORDER BY name;
SELECT label FROM genres g WHERE NOT EXISTS (SELECT 1 FROM loans l WHERE l.genre = g.id);
SELECT id, EXISTS (SELECT 1 FROM loans l WHERE l.member_id = m.id AND days IS NULL) AS open, NOT EXISTS (SELECT 1 FROM fines f WHERE f.member = m.id) AS clean FROM members m ORDER BY id;
SELECT id FROM members m WHERE EXISTS (SELECT 1 FROM loans l WHERE l.member_id = m.id AND EXISTS (SELECT 1 FROM genres g WHERE g.id = l.genre AND g.label = 'crime')) OR m.age > 25 ORDER BY id;
SELECT EXISTS (SELECT 1 FROM loans WHERE days > 29), EXISTS (SELECT 1 FROM loans WHERE days > 30);

-- IN and NOT IN, with NULLs
SELECT id FROM members WHERE id IN (SELECT member_id FROM loans) ORDER BY id;
SELECT id FROM members WHERE id NOT IN (SELECT member_id FROM loans) ORDER BY id;
SELECT id FROM members WHERE id IN (SELECT member FROM fines) ORDER BY id;
SELECT id FROM members WHERE id NOT IN (SELECT member FROM fines) ORDER BY id;
SELECT id FROM members WHERE id NOT IN (SELECT member FROM fines WHERE member IS NOT NULL) ORDER BY id;
SELECT id FROM members WHERE town NOT IN (SELECT town FROM fines) ORDER BY id;
SELECT id FROM members WHERE id NOT IN (SELECT id FROM nothing) AND id > 13 ORDER BY id;
SELECT id, id IN (SELECT member FROM fines) AS fined, id NOT IN (SELECT member FROM fines) AS clean FROM members ORDER BY id;
SELECT id, town IN (SELECT town FROM fines) AS t, NULL IN (SELECT id FROM nothing) AS n, NULL IN (SELECT town FROM fines) AS o FROM members WHERE id < 5 ORDER BY id;
SELECT member_id, book FROM loans WHERE book IN (SELECT book FROM loans WHERE member_id = 1) ORDER BY 1, 2;
SELECT member_id, book FROM loans WHERE (book, genre) IN (SELECT book, genre FROM loans WHERE member_id = 12) ORDER BY 1, 2;
SELECT member_id, book FROM loans WHERE (book, genre) NOT IN (SELECT book, genre FROM loans WHERE member_id = 1) ORDER BY 1, 2;
SELECT name FROM members WHERE name IN (SELECT name FROM staff UNION SELECT boss FROM staff) ORDER BY name;
SELECT id FROM members WHERE id IN (SELECT member_id FROM loans WHERE genre IN (SELECT id FROM genres WHERE label LIKE '%o%')) ORDER BY id;
SELECT count(*) FROM loans WHERE genre NOT IN (SELECT id FROM genres WHERE label IS NOT NULL);
SELECT id FROM members WHERE id IN (SELECT member_id FROM loans GROUP BY member_id HAVING count(*) > 1) ORDER BY id;

-- ANY, ALL, SOME
SELECT id FROM members WHERE id > ALL (SELECT days FROM loans WHERE member_id = 5 AND days < 12) ORDER BY id;
SELECT id, age FROM members WHERE id * 3 < ANY (SELECT days FROM loans) ORDER BY id;
SELECT id FROM members WHERE age >= ALL (SELECT age FROM members) ORDER BY id;
SELECT id FROM members WHERE age <> ALL (SELECT days FROM loans) ORDER BY id;
SELECT id FROM members WHERE id <> ALL (SELECT days FROM loans WHERE days IS NOT NULL) ORDER BY id;
SELECT count(*) FROM members WHERE age > ALL (SELECT id FROM nothing);
SELECT count(*) AS n, bool_and(id > ALL (SELECT id FROM nothing)) AS a, bool_or(id > ANY (SELECT id FROM nothing)) AS o FROM members;
SELECT id FROM members WHERE town = SOME (SELECT town FROM fines WHERE amount > 3) ORDER BY id;
SELECT id FROM members WHERE name LIKE ANY (SELECT 'm_' || member_id FROM loans) ORDER BY id;
SELECT id FROM members WHERE id = ANY (ARRAY(SELECT member_id FROM loans WHERE book = 'b1')) ORDER BY id;

-- rows
SELECT member_id, book FROM loans WHERE (member_id, days) = (SELECT member_id, max(days) FROM loans WHERE member_id = 5 GROUP BY member_id);
SELECT id FROM members WHERE (age, town) = (SELECT age, town FROM members WHERE id = 1) ORDER BY id;
SELECT id FROM members WHERE (age, id) > (SELECT age, id FROM members WHERE id = 5) ORDER BY age, id;
SELECT id FROM members WHERE (town, id) >= ALL (SELECT town, member FROM fines WHERE member IS NOT NULL AND town <> 'Nairobi') ORDER BY id;
SELECT id FROM members WHERE ROW(town, age) IS NOT DISTINCT FROM ROW(NULL::text, 22) ORDER BY id;
SELECT (SELECT l FROM loans l WHERE l.member_id = 16), (SELECT ROW(id, label) FROM genres WHERE id = 3);
SELECT (SELECT ROW(f.town, f.amount) = ROW('Lamu'::text, 4::numeric) FROM fines f WHERE f.member = 4);

-- arrays of subqueries
SELECT ARRAY(SELECT DISTINCT genre FROM loans ORDER BY genre NULLS FIRST) AS g, ARRAY(SELECT id FROM nothing) AS e;
SELECT id, ARRAY(SELECT book FROM loans l WHERE l.member_id = m.id ORDER BY book) AS books FROM members m WHERE id IN (1, 3, 5, 12) ORDER BY id;
SELECT town, ARRAY(SELECT f.member FROM fines f WHERE f.town = m.town ORDER BY f.member) AS fined FROM members m GROUP BY town ORDER BY town NULLS FIRST;
SELECT cardinality(ARRAY(SELECT member_id FROM loans)), (ARRAY(SELECT town FROM fines ORDER BY town DESC, amount))[1];
SELECT label, ARRAY(SELECT DISTINCT m.name FROM loans l JOIN members m ON m.id = l.member_id WHERE l.genre = g.id ORDER BY m.name) FROM genres g ORDER BY g.id;

-- in other clauses
SELECT town, count(*) FROM members GROUP BY town HAVING count(*) >= (SELECT count(*) FROM fines WHERE town = 'Lamu') + 2 ORDER BY town;
SELECT town, count(*) FROM members m GROUP BY town HAVING EXISTS (SELECT 1 FROM fines f WHERE f.town = m.town) ORDER BY town;
SELECT id FROM members m ORDER BY (SELECT count(*) FROM loans l WHERE l.member_id = m.id) DESC, id LIMIT 5;
SELECT id FROM members ORDER BY id LIMIT (SELECT count(*) FROM genres) OFFSET (SELECT min(member_id) FROM loans);
SELECT (SELECT town FROM members x WHERE x.id = m.mentor) AS t, count(*) FROM members m GROUP BY 1 ORDER BY 1;
SELECT m.id, l.book FROM members m JOIN loans l ON l.member_id = (SELECT min(member) FROM fines WHERE town = m.town) ORDER BY 1, 2;
SELECT m.id, l.book FROM members m LEFT JOIN loans l ON l.member_id = m.id AND l.days = (SELECT max(days) FROM loans x WHERE x.member_id = m.id) ORDER BY 1, 2;
SELECT count(*) FILTER (WHERE id IN (SELECT member_id FROM loans)) AS readers, count(*) FILTER (WHERE EXISTS (SELECT 1 FROM fines f WHERE f.member = m.id)) AS fined FROM members m;
SELECT sum((SELECT count(*) FROM fines f WHERE f.member = m.id)) AS s FROM members m;
SELECT max(id) FROM members WHERE age = (SELECT max(age) FROM members WHERE town = 'Kisii');
SELECT x.t, x.n FROM (SELECT town AS t, (SELECT count(*) FROM loans) AS n FROM fines) x WHERE x.t > (SELECT min(town) FROM fines) ORDER BY 1;
SELECT * FROM (SELECT * FROM (SELECT id, town FROM members WHERE id > 2) a WHERE id < 9) b WHERE town = 'Nairobi' ORDER BY id;
SELECT * FROM (SELECT id, age FROM members ORDER BY age DESC, id LIMIT 5) t ORDER BY id;
SELECT avg(n), max(n) FROM (SELECT member_id, count(*) AS n FROM loans GROUP BY member_id) t;
SELECT n, count(*) FROM (SELECT count(*) AS n FROM loans GROUP BY member_id) t GROUP BY n ORDER BY n DESC;

-- with arguments
-- args: 5
SELECT id, (SELECT count(*) FROM loans WHERE member_id = $1) FROM members WHERE id <> $1 AND id < $1 + 2 ORDER BY id;
-- args: 'Kisii' | 2
SELECT name FROM members WHERE town = $1 AND age > (SELECT min(age) + $2 FROM members WHERE town = $1) ORDER BY name;
-- args: '{b1,b9}'
SELECT id FROM members m WHERE EXISTS (SELECT 1 FROM loans l WHERE l.member_id = m.id AND l.book = ANY ($1::text[])) ORDER BY id;
-- args: NULL
SELECT count(*) FROM members WHERE town IS NOT DISTINCT FROM $1::text OR id IN (SELECT member FROM fines WHERE town = $1);

-- errors
SELECT id, (SELECT book FROM loans l WHERE l.member_id = m.id) FROM members m;
SELECT (SELECT town FROM fines);
SELECT id FROM members WHERE town = (SELECT town FROM members WHERE age = 22);
SELECT id FROM members WHERE (id, age) = (SELECT member_id, days FROM loans);
SELECT id FROM members WHERE id IN (SELECT member_id, book FROM loans);
SELECT (SELECT id, name FROM members WHERE id = 1);
SELECT id FROM members WHERE id IN (SELECT book FROM loans);
SELECT id FROM members WHERE EXISTS (SELECT 1 FROM loans WHERE loans.member_id = m.id);
SELECT id FROM members WHERE (SELECT id FROM members WHERE id = 1);
SELECT town, (SELECT count(*) FROM loans l WHERE l.member_id = m.id) FROM members m GROUP BY town;
SELECT id FROM members WHERE id > (SELECT 1 / (count(*) - 16) FROM members);
SELECT id FROM members ORDER BY id LIMIT (SELECT -1);
