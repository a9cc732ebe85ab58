-- shard: key.orders=customer
-- shard: key.items=customer
-- shard: key.products=product
-- shard: key.totals=customer
-- shard: reference=countries
-- INSERT ... SELECT: by the same key, by another key, grouped, joined, from
-- reference and unsharded tables and into them, and from itself.

CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL, weight int);
CREATE TABLE orders (customer int NOT NULL, id int NOT NULL, country text, total numeric(10,2), placed date, PRIMARY KEY (customer, id));
CREATE TABLE items (customer int NOT NULL, order_id int NOT NULL, line int NOT NULL, product int NOT NULL, qty int NOT NULL, PRIMARY KEY (customer, order_id, line));
CREATE TABLE products (product int PRIMARY KEY, sold int NOT NULL DEFAULT 0, name text DEFAULT 'unnamed');
CREATE TABLE totals (customer int PRIMARY KEY, orders int, amount numeric, remark text DEFAULT 'new');
CREATE TABLE archive (customer int, id int, total numeric(10,2), at date DEFAULT DATE '2000-01-01');

INSERT INTO countries VALUES ('KE', 'Kenya', 1), ('CH', 'Switzerland', 2), ('DE', 'Germany', NULL);

-- From generate_series and VALUES.
INSERT INTO orders SELECT 1 + n % 7, n, CASE n % 3 WHEN 0 THEN 'KE' WHEN 1 THEN 'CH' END, n * 1.25, DATE '2024-01-01' + n FROM generate_series(1, 30) AS n;
INSERT INTO orders (customer, id) SELECT 3, n FROM generate_series(101, 110) AS g(n);
INSERT INTO orders (id, customer, total) SELECT * FROM (VALUES (201, 50, 5.5), (202, 51, 6.5), (203, 50, NULL)) AS v;
INSERT INTO orders (customer, id, country) VALUES (60, 1, 'DE'), (60, 2, 'XX'), (61, 1, NULL);
SELECT customer, count(*) AS n, count(total) AS totals, sum(total) AS total FROM orders GROUP BY customer ORDER BY customer;
SELECT count(*) AS n, sum(total) AS total, min(placed) AS first, max(placed) AS last FROM orders;

-- The same key: each shard copies its own.
INSERT INTO items SELECT customer, id, 1, id % 5, 1 + id % 4 FROM orders;
INSERT INTO items (customer, order_id, line, product, qty) SELECT o.customer, o.id, 2, 9, 1 FROM orders o WHERE o.country = 'KE';
INSERT INTO items (customer, order_id, line, product, qty) SELECT customer, order_id, 3, product, qty * 2 FROM items WHERE customer = 3 AND line = 1;
SELECT customer, line, count(*) AS n, sum(qty) AS qty FROM items GROUP BY customer, line ORDER BY customer, line;
SELECT count(*) FROM items;

-- Grouped by the key.
INSERT INTO totals (customer, orders, amount) SELECT customer, count(*), sum(total) FROM orders WHERE customer < 10 GROUP BY customer;
INSERT INTO totals (customer, orders, amount, remark) SELECT o.customer, count(*), max(o.total), 'late' FROM orders o WHERE o.customer >= 10 GROUP BY o.customer HAVING count(*) > 1 RETURNING customer, orders, amount, remark;
SELECT customer, orders, amount, remark FROM totals ORDER BY customer;

-- The same again: the primary key is against it.
INSERT INTO totals (customer, orders, amount) SELECT customer, count(*), sum(total) FROM orders GROUP BY customer;
INSERT INTO totals (customer, orders, amount) SELECT customer, count(*), sum(total) FROM orders GROUP BY customer ON CONFLICT (customer) DO NOTHING;
INSERT INTO totals (customer, orders, amount) SELECT customer, count(*), avg(total)::numeric(10,2) FROM orders GROUP BY customer ON CONFLICT (customer) DO UPDATE SET amount = excluded.amount, remark = 'average';
SELECT customer, orders, amount, remark FROM totals ORDER BY customer;

