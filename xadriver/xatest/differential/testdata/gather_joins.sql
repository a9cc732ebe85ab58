-- shard: key.customers=id
-- shard: key.orders=customer_id
-- shard: key.shipments=carrier
-- shard: key.returns=order_id
-- shard: reference=countries
-- Joins off the key, and on it, between sharded, reference and unsharded tables.
CREATE TABLE customers (id int PRIMARY KEY, name text, country char(2), referrer int, score numeric(6,2));
CREATE TABLE orders (customer_id int NOT NULL, no int NOT NULL, item text, qty int, country char(2), PRIMARY KEY (customer_id, no));
CREATE TABLE shipments (carrier text NOT NULL, order_no int, customer int, weight numeric, note text);
CREATE TABLE returns (order_id int NOT NULL, reason text);
CREATE TABLE countries (code char(2) PRIMARY KEY, title text, rate numeric);
CREATE TABLE audit (who int, what text, item text);
INSERT INTO countries VALUES ('DE', 'Germany', 19), ('FR', 'France', 20), ('KE', 'Kenya', 16), ('XX', NULL, NULL);
INSERT INTO customers VALUES (1, 'Ada', 'DE', NULL, 10.50), (2, 'Bob', 'FR', 1, 7.25), (3, 'Cyd', 'FR', 1, NULL), (4, 'Dan', NULL, 2, 7.25),
  (5, 'Eve', 'KE', 9, 0), (6, NULL, 'KE', 6, 3.00), (7, 'Bob', 'ZZ', 2, 10.50);
INSERT INTO orders VALUES (1, 1, 'pen', 3, 'DE'), (1, 2, 'ink', NULL, 'FR'), (1, 3, 'pen', 3, 'DE'), (1, 4, NULL, 1, NULL), (1, 5, 'cap', 10, 'KE'),
  (2, 1, 'pen', 1, 'FR'), (2, 2, 'cap', 2, 'FR'), (4, 1, 'ink', 5, NULL), (8, 1, 'pen', 7, 'KE'), (8, 2, 'box', 7, 'XX');
INSERT INTO shipments VALUES ('post', 1, 1, 0.5, 'a'), ('post', 2, 1, 1.25, NULL), ('post', 1, 2, 2, 'b'), ('van', 1, 4, NULL, 'b'), ('van', 3, 1, 0.5, 'c'), ('van', NULL, 9, 4, NULL);
INSERT INTO audit VALUES (1, 'login', 'pen'), (1, 'logout', NULL), (4, 'login', 'ink'), (NULL, 'boot', 'cap'), (11, 'login', 'box');

-- inner joins
SELECT c.id, c.name, o.no, o.item FROM customers c JOIN orders o ON o.customer_id = c.id;
SELECT c.id, o.customer_id, o.item FROM customers c JOIN orders o ON o.country = c.country;
SELECT c.id, o.customer_id, o.no FROM customers c JOIN orders o ON o.country = c.country AND o.customer_id <> c.id ORDER BY c.id, o.customer_id, o.no;
SELECT a.id, b.id AS referrer, b.name FROM customers a JOIN customers b ON a.referrer = b.id;
SELECT a.id, b.id FROM customers a JOIN customers b ON a.name = b.name AND a.id < b.id;
SELECT a.id, b.id FROM customers a, customers b WHERE a.score = b.score AND a.id < b.id ORDER BY 1, 2;
SELECT c.name, o.item, s.carrier, s.weight FROM customers c JOIN orders o ON o.customer_id = c.id JOIN shipments s ON s.customer = o.customer_id AND s.order_no = o.no;
SELECT c.name, o.item, s.carrier FROM customers c, orders o, shipments s WHERE c.id = o.customer_id AND s.order_no = o.no AND s.customer = c.id ORDER BY s.carrier, c.name, o.item;
SELECT o.customer_id, p.customer_id, o.item FROM orders o JOIN orders p ON o.item = p.item AND o.customer_id < p.customer_id;
SELECT count(*) FROM orders o JOIN orders p ON o.qty > p.qty;
SELECT o.customer_id, o.no, p.customer_id, p.no FROM orders o JOIN orders p ON o.qty = p.qty + 2 ORDER BY 1, 2, 3, 4;
SELECT c.id, s.carrier FROM customers c JOIN shipments s ON s.weight BETWEEN c.score - 10 AND c.score - 5 ORDER BY c.id, s.carrier, s.weight;
SELECT count(*), sum(o.qty), min(c.name), max(c.name) FROM customers c CROSS JOIN orders o;
SELECT c.id, s.carrier, s.note FROM customers c CROSS JOIN shipments s WHERE c.id > 5 ORDER BY c.id, s.carrier, s.note NULLS FIRST, s.order_no LIMIT 7;
SELECT c.id, s.carrier FROM customers c JOIN shipments s ON true WHERE s.note = 'b' AND c.name LIKE 'B%' ORDER BY 1, 2;
SELECT o.customer_id, o.no FROM orders o JOIN returns r ON r.order_id = o.no;

