-- shard: key.accounts=owner
-- shard: key.notes=owner
-- shard: reference=currencies
-- INSERT of single rows and of many, with and without column lists, defaults,
-- expressions and RETURNING.

CREATE TABLE currencies (code char(3) PRIMARY KEY, name text NOT NULL, digits int NOT NULL DEFAULT 2);
CREATE TABLE accounts (
    owner text NOT NULL,
    no int NOT NULL,
    balance numeric(10,2) NOT NULL DEFAULT 0 CHECK (balance >= -1000),
    currency char(3) DEFAULT 'EUR',
    note text,
    active boolean NOT NULL DEFAULT true,
    PRIMARY KEY (owner, no)
);
CREATE TABLE notes (owner text NOT NULL, body text DEFAULT 'empty', size int DEFAULT 2 * 21, made timestamptz DEFAULT now(), ref uuid DEFAULT gen_random_uuid());

INSERT INTO currencies VALUES ('EUR', 'euro'), ('CHF', 'franc', 2);
INSERT INTO currencies VALUES ('EUR', 'euro', DEFAULT), ('CHF', 'franc', 2), ('JPY', 'yen', 0);
SELECT code, name, digits FROM currencies ORDER BY code;

-- One row at a time.
INSERT INTO accounts VALUES ('alice', 1, 100, 'EUR', 'first', true);
INSERT INTO accounts VALUES ('alice', 2);
INSERT INTO accounts (owner, no) VALUES ('bob', 1);
INSERT INTO accounts (no, note, owner) VALUES (2, 'columns in another order', 'bob');
INSERT INTO accounts (owner, no, balance, currency) VALUES ('carol', 1, DEFAULT, DEFAULT);
INSERT INTO accounts (owner, no, balance, active) VALUES ('carol', 2, 12.345, false);
SELECT owner, no, balance, currency, note, active FROM accounts ORDER BY owner, no;
SELECT count(*) FROM accounts;

-- Many rows: one owner has most of them.
INSERT INTO accounts (owner, no, balance) VALUES
    ('dora', 1, 10), ('emil', 1, 20), ('dora', 2, 30), ('dora', 3, 40),
    ('fay', 1, NULL), ('gus', 1, 60);
INSERT INTO accounts (owner, no, balance) VALUES
    ('dora', 1, 10), ('emil', 1, 20), ('dora', 2, 30), ('dora', 3, 40),
    ('fay', 1, 50), ('gus', 1, 60);
INSERT INTO accounts (owner, no, balance, currency, note) VALUES
    ('hal', 1, DEFAULT, 'CHF', NULL), ('ida', 1, 5, DEFAULT, 'five'), ('dora', 4, DEFAULT, DEFAULT, DEFAULT);
SELECT owner, no, balance, currency, note FROM accounts WHERE owner >= 'd' ORDER BY owner, no;
SELECT owner, count(*) AS n, sum(balance) AS total FROM accounts GROUP BY owner ORDER BY owner;

-- Expressions as values, for the key too.
INSERT INTO accounts (owner, no, balance, note) VALUES ('da' || 'n', 1 + 1, 7 * 6, upper('expression'));
INSERT INTO accounts (owner, no, note) VALUES (lower('EVE'), length('three') - 4, repeat('x', 3)), (concat('e', 'v', 'e'), 2, left('abcdef', 2));
INSERT INTO accounts (owner, no, note) VALUES ((SELECT 'gu' || 's'), 2, (SELECT name FROM currencies WHERE code = 'JPY'));
INSERT INTO accounts (owner, no, balance) VALUES ('gus', (SELECT max(no) + 1 FROM accounts WHERE owner = 'gus'), (SELECT sum(balance) FROM accounts WHERE owner = 'dora'));
INSERT INTO accounts (owner, no, balance) VALUES ('kim', 1, (SELECT sum(balance) FROM accounts));
INSERT INTO accounts (owner, no, note) VALUES ('kim', 2, (SELECT note FROM accounts WHERE owner = 'nobody'));
SELECT owner, no, balance, note FROM accounts WHERE owner IN ('dan', 'eve', 'gus', 'kim') ORDER BY owner, no;

