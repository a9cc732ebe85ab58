CREATE TABLE units (code text PRIMARY KEY, name text NOT NULL);
CREATE TABLE parts (
    sku     text PRIMARY KEY,
    unit    text NOT NULL REFERENCES units (code),
    stock   integer NOT NULL DEFAULT 0
);
CREATE TABLE moves (
    sku     text NOT NULL REFERENCES parts (sku) DEFERRABLE INITIALLY DEFERRED,
    n       integer NOT NULL,
    amount  integer NOT NULL,
    PRIMARY KEY (sku, n)
);
CREATE TABLE counts (id serial PRIMARY KEY, what text NOT NULL, n bigint NOT NULL);
INSERT INTO units VALUES ('kg', 'kilogram'), ('m', 'metre');
INSERT INTO parts (sku, unit) SELECT 'part ' || n, CASE WHEN n % 3 = 0 THEN 'kg' ELSE 'm' END FROM generate_series(1, 60) n;
