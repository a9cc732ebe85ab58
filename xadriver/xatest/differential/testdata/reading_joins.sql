-- shard: key.customers=id
-- shard: key.orders=customer
-- shard: key.lines=customer
-- shard: key.profiles=customer_id
-- shard: reference=countries,rates
-- Joins of tables that lie together by their key, and with reference tables: ordered, grouped, limited.
CREATE TABLE countries (code text PRIMARY KEY, title text, zone int);
CREATE TABLE rates (code text NOT NULL, year int NOT NULL, rate numeric(6,3), PRIMARY KEY (code, year));
CREATE TABLE customers (id bigint PRIMARY KEY, name text, country text REFERENCES countries, credit numeric(10,2));
CREATE TABLE orders (customer bigint NOT NULL REFERENCES customers (id), no int NOT NULL, placed date, state text, total numeric(10,2), PRIMARY KEY (customer, no));
CREATE TABLE lines (customer bigint NOT NULL, no int NOT NULL, line int NOT NULL, item text, qty int, price numeric(8,2), PRIMARY KEY (customer, no, line), FOREIGN KEY (customer, no) REFERENCES orders (customer, no));
CREATE TABLE profiles (customer_id bigint PRIMARY KEY, bio text, age smallint);
INSERT INTO countries VALUES ('de', 'Germany', 1), ('fr', 'France', 1), ('jp', 'Japan', 9), ('xx', NULL, NULL);
INSERT INTO rates VALUES ('de', 2023, 1.5), ('de', 2024, 1.25), ('fr', 2024, 2), ('jp', 2023, NULL);
INSERT INTO customers SELECT i, 'cust ' || i % 6, (ARRAY['de', 'fr', 'jp', NULL])[i % 4 + 1], CASE WHEN i % 5 > 0 THEN i * 10.5 END FROM generate_series(1, 14) i;
INSERT INTO orders SELECT c, n, date '2024-01-01' + (c * 3 + n * 7) % 60, (ARRAY['new', 'paid', 'Paid', NULL])[(c + n) % 4 + 1], CASE WHEN n % 4 > 0 THEN c * 1.25 + n END FROM generate_series(1, 9) c, generate_series(1, 5) n WHERE n <= 5 - c % 4;
INSERT INTO orders SELECT 1, n, date '2024-03-01', 'bulk', 0.5 FROM generate_series(100, 120) n;
INSERT INTO lines SELECT o.customer, o.no, l, 'item ' || (o.no + l) % 3, l * 2 - 1, (l + o.no % 3) * 0.25 FROM orders o, generate_series(1, 3) l WHERE o.customer IN (1, 2, 5, 9) AND o.no < 100 AND (o.no + l) % 3 > 0;
INSERT INTO profiles VALUES (1, 'first', 40), (2, NULL, 22), (5, 'fifth', NULL), (13, 'late', 22), (99, 'no customer', 1);