-- using and natural
SELECT * FROM customers JOIN orders USING (country) ORDER BY country, id, customer_id, no;
SELECT country, id, customer_id FROM customers LEFT JOIN orders USING (country) ORDER BY country NULLS FIRST, id, customer_id, no;
SELECT country, id, customer_id FROM customers FULL JOIN orders USING (country) ORDER BY country, id, customer_id, no;
SELECT country, customers.country AS c1, orders.country AS c2, count(*) FROM customers FULL JOIN orders USING (country) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT j.country, j.* FROM (customers RIGHT JOIN orders USING (country)) AS j (country, id, cname) WHERE j.id IS NULL;
SELECT x.country, id, no FROM customers JOIN orders USING (country) AS x ORDER BY 1, 2, 3, orders.customer_id;
SELECT * FROM (SELECT id AS customer_id, name FROM customers) c NATURAL JOIN orders ORDER BY customer_id, no;
SELECT * FROM (SELECT country, name FROM customers) c NATURAL LEFT JOIN (SELECT country, item FROM orders) o ORDER BY 1, 2, 3;
SELECT * FROM (SELECT country AS code, id FROM customers) c NATURAL FULL JOIN countries ORDER BY code, id;
SELECT count(*) FROM customers NATURAL JOIN shipments;

-- outer joins
SELECT c.id, c.name, o.no FROM customers c LEFT JOIN orders o ON o.customer_id = c.id ORDER BY c.id, o.no;
SELECT c.id, o.customer_id, o.no FROM customers c LEFT JOIN orders o ON o.country = c.country AND o.qty > 2 ORDER BY 1, 2, 3;
SELECT c.id, o.customer_id, o.no FROM customers c LEFT JOIN orders o ON o.country = c.country WHERE o.qty > 2 ORDER BY 1, 2, 3;
SELECT c.id, c.name FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE o.customer_id IS NULL;
SELECT c.id, c.name FROM customers c LEFT JOIN orders o ON o.country = c.country WHERE o.no IS NULL ORDER BY c.id DESC;
SELECT o.customer_id, o.no, c.id FROM customers c RIGHT JOIN orders o ON o.customer_id = c.id ORDER BY 1, 2;
SELECT o.customer_id, o.no FROM customers c RIGHT JOIN orders o ON o.country = c.country WHERE c.id IS NULL ORDER BY 1, 2;
SELECT c.id, o.customer_id, o.no FROM customers c FULL JOIN orders o ON o.customer_id = c.id ORDER BY 1, 2, 3;
SELECT c.id, o.customer_id, o.no FROM customers c FULL JOIN orders o ON o.country = c.country WHERE c.id IS NULL OR o.no IS NULL ORDER BY 1, 2, 3;
SELECT c.id, s.carrier FROM customers c FULL JOIN shipments s ON s.customer = c.id ORDER BY c.id NULLS FIRST, s.carrier, s.order_no;
SELECT c.id, s.order_no FROM customers c LEFT JOIN shipments s ON s.customer = c.id AND c.country = 'FR' ORDER BY 1, 2;
SELECT c.id, s.order_no FROM customers c LEFT JOIN shipments s ON false ORDER BY 1;
SELECT c.id, s.order_no FROM customers c FULL JOIN shipments s ON false ORDER BY 1, 2;
SELECT a.id, b.id FROM customers a LEFT JOIN customers b ON b.referrer = a.id ORDER BY 1, 2;
SELECT a.id, b.id, c.id FROM customers a LEFT JOIN customers b ON a.referrer = b.id LEFT JOIN customers c ON b.referrer = c.id ORDER BY a.id;
SELECT c.id, o.no, s.carrier FROM customers c LEFT JOIN (orders o JOIN shipments s ON s.order_no = o.no AND s.customer = o.customer_id) ON o.customer_id = c.id ORDER BY 1, 2, 3;
SELECT c.id, o.no, s.carrier FROM (customers c LEFT JOIN orders o ON o.customer_id = c.id) JOIN shipments s ON s.order_no = o.no ORDER BY 1, 2, 3, s.customer;
SELECT r.reason, o.customer_id, o.no FROM returns r RIGHT JOIN orders o ON r.order_id = o.customer_id WHERE o.item = 'pen' ORDER BY 2, 3;
SELECT r.order_id, o.no FROM returns r FULL JOIN orders o ON r.order_id = o.no WHERE o.qty = 7;
SELECT * FROM returns r LEFT JOIN customers c ON c.id = r.order_id;
SELECT coalesce(c.id, -1) AS id, coalesce(o.item, 'none') AS item, count(*) FROM customers c LEFT JOIN orders o ON o.country = c.country GROUP BY c.id, o.item ORDER BY 1, 2, 3;

