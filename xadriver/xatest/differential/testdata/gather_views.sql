-- shard: key.staff=id
-- shard: key.shifts=staff_id
-- shard: key.tills=shop
-- shard: reference=jobs
-- Views over one sharded table, over joins, of views, with aggregates and renamed columns; SQL and plpgsql functions in expressions.
CREATE TABLE staff (id int PRIMARY KEY, name text, job text, boss int, pay numeric(8,2));
CREATE TABLE shifts (staff_id int NOT NULL, day date NOT NULL, hours int, shop text, PRIMARY KEY (staff_id, day));
CREATE TABLE tills (shop text NOT NULL, no int NOT NULL, cash numeric(8,2));
CREATE TABLE jobs (job text PRIMARY KEY, grade int);
CREATE TABLE memo (id int, note text);
INSERT INTO staff SELECT g, 'n' || g % 5, (ARRAY['cook', 'waiter', 'boss'])[1 + g % 3], nullif(g / 2, 0), 100 * g + 0.5 FROM generate_series(1, 9) g;
INSERT INTO staff VALUES (30, NULL, NULL, NULL, NULL), (31, 'n1', 'cook', 30, 100.50);
INSERT INTO shifts SELECT 3, date '2024-03-01' + g, g % 4 * 2, (ARRAY['mill', 'dock'])[1 + g % 2] FROM generate_series(0, 8) g;
INSERT INTO shifts VALUES (1, '2024-03-01', 8, 'mill'), (1, '2024-03-02', NULL, NULL), (5, '2024-03-01', 4, 'pier'), (77, '2024-03-05', 4, 'dock');
INSERT INTO tills VALUES ('mill', 1, 10), ('mill', 2, 20.25), ('dock', 1, NULL), ('zoo', 1, 5);
INSERT INTO jobs VALUES ('cook', 2), ('waiter', 1), ('pilot', 9);
INSERT INTO memo VALUES (1, 'x'), (3, 'y'), (30, NULL);