-- Parameters.
-- args: 'lea' | 1 | 12.5 | NULL
INSERT INTO accounts (owner, no, balance, note) VALUES ($1, $2, $3, $4);
-- args: 'lea' | 2 | 'max'
INSERT INTO accounts (owner, no, note) VALUES ($1, $2, 'two rows'), ($3, $2 + 1, $1 || '''s friend');
-- args: 'max' | 3
INSERT INTO accounts VALUES ($1, $2 + 1, $2 * 10.5, 'CHF', DEFAULT, false) RETURNING owner, no, balance, active;
-- args: NULL | 1
INSERT INTO accounts (owner, no) VALUES ($1, $2);
SELECT owner, no, balance, currency, note, active FROM accounts WHERE owner IN ('lea', 'max') ORDER BY owner, no;

-- RETURNING.
INSERT INTO accounts (owner, no) VALUES ('nina', 1) RETURNING *;
INSERT INTO accounts (owner, no, balance) VALUES ('nina', 2, 1.005), ('olga', 1, 2.5), ('pete', 1, 3) RETURNING owner, no, balance * 2 AS twice, note IS NULL AS empty;
INSERT INTO accounts AS a (owner, no, balance) VALUES ('pete', 2, 1.25), ('pete', 3, 1.75), ('quin', 9, 0) RETURNING a.owner || '/' || a.no AS name, round(a.balance) AS whole;
INSERT INTO accounts (owner, no) VALUES ('quin', 10) RETURNING 1 AS one, 'text' AS words, NULL AS nothing;

-- Rows that are refused.
INSERT INTO accounts (owner, no) VALUES ('alice', 1);
INSERT INTO accounts (owner, no) VALUES ('zoe', 1), ('alice', 2), ('yan', 1);
INSERT INTO accounts (owner, no) VALUES (NULL, 1);
INSERT INTO accounts (no) VALUES (1);
INSERT INTO accounts (owner) VALUES ('zoe');
INSERT INTO accounts (owner, no, balance) VALUES ('zoe', 1, -1001);
INSERT INTO accounts (owner, no, balance) VALUES ('zoe', 1, 5), ('yan', 1, -5000);
INSERT INTO accounts (owner, no, balance) VALUES ('zoe', 1, 123456789.5);
INSERT INTO accounts (owner, no, currency) VALUES ('zoe', 1, 'EURO');
INSERT INTO accounts (owner, no, active) VALUES ('zoe', 1, 'perhaps');
INSERT INTO accounts (owner, no) VALUES ('zoe', 1, 2);
INSERT INTO accounts (owner, no, balance) VALUES ('zoe', 1);
INSERT INTO accounts (owner, no, colour) VALUES ('zoe', 1, 'red');
INSERT INTO accounts (owner, no, no) VALUES ('zoe', 1, 1);
INSERT INTO accounts (owner, no) VALUES ('zoe', 1), ('zoe', 1);
INSERT INTO nowhere (owner, no) VALUES ('zoe', 1);
INSERT INTO accounts (owner, no) VALUES ('zoe', 1 / 0);
INSERT INTO accounts (owner, no) VALUES ('zoe', (SELECT no FROM accounts WHERE owner = 'dora'));
SELECT count(*) AS n FROM accounts WHERE owner IN ('zoe', 'yan');
SELECT count(*) AS n, count(DISTINCT owner) AS owners, sum(balance) AS total FROM accounts;

-- Volatile defaults: only what is sure is shown.
INSERT INTO notes (owner) VALUES ('alice'), ('bob'), ('alice');
INSERT INTO notes (owner, body) VALUES ('carol', 'written'), ('carol', DEFAULT), ('dora', NULL);
INSERT INTO notes VALUES ('emil') RETURNING owner, body, size, made = now() AS made_now, ref IS NOT NULL AS has_ref;
INSERT INTO notes (owner, made) VALUES ('fay', now() - interval '1 day'), ('gus', DEFAULT) RETURNING owner, made < now() AS earlier;
SELECT owner, body, size, made <= now() AS past FROM notes ORDER BY owner, body NULLS LAST;
SELECT count(*) AS n, count(DISTINCT ref) AS refs, min(size) AS smallest, max(size) AS largest FROM notes;
INSERT INTO notes DEFAULT VALUES;
INSERT INTO accounts DEFAULT VALUES;
SELECT count(*) FROM notes;
