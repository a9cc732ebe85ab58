-- shard: key.stock=item
-- shard: key.visits=person
-- shard: reference=places
-- INSERT ... ON CONFLICT: nothing, update, excluded, WHERE, constraint names,
-- partial indexes and RETURNING.

CREATE TABLE places (id int PRIMARY KEY, name text NOT NULL UNIQUE, seen int NOT NULL DEFAULT 0);
CREATE TABLE stock (
    item int NOT NULL,
    shelf text NOT NULL,
    quantity int NOT NULL CHECK (quantity >= 0),
    price numeric(8,2),
    changes int NOT NULL DEFAULT 0,
    CONSTRAINT stock_pk PRIMARY KEY (item, shelf)
);
CREATE TABLE visits (person bigint PRIMARY KEY, times int NOT NULL DEFAULT 1, last date, remark text);
CREATE TABLE plain (id int PRIMARY KEY, value text, UNIQUE (value));

INSERT INTO places VALUES (1, 'Kisii'), (2, 'Nairobi'), (3, 'Mombasa');
INSERT INTO stock (item, shelf, quantity, price) VALUES (1, 'a', 10, 1.50), (1, 'b', 20, 1.50), (2, 'a', 5, 3), (3, 'c', 0, NULL), (7, 'a', 70, 0.75);
INSERT INTO visits (person, last) VALUES (1, '2024-01-01'), (2, '2024-02-01'), (3, NULL);

-- DO NOTHING.
INSERT INTO stock (item, shelf, quantity) VALUES (1, 'a', 99) ON CONFLICT DO NOTHING;
INSERT INTO stock (item, shelf, quantity) VALUES (1, 'a', 99), (4, 'a', 40), (2, 'a', 99), (5, 'a', 50) ON CONFLICT DO NOTHING;
INSERT INTO stock (item, shelf, quantity) VALUES (1, 'a', 99), (6, 'a', 60) ON CONFLICT (item, shelf) DO NOTHING RETURNING item, shelf, quantity;
INSERT INTO stock (item, shelf, quantity) VALUES (1, 'b', 99) ON CONFLICT ON CONSTRAINT stock_pk DO NOTHING RETURNING item;
INSERT INTO stock (item, shelf, quantity) VALUES (8, 'a', 80), (8, 'a', 81), (9, 'a', 90) ON CONFLICT DO NOTHING;
SELECT item, shelf, quantity, price, changes FROM stock ORDER BY item, shelf;
SELECT count(*) AS n, sum(quantity) AS total FROM stock;

-- DO UPDATE.
INSERT INTO stock (item, shelf, quantity) VALUES (1, 'a', 5)
    ON CONFLICT (item, shelf) DO UPDATE SET quantity = stock.quantity + excluded.quantity;
INSERT INTO stock (item, shelf, quantity, price) VALUES (1, 'a', 1, 9.99), (2, 'b', 2, 2.22), (7, 'a', 3, NULL)
    ON CONFLICT (item, shelf) DO UPDATE SET quantity = excluded.quantity, price = excluded.price, changes = stock.changes + 1;
SELECT item, shelf, quantity, price, changes FROM stock WHERE item IN (1, 2, 7) ORDER BY item, shelf;
INSERT INTO stock AS s (item, shelf, quantity) VALUES (3, 'c', 30), (3, 'd', 31)
    ON CONFLICT ON CONSTRAINT stock_pk DO UPDATE SET quantity = s.quantity + excluded.quantity, changes = s.changes + 1
    RETURNING item, shelf, quantity, changes;
INSERT INTO stock AS s (item, shelf, quantity) VALUES (4, 'a', 10), (5, 'a', 500), (10, 'z', 1)
    ON CONFLICT (item, shelf) DO UPDATE SET quantity = excluded.quantity WHERE s.quantity < excluded.quantity
    RETURNING s.item, s.quantity;
INSERT INTO stock (item, shelf, quantity, price) VALUES (6, 'a', 7, 1.25)
    ON CONFLICT (item, shelf) DO UPDATE SET (quantity, price) = (excluded.quantity * 2, excluded.price / 2) RETURNING *;
INSERT INTO stock (item, shelf, quantity) VALUES (6, 'a', 1)
    ON CONFLICT (item, shelf) DO UPDATE SET changes = DEFAULT, price = (SELECT 4.5);
-- args: 11 | 'k' | 3
INSERT INTO stock (item, shelf, quantity) VALUES ($1, $2, $3) ON CONFLICT (item, shelf) DO UPDATE SET quantity = stock.quantity + $3 RETURNING quantity, changes;
-- args: 11 | 'k' | 4
INSERT INTO stock (item, shelf, quantity) VALUES ($1, $2, $3) ON CONFLICT (item, shelf) DO UPDATE SET quantity = stock.quantity + $3 RETURNING quantity, changes;
-- args: 11 | 1 | 'k' | 12
INSERT INTO stock (item, shelf, quantity) VALUES ($1, $3, $2), ($4, $3, $2) ON CONFLICT (item, shelf) DO UPDATE SET quantity = 0;
SELECT item, shelf, quantity, price, changes FROM stock ORDER BY item, shelf;

