-- shard: key.accounts=owner
-- shard: key.moves=id
-- shard: reference=rates
-- Functions in SQL that read sharded tables, called in lists, conditions and FROM.

CREATE TABLE accounts (owner text PRIMARY KEY, balance numeric NOT NULL, currency text);
CREATE TABLE moves (id int PRIMARY KEY, owner text NOT NULL, amount numeric);
CREATE TABLE rates (currency text PRIMARY KEY, rate numeric);
INSERT INTO accounts VALUES ('ann', 10, 'eur'), ('ben', 20, 'usd'), ('cleo', -5, 'eur'), ('dov', 0, NULL), ('eva', 99.5, 'usd');
INSERT INTO moves SELECT g, (ARRAY['ann', 'ben', 'cleo', 'nobody'])[1 + g % 4], g * 1.5 FROM generate_series(1, 20) g;
INSERT INTO rates VALUES ('eur', 1), ('usd', 0.5);

CREATE FUNCTION moved(o text) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(amount) FROM moves WHERE owner = o';
CREATE FUNCTION poor(most numeric) RETURNS TABLE (who text, has numeric) LANGUAGE sql STABLE AS 'SELECT owner, balance FROM accounts WHERE balance < most';
CREATE FUNCTION worth(o text) RETURNS numeric LANGUAGE sql STABLE AS $$ SELECT a.balance * r.rate + coalesce(moved(o), 0) FROM accounts a JOIN rates r ON r.currency = a.currency WHERE a.owner = o $$;
CREATE FUNCTION everybody() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM accounts';

SELECT owner, moved(owner) AS m FROM accounts ORDER BY owner COLLATE "C";
SELECT who, has FROM poor(15) ORDER BY has;
SELECT p.who, m.amount FROM poor(15) p JOIN moves m ON m.owner = p.who ORDER BY m.id;
SELECT everybody();
SELECT everybody() + 1 AS more, (SELECT count(*) FROM moves) AS moves;
SELECT owner, worth(owner) AS w FROM accounts WHERE balance > 0 ORDER BY balance;
SELECT sum(worth(owner)) FROM accounts;
SELECT owner FROM accounts WHERE moved(owner) > 70 ORDER BY owner COLLATE "C";
SELECT a.owner FROM accounts a WHERE a.balance = (SELECT max(has) FROM poor(50)) ORDER BY 1;
BEGIN;
INSERT INTO accounts VALUES ('fay', 1, 'eur');
UPDATE rates SET rate = 2 WHERE currency = 'eur';
SELECT everybody();
SELECT who FROM poor(2) ORDER BY has;
SELECT worth('fay');
SELECT owner, worth(owner) AS w FROM accounts ORDER BY balance;
ROLLBACK;
SELECT everybody();
INSERT INTO moves SELECT 100 + row_number() OVER (ORDER BY who), who, has FROM poor(15);
SELECT id, owner, amount FROM moves WHERE id > 20 ORDER BY id;
SELECT moved('ann', 1);
SELECT poor(1, 2);
SELECT (poor(15)).who AS w ORDER BY 1;
DROP FUNCTION worth(text);
SELECT worth('ann');
