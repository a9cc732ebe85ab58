-- shard: key.accounts=owner
-- shard: key.history=owner
-- shard: reference=rates
-- Views, functions, triggers and sequences.

CREATE TABLE rates (currency text PRIMARY KEY, rate numeric(8,4));
CREATE TABLE accounts (owner text PRIMARY KEY, balance numeric(10,2) NOT NULL DEFAULT 0, currency text, changed int DEFAULT 0);
CREATE TABLE history (owner text NOT NULL, no int NOT NULL, what text, amount numeric(10,2));
CREATE TABLE plain (id int, note text);
INSERT INTO rates VALUES ('EUR', 1), ('CHF', 1.05);
INSERT INTO accounts (owner, balance, currency) VALUES ('ann', 100, 'EUR'), ('bob', 50, 'CHF'), ('cyd', 0, NULL), ('dee', 75.5, 'EUR'), ('eve', 20, 'USD');
INSERT INTO plain VALUES (1, 'one'), (2, 'two');

-- Views.
CREATE VIEW rich AS SELECT owner, balance FROM accounts WHERE balance >= 50;
CREATE VIEW rich AS SELECT 1 AS one;
SELECT owner, balance FROM rich ORDER BY owner;
SELECT balance FROM rich WHERE owner = 'bob';
CREATE OR REPLACE VIEW rich AS SELECT owner, balance, currency FROM accounts WHERE balance > 50;
CREATE OR REPLACE VIEW rich AS SELECT owner FROM accounts;
SELECT count(*) AS n, sum(balance) AS total FROM rich;
CREATE VIEW worth AS SELECT a.owner, a.balance * r.rate AS value FROM accounts a LEFT JOIN rates r USING (currency);
CREATE VIEW totals (currency, n, total) AS SELECT currency, count(*), sum(balance) FROM accounts GROUP BY currency;
CREATE VIEW both_views AS SELECT r.owner, w.value FROM rich r JOIN worth w ON w.owner = r.owner;
CREATE VIEW notes AS SELECT id, note FROM plain WITH CHECK OPTION;
CREATE VIEW wrong AS SELECT nothing FROM accounts;
SELECT owner, value FROM worth ORDER BY owner;
SELECT value FROM worth WHERE owner = 'bob';
SELECT currency, n, total FROM totals ORDER BY currency NULLS FIRST;
SELECT owner, value FROM both_views ORDER BY owner;
SELECT t.currency, r.rate, t.total FROM totals t JOIN rates r USING (currency) ORDER BY t.currency;
INSERT INTO notes VALUES (3, 'three');
UPDATE notes SET note = upper(note) WHERE id > 1;
INSERT INTO rich VALUES ('fay', 60, 'EUR');
UPDATE rich SET balance = balance + 1 WHERE owner = 'fay';
DELETE FROM rich WHERE owner = 'fay';
UPDATE totals SET n = 0;
ALTER VIEW worth RENAME COLUMN value TO amount;
SELECT amount FROM worth WHERE owner = 'ann';
ALTER TABLE accounts DROP COLUMN currency;
ALTER TABLE accounts ALTER COLUMN balance TYPE int;
DROP VIEW rich;
DROP VIEW rich CASCADE;
SELECT owner FROM both_views;
DROP VIEW IF EXISTS rich, totals;
DROP TABLE accounts;
SELECT id, note FROM plain ORDER BY id;

