-- shard: key.accounts=owner
-- shard: key.ledger=owner
-- shard: reference=limits
-- BEGIN, COMMIT, ROLLBACK and SAVEPOINT as text, failed transactions, isolation
-- levels and read-only ones.

CREATE TABLE limits (name text PRIMARY KEY, amount int);
CREATE TABLE accounts (owner text PRIMARY KEY, balance int NOT NULL CHECK (balance >= 0));
CREATE TABLE ledger (owner text NOT NULL REFERENCES accounts DEFERRABLE, no int NOT NULL, amount int, PRIMARY KEY (owner, no) DEFERRABLE);
CREATE TABLE diary (line int, words text);
INSERT INTO limits VALUES ('most', 1000), ('least', 1);
INSERT INTO accounts VALUES ('ann', 100), ('bob', 50), ('cyd', 0), ('dee', 75), ('eve', 75), ('fay', 10);

-- A transfer.
BEGIN;
UPDATE accounts SET balance = balance - 30 WHERE owner = 'ann';
UPDATE accounts SET balance = balance + 30 WHERE owner = 'bob';
INSERT INTO ledger VALUES ('ann', 1, -30);
INSERT INTO ledger VALUES ('bob', 1, 30);
SELECT owner, balance FROM accounts ORDER BY owner;
SELECT sum(balance) AS total FROM accounts;
COMMIT;
SELECT owner, no, amount FROM ledger ORDER BY owner, no;

-- One that does not happen.
START TRANSACTION;
UPDATE accounts SET balance = balance + 500;
DELETE FROM ledger;
UPDATE limits SET amount = 0;
SELECT count(*) AS n FROM ledger;
SELECT owner, balance FROM accounts ORDER BY balance DESC, owner LIMIT 2;
ROLLBACK;
SELECT owner, balance FROM accounts ORDER BY balance DESC, owner LIMIT 2;
SELECT name, amount FROM limits ORDER BY name;

-- An error spoils what follows.
BEGIN;
UPDATE accounts SET balance = balance - 10 WHERE owner = 'ann';
UPDATE accounts SET balance = balance - 10 WHERE owner = 'cyd';
SELECT owner FROM accounts ORDER BY owner;
UPDATE accounts SET balance = 5 WHERE owner = 'dee';
SAVEPOINT late;
COMMIT;
SELECT balance FROM accounts WHERE owner = 'ann';
BEGIN;
INSERT INTO limits VALUES ('most', 1);
INSERT INTO diary VALUES (1, 'not written');
ROLLBACK;
BEGIN;
SELECT nothing FROM accounts;
END;
BEGIN;
SELEC 1;
SELECT 1 AS one;
ABORT;
SELECT count(*) AS n FROM diary;

-- Savepoints.
BEGIN;
INSERT INTO accounts VALUES ('gus', 1), ('hal', 2), ('ida', 3), ('jon', 4);
SAVEPOINT a;
UPDATE accounts SET balance = balance + 100 WHERE owner IN ('gus', 'hal');
SAVEPOINT b;
DELETE FROM accounts WHERE owner = 'ida';
SELECT owner, balance FROM accounts WHERE owner > 'fay' ORDER BY owner;
ROLLBACK TO SAVEPOINT b;
SELECT owner, balance FROM accounts WHERE owner > 'fay' ORDER BY owner;
UPDATE accounts SET balance = -1 WHERE owner = 'jon';
SELECT 1 AS one;
ROLLBACK TO b;
RELEASE SAVEPOINT b;
ROLLBACK TO b;
ROLLBACK TO a;
SELECT owner, balance FROM accounts WHERE owner > 'fay' ORDER BY owner;
SAVEPOINT a;
INSERT INTO ledger SELECT owner, 1, balance FROM accounts WHERE owner > 'fay';
RELEASE a;
SAVEPOINT "A b";
DELETE FROM ledger;
ROLLBACK WORK TO "A b";
COMMIT;
SELECT owner, no, amount FROM ledger ORDER BY owner, no;
BEGIN;
SAVEPOINT x;
INSERT INTO diary VALUES (1, 'one');
SAVEPOINT x;
INSERT INTO diary VALUES (2, 'two');
ROLLBACK TO x;
RELEASE x;
ROLLBACK TO x;
INSERT INTO diary VALUES (3, 'three');
COMMIT;
SELECT line, words FROM diary ORDER BY line;
SAVEPOINT nowhere;
ROLLBACK TO nowhere;
RELEASE nowhere;
COMMIT;
ROLLBACK;