-- Another key: rows change the shard.
INSERT INTO products (product, sold) SELECT product, sum(qty) FROM items GROUP BY product;
SELECT product, sold, name FROM products ORDER BY product;
INSERT INTO products (product, name) SELECT DISTINCT 1000 + id, country FROM orders WHERE country IS NOT NULL AND id < 10 AND customer < 10;
INSERT INTO products (product, name, sold) SELECT 100 + id, 'order ' || id, customer FROM orders WHERE customer = 1 ORDER BY id RETURNING product, name, sold;
INSERT INTO products (product, sold) SELECT 2000 + id, customer FROM orders WHERE total IS NOT NULL ORDER BY total DESC, id LIMIT 3;
INSERT INTO products (product) SELECT customer FROM totals ON CONFLICT (product) DO NOTHING;
SELECT product, sold, name FROM products ORDER BY product;
INSERT INTO orders (customer, id, total) SELECT 500 + id, customer, total FROM orders WHERE id BETWEEN 1 AND 6;
SELECT customer, id, total FROM orders WHERE customer > 500 ORDER BY customer, id;

-- A whole table's aggregate is one row.
INSERT INTO totals (customer, orders, amount, remark) SELECT 900, count(*), sum(total), 'all' FROM orders;
INSERT INTO totals (customer, orders, amount, remark) SELECT max(customer) + 1, min(orders), max(amount), 'extremes' FROM totals;
SELECT customer, orders, amount, remark FROM totals WHERE customer >= 900 ORDER BY customer;

-- Joins: by the key, with a reference table, off the key.
INSERT INTO totals (customer, orders, remark) SELECT 10000 + o.customer, sum(i.qty), 'joined' FROM orders o JOIN items i ON i.customer = o.customer AND i.order_id = o.id WHERE o.country = 'CH' GROUP BY o.customer;
INSERT INTO items SELECT o.customer, o.id, 10 + c.weight, 7, c.weight FROM orders o JOIN countries c ON c.code = o.country WHERE c.weight IS NOT NULL;
INSERT INTO items SELECT o.customer, o.id, 20, p.product, p.sold FROM orders o JOIN products p ON p.product = o.id WHERE p.sold > 10;
SELECT line, count(*) AS n, sum(qty) AS qty FROM items GROUP BY line ORDER BY line;
SELECT customer, orders, remark FROM totals WHERE remark = 'joined' ORDER BY customer;

-- Into an unsharded table, from one, and from a reference table.
INSERT INTO archive SELECT customer, id, total, placed FROM orders WHERE total > 20;
INSERT INTO archive (id, customer) SELECT id, customer FROM orders WHERE customer = 50;
SELECT customer, id, total, at FROM archive ORDER BY id, customer;
INSERT INTO orders (customer, id, total, placed) SELECT customer + 700, id, total, at FROM archive WHERE total IS NOT NULL RETURNING customer, id, total;
INSERT INTO orders (customer, id, country) SELECT 800 + length(name), weight, code FROM countries WHERE weight > 0;
INSERT INTO orders (customer, id, country) SELECT 888, 1, code FROM countries WHERE code = 'DE';
INSERT INTO archive SELECT weight, length(name) FROM countries;
INSERT INTO archive SELECT a.customer, a.id + 1000, 0 FROM archive a WHERE a.total IS NULL;
SELECT customer, id, country, total, placed FROM orders WHERE customer > 700 ORDER BY customer, id;
SELECT customer, id, total, at FROM archive ORDER BY id, customer;

-- Into a reference table.
INSERT INTO countries SELECT 'X' || n, 'country ' || n, n FROM generate_series(1, 3) AS n;
INSERT INTO countries (code, name) SELECT 'A' || customer, 'from the archive' FROM archive WHERE total > 35;
INSERT INTO countries (code, name, weight) SELECT 'O' || customer, 'from orders', count(*) FROM orders WHERE customer <= 7 GROUP BY customer;
SELECT code, name, weight FROM countries ORDER BY code COLLATE "C";
SELECT count(*) FROM countries;

-- From itself; empty; with an error on the way.
INSERT INTO orders (customer, id, total) SELECT customer, id + 10000, total / 2 FROM orders WHERE customer IN (1, 2, 50) AND id < 10000;
INSERT INTO orders SELECT * FROM orders WHERE false;
INSERT INTO orders (customer, id) SELECT NULL, id FROM orders;
INSERT INTO orders (customer, id, total) SELECT customer, id + 20000, 1 / (id - 203) FROM orders WHERE customer = 50;
INSERT INTO orders (customer, id, total) SELECT customer, id + 20000, 123456789 FROM orders;
WITH big AS (SELECT customer, id, total FROM orders WHERE total > 30) INSERT INTO orders (customer, id, total) SELECT customer, id + 30000, total - 30 FROM big;
SELECT customer, id, total FROM orders WHERE id >= 10000 ORDER BY customer, id;
SELECT count(*) AS n, count(DISTINCT customer) AS customers, sum(total) AS total FROM orders;