-- Functions of their arguments alone.
CREATE FUNCTION double(n numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE FUNCTION double(n numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE OR REPLACE FUNCTION double(n numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN n + n;
CREATE FUNCTION double(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    -- Twice; the semicolons in here end nothing.
    RETURN t || '-' || t;
END;
$$;
CREATE FUNCTION grade(balance numeric, VARIADIC steps numeric[]) RETURNS int LANGUAGE plpgsql IMMUTABLE STRICT AS $body$
DECLARE
    n int := 0;
    s numeric;
BEGIN
    FOREACH s IN ARRAY steps LOOP
        IF balance >= s THEN n := n + 1; END IF;
    END LOOP;
    RETURN n;
END $body$;
CREATE FUNCTION parts(n int, OUT half int, OUT rest int) LANGUAGE sql IMMUTABLE AS $$ SELECT n / 2, n % 2 $$;
SELECT double(2.5) AS a, double('x'::text) AS b, (parts(7)).rest AS c;
SELECT owner, double(balance) AS double, grade(balance, 10, 60, 90) AS grade FROM accounts ORDER BY owner;
SELECT double(owner) AS owner, double(balance) AS balance FROM accounts WHERE owner = 'ann';
UPDATE accounts SET balance = double(balance) WHERE grade(balance, 50) = 1 RETURNING owner, balance;
INSERT INTO accounts (owner, balance) VALUES (double('g'), double(1.5)) RETURNING owner, balance;
SELECT owner FROM accounts WHERE owner = double('g'::text);
CREATE INDEX accounts_double ON accounts (double(balance));
SELECT grade(1, VARIADIC '{0,1,2}') AS grade, grade(NULL, 1) AS nothing;
SELECT double(true);
SELECT nosuchfunction(1);
CREATE FUNCTION fails(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF n > 2 THEN RAISE EXCEPTION 'too much: %', n USING ERRCODE = 'XA001'; END IF; RETURN n; END $$;
SELECT fails(1) AS fine;
SELECT fails(3);
UPDATE accounts SET changed = fails(4) WHERE owner = 'ann';
UPDATE accounts SET changed = fails(2) WHERE owner = 'ann' RETURNING changed;
SELECT fails(changed + 1) AS changed FROM accounts WHERE owner = 'ann';
ALTER FUNCTION fails(int) RENAME TO throws;
DROP FUNCTION double;
DROP FUNCTION fails(int);
DROP FUNCTION IF EXISTS fails(int);
DROP FUNCTION double(numeric);
DROP FUNCTION throws(int);

-- A function that reads the rows of one owner.
CREATE FUNCTION balance_of(who text) RETURNS numeric LANGUAGE sql STABLE AS $$ SELECT balance FROM accounts WHERE owner = who $$;
SELECT balance_of('ann') AS balance;
SELECT owner, balance_of(owner) = balance AS same FROM accounts WHERE owner = 'bob';
SELECT balance_of(NULL) AS nothing;

-- Triggers.
CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed := coalesce(OLD.changed, 0) + 1;
    IF NEW.balance < 0 THEN
        RAISE EXCEPTION 'account % would drop below 0', NEW.owner USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO history (owner, no, what, amount)
        SELECT coalesce(NEW.owner, OLD.owner), count(*) + 1, lower(TG_OP), coalesce(NEW.balance, 0) - coalesce(OLD.balance, 0)
        FROM history WHERE owner = coalesce(NEW.owner, OLD.owner);
    RETURN NULL;
END $$;
CREATE TRIGGER a_count BEFORE INSERT OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION count_change();
CREATE TRIGGER a_count BEFORE INSERT OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION count_change();
CREATE TRIGGER b_remember AFTER INSERT OR DELETE OR UPDATE OF balance ON accounts FOR EACH ROW EXECUTE FUNCTION remember();
CREATE TRIGGER wrong AFTER INSERT ON nowhere FOR EACH ROW EXECUTE FUNCTION remember();
UPDATE accounts SET balance = balance - 5 WHERE owner = 'ann' RETURNING balance, changed;
UPDATE accounts SET balance = balance + 1;
UPDATE accounts SET currency = 'EUR' WHERE owner IN ('cyd', 'eve');
UPDATE accounts SET balance = balance - 1000 WHERE owner = 'bob';
INSERT INTO accounts (owner, balance, changed) VALUES ('gus', 1, 50) RETURNING owner, changed;
INSERT INTO accounts (owner, balance) VALUES ('hal', 1), ('ida', -1);
DELETE FROM accounts WHERE owner = 'dee';
SELECT owner, balance, currency, changed FROM accounts ORDER BY owner;
SELECT owner, no, what, amount FROM history ORDER BY owner, no;
ALTER TABLE accounts DISABLE TRIGGER b_remember;
UPDATE accounts SET balance = 7 WHERE owner = 'ann';
ALTER TABLE accounts ENABLE TRIGGER ALL;
ALTER TRIGGER b_remember ON accounts RENAME TO c_remember;
DROP TRIGGER b_remember ON accounts;
DROP TRIGGER IF EXISTS b_remember ON accounts;
DROP FUNCTION remember();
DROP TRIGGER c_remember ON accounts;
DROP FUNCTION remember();
UPDATE accounts SET balance = 8 WHERE owner = 'ann' RETURNING changed;
SELECT count(*) AS n, sum(amount) AS amount FROM history;

-- Sequences by themselves.
CREATE SEQUENCE numbers START 100 INCREMENT 5;
CREATE SEQUENCE numbers;
CREATE SEQUENCE IF NOT EXISTS numbers;
SELECT nextval('numbers') >= 100 AS enough;
SELECT nextval('numbers') > 100 AS more, currval('numbers') > 100 AS same;
SELECT setval('numbers', 1000) AS set;
SELECT nextval('numbers') > 1000 AS beyond;
SELECT count(DISTINCT nextval('numbers')) AS n FROM generate_series(1, 10);
INSERT INTO plain SELECT nextval('numbers'), 'numbered ' || n FROM generate_series(1, 3) AS n;
SELECT note, id > 1000 AS high FROM plain ORDER BY note;
SELECT nextval('nosuchsequence');
ALTER SEQUENCE numbers RESTART WITH 5 INCREMENT BY 1 MAXVALUE 1000000;
SELECT setval('numbers', 2000000);
DROP SEQUENCE numbers;
DROP SEQUENCE IF EXISTS numbers;
CREATE TABLE counted (id serial, big bigserial, note text);
INSERT INTO counted (note) VALUES ('a'), ('b'), ('c');
INSERT INTO counted (id, note) VALUES (DEFAULT, 'd'), (100000, 'e');
SELECT count(DISTINCT id) AS ids, count(DISTINCT big) AS bigs, count(*) AS n FROM counted;
SELECT note FROM counted WHERE id = 100000;
DROP SEQUENCE counted_id_seq;
TRUNCATE counted RESTART IDENTITY;
INSERT INTO counted (note) VALUES ('again');
SELECT count(*) AS n, count(id) AS ids FROM counted;