-- COMMIT AND CHAIN.
BEGIN;
UPDATE accounts SET balance = 11 WHERE owner = 'fay';
COMMIT AND CHAIN;
UPDATE accounts SET balance = 12 WHERE owner IN ('fay', 'ann');
ROLLBACK AND CHAIN;
SELECT owner, balance FROM accounts WHERE owner IN ('fay', 'ann') ORDER BY owner;
UPDATE accounts SET balance = 13 WHERE owner = 'fay';
COMMIT AND NO CHAIN;
SELECT balance FROM accounts WHERE owner = 'fay';

-- Isolation and access.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SHOW transaction_isolation;
SELECT count(*) AS n FROM accounts;
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;
ROLLBACK;
BEGIN;
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;
SELECT current_setting('transaction_isolation') AS level;
UPDATE accounts SET balance = balance + 1 WHERE owner IN ('ann', 'bob', 'cyd', 'dee');
SELECT owner, balance FROM accounts WHERE owner < 'e' ORDER BY owner;
COMMIT;
SHOW transaction_isolation;
BEGIN READ ONLY;
SELECT sum(balance) AS total FROM accounts;
UPDATE accounts SET balance = 0 WHERE owner = 'ann';
SELECT 1 AS one;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE;
SELECT owner FROM accounts WHERE balance > 50 ORDER BY owner;
INSERT INTO diary VALUES (9, 'no');
ROLLBACK;
BEGIN READ WRITE;
SET TRANSACTION READ ONLY;
SHOW transaction_read_only;
DELETE FROM ledger;
ROLLBACK;
BEGIN TRANSACTION ISOLATION LEVEL SOMETHING;
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;
INSERT INTO accounts VALUES ('zoe', 1);
SHOW default_transaction_read_only;
BEGIN READ WRITE;
INSERT INTO accounts VALUES ('zoe', 1), ('yan', 2);
COMMIT;
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE;
DELETE FROM accounts WHERE owner IN ('zoe', 'yan') RETURNING owner;

-- Constraints that wait.
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO ledger VALUES ('new', 1, 5), ('newer', 1, 6);
INSERT INTO accounts VALUES ('new', 5), ('newer', 6);
COMMIT;
BEGIN;
SET CONSTRAINTS ledger_owner_fkey DEFERRED;
INSERT INTO ledger VALUES ('nobody', 1, 5);
SELECT count(*) AS n FROM ledger WHERE owner = 'nobody';
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
DELETE FROM accounts WHERE owner = 'new';
INSERT INTO ledger VALUES ('ann', 2, 7);
COMMIT;
SELECT count(*) AS n FROM ledger WHERE owner IN ('ann', 'new', 'nobody');
BEGIN;
SET CONSTRAINTS ledger_pkey DEFERRED;
INSERT INTO ledger VALUES ('ann', 1, 8), ('bob', 1, 9);
UPDATE ledger SET no = 2 WHERE amount IN (8, 9);
COMMIT;
BEGIN;
SET CONSTRAINTS ledger_pkey DEFERRED;
INSERT INTO ledger VALUES ('ann', 1, 10);
COMMIT;
SET CONSTRAINTS nosuchconstraint DEFERRED;
BEGIN;
SET CONSTRAINTS nosuchconstraint DEFERRED;
ROLLBACK;
INSERT INTO ledger VALUES ('nobody', 1, 5);
SELECT owner, no, amount FROM ledger ORDER BY owner, no;
SELECT count(*) AS n, sum(balance) AS total FROM accounts;