-- What fails.
INSERT INTO stock (item, shelf, quantity) VALUES (20, 'a', 1), (20, 'a', 2) ON CONFLICT (item, shelf) DO UPDATE SET quantity = excluded.quantity;
INSERT INTO stock (item, shelf, quantity) VALUES (1, 'a', 1) ON CONFLICT (item, shelf) DO UPDATE SET quantity = -1;
INSERT INTO stock (item, shelf, quantity) VALUES (1, 'a', -1) ON CONFLICT (item, shelf) DO NOTHING;
INSERT INTO stock (item, shelf, quantity) VALUES (1, 'a', 1) ON CONFLICT (shelf) DO NOTHING;
INSERT INTO stock (item, shelf, quantity) VALUES (1, 'a', 1) ON CONFLICT ON CONSTRAINT stock_no DO NOTHING;
INSERT INTO stock (item, shelf, quantity) VALUES (1, 'a', 1) ON CONFLICT DO UPDATE SET quantity = 1;
INSERT INTO stock (item, shelf, quantity) VALUES (1, 'a', 1) ON CONFLICT (item, shelf) DO UPDATE SET quantity = quantity + 1;
INSERT INTO stock (item, shelf, quantity) VALUES (1, NULL, 1) ON CONFLICT (item, shelf) DO NOTHING;
SELECT count(*) AS n, sum(quantity) AS total, sum(changes) AS changes FROM stock;

-- The key alone is the constraint.
INSERT INTO visits (person) VALUES (1), (2), (3), (4) ON CONFLICT (person) DO UPDATE SET times = visits.times + 1 RETURNING person, times;
INSERT INTO visits (person, last, remark) VALUES (4, '2024-03-01', 'back'), (5, '2024-03-02', NULL)
    ON CONFLICT (person) DO UPDATE SET last = excluded.last, remark = coalesce(excluded.remark, visits.remark, 'none'), times = visits.times + 1;
INSERT INTO visits (person, last) VALUES (5, '2020-01-01') ON CONFLICT (person) DO UPDATE SET last = greatest(visits.last, excluded.last), times = visits.times * 10;
INSERT INTO visits (person) VALUES (1) ON CONFLICT (person) DO UPDATE SET person = excluded.person, times = 100;
SELECT person, times, last, remark FROM visits ORDER BY person;

-- The same row over and over.
INSERT INTO visits (person) VALUES (77) ON CONFLICT (person) DO UPDATE SET times = visits.times + 1;
INSERT INTO visits (person) VALUES (77) ON CONFLICT (person) DO UPDATE SET times = visits.times + 1;
INSERT INTO visits (person) VALUES (77) ON CONFLICT (person) DO UPDATE SET times = visits.times + 1 RETURNING times;

-- From a query.
INSERT INTO visits (person, times) SELECT n, n * 10 FROM generate_series(3, 8) AS g(n) ON CONFLICT (person) DO NOTHING;
INSERT INTO visits (person, times) SELECT item, quantity FROM stock WHERE shelf = 'a' ON CONFLICT (person) DO UPDATE SET times = excluded.times, remark = 'from stock';
SELECT person, times, remark FROM visits ORDER BY person;
SELECT count(*) AS n, sum(times) AS times FROM visits;

-- A partial unique index with the key in it.
CREATE UNIQUE INDEX visits_open ON visits (person, last) WHERE remark IS NULL;
INSERT INTO visits (person, last) VALUES (200, '2024-05-05') ON CONFLICT (person, last) WHERE remark IS NULL DO NOTHING;
INSERT INTO visits (person, last) VALUES (201, '2024-05-05') ON CONFLICT (person, last) DO NOTHING;
SELECT person, last FROM visits WHERE person >= 200 ORDER BY person;

-- Reference tables and unsharded tables.
INSERT INTO places VALUES (1, 'Kisii'), (4, 'Kisumu') ON CONFLICT DO NOTHING;
INSERT INTO places VALUES (1, 'Kisii town'), (5, 'Nakuru') ON CONFLICT (id) DO UPDATE SET name = excluded.name, seen = places.seen + 1 RETURNING id, name, seen;
INSERT INTO places VALUES (9, 'Nairobi') ON CONFLICT (name) DO UPDATE SET seen = places.seen + 10 RETURNING id, seen;
INSERT INTO places VALUES (9, 'Nairobi') ON CONFLICT (id) DO UPDATE SET seen = 0;
SELECT id, name, seen FROM places ORDER BY id;
INSERT INTO plain VALUES (1, 'one'), (2, 'two'), (1, 'uno') ON CONFLICT DO NOTHING;
INSERT INTO plain VALUES (1, 'eins'), (3, 'three') ON CONFLICT (id) DO UPDATE SET value = excluded.value RETURNING id, value;
INSERT INTO plain VALUES (4, 'two') ON CONFLICT (id) DO NOTHING;
SELECT id, value FROM plain ORDER BY id;