-- reference and unsharded tables
SELECT c.id, n.title FROM customers c JOIN countries n ON n.code = c.country;
SELECT c.id, n.title, n.rate FROM customers c LEFT JOIN countries n ON n.code = c.country ORDER BY c.id;
SELECT n.code, c.id FROM countries n LEFT JOIN customers c ON n.code = c.country ORDER BY 1, 2;
SELECT n.code FROM countries n LEFT JOIN customers c ON n.code = c.country WHERE c.id IS NULL;
SELECT n.code, c.id FROM countries n FULL JOIN customers c ON n.code = c.country ORDER BY 1, 2;
SELECT n.code, count(c.id), sum(c.score) FROM countries n LEFT JOIN customers c ON n.code = c.country GROUP BY n.code ORDER BY n.code;
SELECT n.title, o.item, c.name FROM countries n, orders o, customers c WHERE n.code = o.country AND n.code = c.country ORDER BY n.title, o.item, c.name, o.no, o.customer_id;
SELECT a.what, c.name FROM audit a JOIN customers c ON c.id = a.who ORDER BY 1, 2;
SELECT a.what, a.who, c.name FROM audit a LEFT JOIN customers c ON c.id = a.who ORDER BY 1, 2, 3;
SELECT a.what, a.who, c.name FROM customers c LEFT JOIN audit a ON c.id = a.who ORDER BY c.id, 1;
SELECT a.what, o.customer_id, o.no, n.title FROM audit a JOIN orders o ON o.item = a.item JOIN countries n ON n.code = o.country ORDER BY a.what, o.customer_id, o.no;
SELECT a.who, a.what FROM audit a LEFT JOIN orders o ON o.customer_id = a.who WHERE o.no IS NULL ORDER BY 1, 2;
SELECT a.who, n.code FROM audit a CROSS JOIN countries n ORDER BY a.who NULLS FIRST, a.what, n.code;
SELECT a.what, n.title, r.reason FROM audit a CROSS JOIN countries n LEFT JOIN returns r ON r.order_id = a.who WHERE n.code = 'KE' ORDER BY 1, a.who;

-- joins with derived tables and groups
SELECT c.id, t.total FROM customers c JOIN (SELECT customer_id, sum(qty) AS total FROM orders GROUP BY customer_id) t ON t.customer_id = c.id ORDER BY c.id;
SELECT t.item, t.total, s.carrier FROM (SELECT item, sum(qty) AS total, min(no) AS first FROM orders GROUP BY item) t JOIN shipments s ON s.order_no = t.first ORDER BY 1, 3, s.customer;
SELECT c.country, count(DISTINCT o.item), sum(o.qty) FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.country ORDER BY 1 NULLS FIRST;
SELECT c.country, o.country, count(*) FROM customers c JOIN orders o ON c.id = o.customer_id GROUP BY c.country, o.country HAVING count(*) > 1 ORDER BY 1, 2;
SELECT o.item, string_agg(c.name, ',' ORDER BY c.name, c.id) FROM orders o JOIN customers c ON c.country = o.country GROUP BY o.item ORDER BY o.item NULLS FIRST;
SELECT DISTINCT c.name, o.item FROM customers c JOIN orders o ON o.country = c.country ORDER BY c.name, o.item DESC;
SELECT DISTINCT ON (c.name) c.name, o.item, o.qty FROM customers c JOIN orders o ON o.country = c.country ORDER BY c.name, o.qty DESC NULLS LAST, o.item;

-- with arguments
-- args: 2
SELECT c.name, o.country, o.no FROM customers c JOIN orders o ON o.country = c.country WHERE c.id = $1 ORDER BY o.customer_id, o.no;
-- args: 1
SELECT a.id, b.id FROM customers a LEFT JOIN customers b ON b.referrer = a.id AND b.id > $1 WHERE a.id >= $1 ORDER BY 1, 2;
-- args: 'pen' | 3
SELECT o.customer_id, c.id FROM orders o LEFT JOIN customers c ON c.country = o.country AND o.qty >= $2 WHERE o.item = $1 ORDER BY 1, o.no, 2;

-- errors
SELECT country FROM customers JOIN orders ON customers.id = orders.customer_id;
SELECT customers.id FROM customers c JOIN orders o ON o.customer_id = c.id;
SELECT x.id FROM customers c JOIN orders o ON o.customer_id = c.id;
SELECT c.id FROM customers c JOIN orders c ON true;
SELECT id FROM customers JOIN orders USING (item);
SELECT c.nothing FROM customers c JOIN orders o ON o.customer_id = c.id;
SELECT c.id / (o.qty - 7) FROM customers c JOIN orders o ON o.country = c.country;
SELECT c.id FROM customers c FULL JOIN orders o ON o.customer_id < c.id;
SELECT c.id FROM customers c JOIN orders o ON o.item = c.id;
SELECT c.id FROM customers c JOIN orders o ON o.qty;
