-- shard: key.parts=id
-- shard: key.uses=id
-- shard: reference=units
-- What a query groups by may be a primary key, on which the other columns depend.

CREATE TABLE parts (id int PRIMARY KEY, name text, unit text, price numeric);
CREATE TABLE uses (id int, n int, part_name text, pieces int, PRIMARY KEY (id, n));
CREATE TABLE units (unit text PRIMARY KEY, label text);
INSERT INTO units VALUES ('kg', 'kilogram'), ('m', 'metre');
INSERT INTO parts SELECT g, 'part ' || g % 5, CASE g % 3 WHEN 0 THEN 'kg' WHEN 1 THEN 'm' END, g * 1.25 FROM generate_series(1, 12) g;
INSERT INTO uses SELECT g % 4, g, 'part ' || g % 6, g % 3 FROM generate_series(1, 30) g;

SELECT p.id, p.name, p.price, count(*) AS n, sum(u.pieces) AS pieces FROM parts p JOIN uses u ON u.part_name = p.name GROUP BY p.id ORDER BY p.id;
SELECT p.id, p.name || '!' AS loud, count(u.n) AS n FROM parts p LEFT JOIN uses u ON u.part_name = p.name GROUP BY p.id HAVING count(u.n) <> 5 ORDER BY p.price;
SELECT u.id, u.n, u.part_name, max(p.price) AS dear FROM uses u JOIN parts p ON p.name = u.part_name GROUP BY u.id, u.n ORDER BY dear, u.n;
SELECT u.id, u.part_name, count(*) FROM uses u JOIN parts p ON p.name = u.part_name GROUP BY u.id;
SELECT t.unit, t.label, count(p.id) AS n FROM units t LEFT JOIN parts p ON p.unit = t.unit AND p.price > (SELECT avg(price) FROM parts) GROUP BY t.unit ORDER BY t.unit;
SELECT p.id, p.name FROM parts p GROUP BY p.id ORDER BY p.id LIMIT 4;
BEGIN;
INSERT INTO parts VALUES (100, 'part 0', 'kg', 9);
UPDATE units SET label = upper(label);
SELECT p.id, p.name, t.unit, t.label, count(*) AS n FROM parts p JOIN units t USING (unit) JOIN uses u ON u.part_name = p.name GROUP BY p.id, t.unit ORDER BY p.id;
ROLLBACK;
SELECT name, unit FROM parts GROUP BY name;