SELECT c.id, c.name, o.no, o.total FROM customers c JOIN orders o ON o.customer = c.id WHERE o.no < 100 ORDER BY c.id, o.no;
SELECT c.name, o.placed, o.total FROM customers c JOIN orders o ON o.customer = c.id ORDER BY o.total DESC NULLS LAST, c.id, o.no LIMIT 7;
SELECT c.id, o.no FROM customers c, orders o WHERE c.id = o.customer AND o.state = 'paid' ORDER BY o.placed, c.id, o.no;
SELECT c.id, o.no, l.line FROM customers c JOIN orders o ON o.customer = c.id JOIN lines l ON l.customer = o.customer AND l.no = o.no ORDER BY l.price * l.qty DESC, c.id, o.no, l.line LIMIT 10;
SELECT customer, no, state, item FROM orders JOIN lines USING (customer, no) ORDER BY item, customer, no, line;
SELECT o.customer, no, line FROM orders o JOIN lines l USING (customer, no) ORDER BY line DESC, o.customer, no OFFSET 5 LIMIT 5;
SELECT * FROM orders NATURAL JOIN lines WHERE line = 1 ORDER BY customer, no;
SELECT c.id, p.bio FROM customers c LEFT JOIN profiles p ON p.customer_id = c.id ORDER BY c.id;
SELECT c.id, p.age FROM customers c LEFT JOIN profiles p ON p.customer_id = c.id ORDER BY p.age NULLS FIRST, c.id LIMIT 12;
SELECT p.customer_id, c.id FROM customers c RIGHT JOIN profiles p ON p.customer_id = c.id ORDER BY p.customer_id;
SELECT c.id, p.customer_id FROM customers c FULL JOIN profiles p ON p.customer_id = c.id ORDER BY c.id, p.customer_id;
SELECT c.id, o.no FROM customers c LEFT JOIN orders o ON o.customer = c.id AND o.no = 2 ORDER BY o.no, c.id;
SELECT c.id, o.no FROM customers c LEFT JOIN orders o ON o.customer = c.id WHERE o.no IS NULL ORDER BY c.id DESC;
SELECT a.no, b.no FROM orders a JOIN orders b ON a.customer = b.customer AND a.no < b.no WHERE b.no < 100 ORDER BY a.customer, a.no, b.no;
SELECT c.id, k.title FROM customers c JOIN countries k ON k.code = c.country ORDER BY k.title, c.id;
SELECT c.id, k.title FROM customers c LEFT JOIN countries k ON k.code = c.country ORDER BY k.title NULLS FIRST, c.id;
SELECT c.id, r.rate FROM customers c JOIN rates r ON r.code = c.country AND r.year = 2024 ORDER BY r.rate, c.id;
SELECT c.id, r.year FROM customers c LEFT JOIN rates r ON r.code = c.country ORDER BY c.id, r.year;
SELECT c.id, k.zone FROM customers c, countries k WHERE c.id < 3 ORDER BY c.id, k.code;
SELECT o.customer, o.no, k.title, o.total * r.rate AS due FROM orders o JOIN customers c ON c.id = o.customer JOIN countries k ON k.code = c.country LEFT JOIN rates r ON r.code = k.code AND r.year = 2024 ORDER BY due DESC NULLS LAST, o.customer, o.no LIMIT 9;
SELECT DISTINCT c.name FROM customers c JOIN orders o ON o.customer = c.id ORDER BY c.name;
SELECT DISTINCT c.country, o.state FROM customers c JOIN orders o ON o.customer = c.id ORDER BY 1, 2;
SELECT DISTINCT l.item, k.title FROM lines l JOIN customers c ON c.id = l.customer LEFT JOIN countries k ON k.code = c.country ORDER BY l.item, k.title;
SELECT DISTINCT ON (c.country) c.country, o.no, o.total FROM customers c JOIN orders o ON o.customer = c.id ORDER BY c.country, o.total DESC NULLS LAST, o.no, c.id;
SELECT DISTINCT ON (o.state) o.state, c.name, o.placed FROM orders o JOIN customers c ON c.id = o.customer ORDER BY o.state, o.placed, c.id, o.no;

-- grouped
SELECT count(*) FROM customers c JOIN orders o ON o.customer = c.id;
SELECT count(*), count(o.no), count(DISTINCT c.id), sum(o.total) FROM customers c LEFT JOIN orders o ON o.customer = c.id;
SELECT count(*), sum(l.qty * l.price), avg(l.price), max(o.placed) FROM orders o JOIN lines l ON l.customer = o.customer AND l.no = o.no;
SELECT c.country, count(*), sum(o.total) FROM customers c JOIN orders o ON o.customer = c.id GROUP BY c.country ORDER BY c.country;
SELECT c.name, count(o.no), max(o.total) - min(o.total) FROM customers c LEFT JOIN orders o ON o.customer = c.id GROUP BY c.name ORDER BY 2 DESC, 1;
SELECT c.id, c.name, count(o.no) FROM customers c LEFT JOIN orders o ON o.customer = c.id GROUP BY c.id ORDER BY c.id;
SELECT c.id, c.name, c.credit - coalesce(sum(o.total), 0) AS rest FROM customers c LEFT JOIN orders o ON o.customer = c.id GROUP BY c.id ORDER BY rest NULLS FIRST, c.id LIMIT 6;
SELECT o.state, count(*), string_agg(c.name, ',' ORDER BY c.id, o.no) FROM orders o JOIN customers c ON c.id = o.customer WHERE o.no < 4 GROUP BY o.state ORDER BY o.state;
SELECT l.item, sum(l.qty), avg(l.qty), count(DISTINCT o.customer) FROM lines l JOIN orders o ON o.customer = l.customer AND o.no = l.no GROUP BY l.item ORDER BY sum(l.qty) DESC, l.item;
SELECT k.title, count(*), sum(o.total) FROM orders o JOIN customers c ON c.id = o.customer JOIN countries k ON k.code = c.country GROUP BY k.title ORDER BY k.title;
SELECT k.code, k.title, count(c.id) FROM customers c JOIN countries k ON k.code = c.country GROUP BY k.code ORDER BY 3 DESC, 1;
SELECT k.zone, avg(c.credit), bool_or(c.credit > 100) FROM customers c JOIN countries k ON k.code = c.country GROUP BY k.zone ORDER BY k.zone;
SELECT date_trunc('month', o.placed) AS m, c.country, sum(l.qty * l.price) FROM orders o JOIN lines l USING (customer, no) JOIN customers c ON c.id = customer GROUP BY m, c.country ORDER BY m, c.country;
SELECT c.country, o.state, count(*) FROM customers c JOIN orders o ON o.customer = c.id GROUP BY c.country, o.state HAVING count(*) > 1 ORDER BY count(*) DESC, c.country, o.state;
SELECT c.country FROM customers c JOIN orders o ON o.customer = c.id GROUP BY c.country HAVING sum(o.total) > 40 ORDER BY sum(o.total);
SELECT o.customer, o.no, sum(l.price * l.qty) AS value FROM orders o JOIN lines l ON l.customer = o.customer AND l.no = o.no GROUP BY o.customer, o.no ORDER BY value DESC, o.customer, o.no LIMIT 4;
SELECT p.age, count(*), min(c.name) FROM customers c JOIN profiles p ON p.customer_id = c.id GROUP BY p.age ORDER BY p.age;
SELECT coalesce(p.age, 0) / 10 AS decade, count(*) FROM customers c LEFT JOIN profiles p ON p.customer_id = c.id GROUP BY decade ORDER BY decade;
SELECT count(*) FROM customers c FULL JOIN profiles p ON p.customer_id = c.id;
SELECT count(c.id), count(p.customer_id) FROM customers c FULL JOIN profiles p ON p.customer_id = c.id;