CREATE VIEW cooks AS SELECT id, name, pay FROM staff WHERE job = 'cook';
CREATE VIEW renamed (key, label) AS SELECT id, upper(name) FROM staff;
CREATE VIEW worked AS SELECT s.id, s.name, h.day, h.hours, h.shop FROM staff s JOIN shifts h ON h.staff_id = s.id;
CREATE VIEW places AS SELECT h.staff_id, h.day, t.no, t.cash FROM shifts h LEFT JOIN tills t ON t.shop = h.shop;
CREATE VIEW per_job AS SELECT job, count(*) AS n, sum(pay) AS pay, max(id) AS newest FROM staff GROUP BY job;
CREATE VIEW per_staff AS SELECT staff_id, sum(hours) AS hours, count(*) AS days FROM shifts GROUP BY staff_id;
CREATE VIEW graded AS SELECT s.id, s.job, j.grade FROM staff s LEFT JOIN jobs j USING (job);
CREATE VIEW busy AS SELECT p.staff_id, p.hours, s.name FROM per_staff p JOIN staff s ON s.id = p.staff_id WHERE p.hours > 3;
CREATE VIEW top3 AS SELECT id, pay FROM staff ORDER BY pay DESC NULLS LAST, id LIMIT 3;
CREATE VIEW names AS SELECT DISTINCT name FROM staff;
CREATE VIEW everybody AS SELECT id, 'staff' AS src FROM staff UNION ALL SELECT staff_id, 'shift' FROM shifts;
CREATE VIEW ranked AS SELECT id, job, rank() OVER (PARTITION BY job ORDER BY pay DESC NULLS LAST) AS place FROM staff;
CREATE VIEW chain AS WITH RECURSIVE c AS (SELECT id, boss, 1 AS depth FROM staff WHERE boss IS NULL UNION ALL SELECT s.id, s.boss, depth + 1 FROM staff s JOIN c ON s.boss = c.id) SELECT id, depth FROM c;
CREATE VIEW noted AS SELECT m.note, s.name, s.id FROM memo m JOIN staff s ON s.id = m.id;
CREATE VIEW cooks2 AS SELECT * FROM cooks WHERE pay > 200;
CREATE VIEW always AS SELECT 1 AS one, 'x'::text AS x;
CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x * 2';
CREATE FUNCTION initial(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT left(t, 1) || '.' $$;
CREATE FUNCTION bonus(pay numeric, grade int) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF grade IS NULL THEN RETURN pay; END IF; RETURN pay * (1 + grade * 0.25); END $$;
CREATE FUNCTION picky(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF x = 5 THEN RAISE EXCEPTION 'not five' USING ERRCODE = 'P0042'; END IF; RETURN x; END $$;
CREATE FUNCTION pieces(x int) RETURNS SETOF int LANGUAGE sql IMMUTABLE AS 'SELECT g FROM generate_series(1, x) g';
CREATE AGGREGATE product(int) (sfunc = int4mul, stype = int, initcond = '1');

-- views
SELECT * FROM cooks ORDER BY id;
SELECT count(*), sum(pay) FROM cooks;
SELECT name FROM cooks WHERE id = 3;
SELECT * FROM cooks2 ORDER BY id;
SELECT key, label FROM renamed ORDER BY label, key;
SELECT label, count(*) FROM renamed GROUP BY label ORDER BY label NULLS FIRST;
SELECT * FROM renamed WHERE key = 4;
SELECT * FROM worked ORDER BY id, day;
SELECT name, sum(hours) FROM worked GROUP BY name ORDER BY name;
SELECT w.id, c.pay FROM worked w LEFT JOIN cooks c ON c.id = w.id ORDER BY w.id, w.day;
SELECT * FROM places ORDER BY staff_id, day, no;
SELECT day, count(no), sum(cash) FROM places GROUP BY day ORDER BY day;
SELECT * FROM per_job ORDER BY job;
SELECT job FROM per_job WHERE n = (SELECT max(n) FROM per_job) ORDER BY job;
SELECT s.id FROM staff s JOIN per_job p ON p.newest = s.id ORDER BY s.id;
SELECT * FROM per_staff ORDER BY hours DESC NULLS LAST, staff_id;
SELECT * FROM busy ORDER BY staff_id;
SELECT b.name, g.grade FROM busy b JOIN graded g ON g.id = b.staff_id ORDER BY 1, 2;
SELECT grade, count(*) FROM graded GROUP BY grade ORDER BY grade;
SELECT * FROM top3 ORDER BY pay DESC, id;
SELECT t.id, h.day FROM top3 t LEFT JOIN shifts h ON h.staff_id = t.id ORDER BY 1, 2;
SELECT name FROM names ORDER BY name;
SELECT count(*) FROM names;
SELECT src, count(*), count(DISTINCT id) FROM everybody GROUP BY src ORDER BY src;
SELECT id FROM everybody WHERE src = 'shift' AND id > 3 ORDER BY id;
SELECT * FROM ranked WHERE place = 1 ORDER BY job, id;
SELECT id, place FROM ranked WHERE id = 6;
SELECT depth, count(*) FROM chain GROUP BY depth ORDER BY depth;
SELECT * FROM noted ORDER BY id;
SELECT a.one, s.id FROM always a, staff s WHERE s.id = a.one;
SELECT (SELECT count(*) FROM cooks) AS c, (SELECT max(hours) FROM busy) AS h, (SELECT x FROM always) AS x;
SELECT id FROM staff WHERE id IN (SELECT staff_id FROM busy) OR EXISTS (SELECT 1 FROM cooks2 c WHERE c.id = staff.id) ORDER BY id;
SELECT w FROM worked w WHERE w.id = 5;
WITH cooks AS (SELECT 1 AS id) SELECT * FROM cooks;
SELECT id FROM cooks INTERSECT SELECT staff_id FROM shifts ORDER BY id;
-- args: 3
SELECT * FROM worked WHERE id = $1 AND hours > $1 ORDER BY day;
-- args: 'cook' | 3
SELECT n, (SELECT count(*) FROM busy WHERE staff_id = $2) FROM per_job WHERE job = $1;

-- functions
SELECT id, twice(id) FROM staff WHERE twice(id) > 10 ORDER BY twice(id) DESC;
SELECT initial(name) AS i, count(*) FROM staff GROUP BY initial(name) ORDER BY i;
SELECT id, bonus(pay, j.grade) AS b FROM staff s LEFT JOIN jobs j ON j.job = s.job ORDER BY b DESC NULLS LAST, id;
SELECT sum(bonus(pay, 1)), max(twice(id)) FROM staff;
SELECT a.id, b.id FROM staff a JOIN staff b ON b.id = twice(a.id) ORDER BY 1;
SELECT s.id, p FROM staff s, pieces(s.id) p WHERE s.id < 4 ORDER BY 1, 2;
SELECT product(hours) FROM shifts WHERE hours > 0;
SELECT shop, product(hours ORDER BY day) FROM shifts GROUP BY shop ORDER BY shop;
SELECT id, product(id) OVER (ORDER BY id) AS running FROM staff WHERE id < 8 ORDER BY id;
SELECT picky(id) FROM staff WHERE id <> 5 ORDER BY 1;
SELECT id FROM staff WHERE id = twice(2);
SELECT DISTINCT twice(hours) AS t FROM shifts ORDER BY t;

-- changing views, and errors
SELECT picky(id) FROM staff;
SELECT sum(picky(staff_id)) FROM shifts;
SELECT nosuch(id) FROM staff;
SELECT twice(name) FROM staff;
SELECT id FROM cooks WHERE job = 'cook';
SELECT * FROM renamed WHERE id = 1;
CREATE VIEW cooks AS SELECT 1 AS a;
CREATE OR REPLACE VIEW cooks AS SELECT id, name, pay, boss FROM staff WHERE job = 'cook' AND pay IS NOT NULL;
SELECT * FROM cooks ORDER BY boss, id;
SELECT * FROM cooks2 ORDER BY id;
DROP VIEW cooks;
DROP TABLE jobs;
DROP VIEW cooks2, cooks;
SELECT * FROM cooks;
DROP VIEW noted;
SELECT count(*) FROM noted;
