-- shard: key.customers=customer
-- shard: key.orders=customer
-- shard: key.lines=customer
-- shard: key.parcels=parcel
-- shard: key.invoices=customer
-- shard: key.staff=shop
-- shard: reference=countries,zones
-- Foreign keys: between tables with one key, to reference tables, and those that
-- no shard could judge.

CREATE TABLE zones (zone int PRIMARY KEY, name text);
CREATE TABLE countries (code text PRIMARY KEY, zone int REFERENCES zones ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE customers (customer int PRIMARY KEY, name text, country text REFERENCES countries, UNIQUE (customer, name));
CREATE TABLE orders (
    customer int NOT NULL REFERENCES customers ON DELETE CASCADE, id int NOT NULL, country text REFERENCES countries (code) DEFAULT 'KE', total int,
    PRIMARY KEY (customer, id)
);
CREATE TABLE lines (
    customer int NOT NULL, id int NOT NULL, line int NOT NULL, qty int,
    PRIMARY KEY (customer, id, line), CONSTRAINT lines_order FOREIGN KEY (customer, id) REFERENCES orders (customer, id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE parcels (parcel int PRIMARY KEY, customer int, weight int);
CREATE TABLE shops (shop int PRIMARY KEY, name text);
CREATE TABLE wrong (a int REFERENCES nowhere);
CREATE TABLE wrong (a int REFERENCES shops (nothing));
CREATE TABLE wrong (a int REFERENCES shops (name));
CREATE TABLE wrong (a text REFERENCES shops);

INSERT INTO zones VALUES (1, 'one'), (2, 'two'), (3, 'three');
INSERT INTO countries VALUES ('KE', 1), ('CH', 2), ('DE', 2), ('FR', NULL);
INSERT INTO countries VALUES ('XX', 9);
INSERT INTO customers SELECT n, 'customer ' || n, (ARRAY['KE', 'CH', 'DE', NULL])[1 + n % 4] FROM generate_series(1, 12) AS n;
INSERT INTO orders (customer, id, total) SELECT 1 + n % 6, n, n * 5 FROM generate_series(1, 24) AS n;
INSERT INTO lines SELECT customer, id, g, id % 4 FROM orders, generate_series(1, 2) AS g;
INSERT INTO shops VALUES (1, 'here');

-- Rows without what they point to.
INSERT INTO orders (customer, id) VALUES (99, 1);
INSERT INTO orders (customer, id) VALUES (1, 101), (99, 1), (2, 102);
INSERT INTO orders (customer, id, country) VALUES (1, 103, 'XX');
INSERT INTO orders (customer, id, country) VALUES (7, 104, NULL), (7, 105, DEFAULT), (8, 106, 'FR');
INSERT INTO lines VALUES (7, 999, 1, 1);
INSERT INTO lines VALUES (7, 104, 1, 1), (8, 106, 1, 2);
UPDATE orders SET country = 'YY' WHERE customer = 7;
UPDATE orders SET country = 'YY';
UPDATE lines SET id = 998 WHERE customer = 7;
SELECT customer, id, country, total FROM orders WHERE customer >= 6 ORDER BY customer, id;
SELECT count(*) AS n, sum(qty) AS qty FROM lines;

-- What others point to.
DELETE FROM countries WHERE code = 'KE';
DELETE FROM countries WHERE code = 'FR';
DELETE FROM orders WHERE country = 'FR';
DELETE FROM countries WHERE code = 'FR' RETURNING code;
UPDATE countries SET code = 'CC' WHERE code = 'CH';
UPDATE zones SET zone = 20 WHERE zone = 2;
DELETE FROM zones WHERE zone = 1;
SELECT code, zone FROM countries ORDER BY code;
UPDATE orders SET id = id + 1000 WHERE customer = 2;
SELECT id, line FROM lines WHERE customer = 2 ORDER BY id, line;
UPDATE orders SET id = 500 + id WHERE total > 100;
DELETE FROM orders WHERE customer = 3 AND id = 2;
DELETE FROM customers WHERE customer = 4;
DELETE FROM customers WHERE customer IN (5, 12) RETURNING customer, country;
DELETE FROM customers WHERE country = 'DE';
SELECT c.customer, c.country, count(DISTINCT o.id) AS orders, count(l.line) AS lines FROM customers c LEFT JOIN orders o USING (customer) LEFT JOIN lines l USING (customer, id) GROUP BY c.customer, c.country ORDER BY c.customer;
SELECT count(*) FROM orders;
SELECT count(*) FROM lines;
UPDATE customers SET customer = 50 WHERE customer = 1;
UPDATE customers SET customer = 51 WHERE customer = 11;
UPDATE customers SET customer = customer, name = upper(name) WHERE customer = 1 RETURNING name;
SELECT customer, name FROM customers ORDER BY customer;

-- Added afterwards.
ALTER TABLE parcels ADD CONSTRAINT parcels_weight CHECK (weight < 100);
INSERT INTO parcels VALUES (1, 1, 5), (2, 77, 6), (3, NULL, 7);
CREATE TABLE invoices (customer int NOT NULL, no int NOT NULL, id int, country text, PRIMARY KEY (customer, no));
INSERT INTO invoices VALUES (1, 1, 6, 'KE'), (1, 2, 7777, 'KE'), (9, 1, NULL, 'ZZ'), (2, 1, NULL, NULL);
ALTER TABLE invoices ADD FOREIGN KEY (customer, id) REFERENCES orders;
ALTER TABLE invoices ADD CONSTRAINT invoices_country FOREIGN KEY (country) REFERENCES countries;
ALTER TABLE invoices ADD CONSTRAINT invoices_country FOREIGN KEY (country) REFERENCES countries NOT VALID;
INSERT INTO invoices VALUES (1, 3, NULL, 'ZZ');
ALTER TABLE invoices VALIDATE CONSTRAINT invoices_country;
UPDATE invoices SET country = NULL WHERE country = 'ZZ';
ALTER TABLE invoices VALIDATE CONSTRAINT invoices_country;
DELETE FROM invoices WHERE id = 7777;
ALTER TABLE invoices ADD CONSTRAINT invoices_order FOREIGN KEY (customer, id) REFERENCES orders ON DELETE RESTRICT;
DELETE FROM orders WHERE customer = 1;
DELETE FROM orders WHERE customer = 1 AND id <> 6 AND id <> 506;
ALTER TABLE invoices DROP CONSTRAINT invoices_order;
DELETE FROM orders WHERE customer = 1;
ALTER TABLE invoices ADD CONSTRAINT invoices_order FOREIGN KEY (customer, id) REFERENCES orders;
SELECT customer, no, id, country FROM invoices ORDER BY customer, no;
SELECT customer, count(*) AS n FROM lines GROUP BY customer ORDER BY customer;
DROP TABLE orders;
DROP TABLE countries;
ALTER TABLE orders DROP CONSTRAINT orders_pkey;
ALTER TABLE orders DROP CONSTRAINT orders_pkey CASCADE;
INSERT INTO lines VALUES (7, 999, 1, 1);
SELECT count(*) AS n FROM lines WHERE id = 999;

-- Deferred to the end of the transaction.
ALTER TABLE invoices ADD CONSTRAINT invoices_customer FOREIGN KEY (customer) REFERENCES customers DEFERRABLE INITIALLY DEFERRED;
DELETE FROM invoices i WHERE NOT EXISTS (SELECT 1 FROM customers c WHERE c.customer = i.customer) RETURNING customer, no;
ALTER TABLE invoices ADD CONSTRAINT invoices_customer FOREIGN KEY (customer) REFERENCES customers DEFERRABLE INITIALLY DEFERRED;
INSERT INTO invoices VALUES (88, 1);
BEGIN;
INSERT INTO invoices VALUES (88, 1);
INSERT INTO customers VALUES (88, 'eighty-eight', 'KE');
COMMIT;
SELECT i.no, c.name FROM invoices i JOIN customers c USING (customer) WHERE customer = 88;

-- What no shard can judge.
-- expect: refused
ALTER TABLE parcels ADD FOREIGN KEY (customer) REFERENCES customers;
-- expect: refused
ALTER TABLE orders ADD COLUMN parcel int REFERENCES parcels;
-- expect: refused
CREATE TABLE staff (shop int NOT NULL, boss int REFERENCES customers (customer));
-- expect: refused
ALTER TABLE countries ADD COLUMN main int REFERENCES customers;
-- expect: refused
ALTER TABLE invoices ADD COLUMN shop int REFERENCES shops (shop);