-- subqueries that stay within a key
SELECT c.id, (SELECT count(*) FROM orders o WHERE o.customer = c.id) AS n FROM customers c ORDER BY n DESC, c.id;
SELECT c.id FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer = c.id AND o.state = 'new') ORDER BY c.name, c.id;
SELECT c.id FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer = c.id) ORDER BY c.id;
SELECT count(*) FROM customers c WHERE c.id IN (SELECT o.customer FROM orders o WHERE o.customer = c.id AND o.total > 5);
SELECT c.name, max((SELECT max(o.total) FROM orders o WHERE o.customer = c.id)) FROM customers c GROUP BY c.name ORDER BY c.name;
SELECT c.id, x.no FROM customers c CROSS JOIN LATERAL (SELECT o.no FROM orders o WHERE o.customer = c.id ORDER BY o.placed DESC, o.no LIMIT 1) x ORDER BY c.id;
SELECT c.id, x.n FROM customers c JOIN (SELECT customer, count(*) AS n FROM orders GROUP BY customer) x ON x.customer = c.id ORDER BY x.n DESC, c.id;
SELECT x.n, count(*) FROM (SELECT customer, count(*) AS n FROM orders GROUP BY customer) x GROUP BY x.n ORDER BY x.n;
SELECT sum(x.t), max(x.n) FROM (SELECT customer, sum(total) AS t, count(*) AS n FROM orders GROUP BY customer) x;
SELECT k.title, (SELECT max(r.rate) FROM rates r WHERE r.code = k.code) FROM customers c JOIN countries k ON k.code = c.country WHERE c.id < 4 ORDER BY c.id;
SELECT c.id FROM customers c WHERE c.country IN (SELECT code FROM countries WHERE zone = 1) ORDER BY c.id;
SELECT count(*) FROM orders WHERE total > (SELECT min(rate) FROM rates);

-- parameters, and few customers
-- args: 3
SELECT c.name, o.no FROM customers c JOIN orders o ON o.customer = c.id WHERE c.id = $1 ORDER BY o.no;
-- args: 2 | 1
SELECT c.name, o.no FROM customers c JOIN orders o ON o.customer = c.id WHERE o.no >= $1 AND o.customer <> $2 ORDER BY o.no, c.id;
-- args: 'fr'
SELECT count(*), sum(o.total) FROM customers c JOIN orders o ON o.customer = c.id WHERE c.country = $1;
-- args: '{1,5,77}'
SELECT c.id, count(o.no), sum(o.total) FROM customers c LEFT JOIN orders o ON o.customer = c.id WHERE c.id = ANY ($1::bigint[]) GROUP BY c.id ORDER BY c.id;
SELECT o.state, count(*) FROM customers c JOIN orders o ON o.customer = c.id WHERE c.id IN (1, 2, 7) GROUP BY o.state ORDER BY count(*) DESC, o.state;
SELECT c.id, o.no, l.item FROM customers c JOIN orders o ON o.customer = c.id JOIN lines l ON l.customer = c.id AND l.no = o.no WHERE c.id = 5 ORDER BY o.no, l.line;
SELECT count(*) FROM customers c JOIN orders o ON o.customer = c.id WHERE c.id = 12345;

-- mistakes
SELECT id, customer FROM customers JOIN orders ON customer = id ORDER BY nothing;
SELECT name FROM customers c JOIN orders o USING (id);
SELECT c.id, o.no, count(*) FROM customers c JOIN orders o ON o.customer = c.id GROUP BY c.id;
SELECT no FROM orders o JOIN lines l ON l.customer = o.customer;
SELECT o.total / (o.no - 3) FROM customers c JOIN orders o ON o.customer = c.id;
SELECT sum(o.total / (o.no - 3)) FROM customers c JOIN orders o ON o.customer = c.id;
SELECT c.country, 1 / (count(*) - 4) FROM customers c LEFT JOIN orders o ON o.customer = c.id AND false GROUP BY c.country;
