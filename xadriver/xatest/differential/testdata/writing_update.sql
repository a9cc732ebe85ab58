-- shard: key.accounts=owner
-- shard: key.entries=owner
-- shard: key.teams=team
-- shard: reference=currencies
-- UPDATE: by one key, by several, without a key, with FROM, with subqueries,
-- with RETURNING, and with parameters.

CREATE TABLE currencies (code text PRIMARY KEY, rate numeric(8,4) NOT NULL);
CREATE TABLE accounts (owner int PRIMARY KEY, name text NOT NULL, balance numeric(10,2) NOT NULL CHECK (balance >= 0), currency text, team int, tag text);
CREATE TABLE entries (owner int NOT NULL, no int NOT NULL, amount numeric(10,2), done boolean NOT NULL DEFAULT false, PRIMARY KEY (owner, no));
CREATE TABLE teams (team int PRIMARY KEY, title text, members int);
CREATE TABLE settings (name text PRIMARY KEY, value int);

INSERT INTO currencies VALUES ('EUR', 1), ('CHF', 1.05), ('JPY', 0.0061);
INSERT INTO accounts SELECT n, 'name ' || n, n * 10, CASE n % 4 WHEN 0 THEN 'EUR' WHEN 1 THEN 'CHF' WHEN 2 THEN 'XXX' END, n % 3 FROM generate_series(1, 20) AS n;
INSERT INTO entries SELECT 1 + n % 5, n, n * 0.5 FROM generate_series(1, 25) AS n;
INSERT INTO entries VALUES (77, 1, NULL), (77, 2, 7), (78, 1, 8);
INSERT INTO teams VALUES (0, 'zero', NULL), (1, 'one', 5), (2, NULL, 6), (9, 'nobody', 0);
INSERT INTO settings VALUES ('bonus', 7), ('limit', 50);

-- By the key.
UPDATE accounts SET balance = balance + 5 WHERE owner = 1;
UPDATE accounts SET name = upper(name), tag = 'loud' WHERE owner = 2 RETURNING owner, name, tag;
UPDATE accounts SET tag = name, name = tag WHERE owner = 3;
UPDATE accounts SET tag = name, name = coalesce(tag, 'none') WHERE owner = 3 RETURNING *;
UPDATE accounts SET balance = balance / 3, currency = NULL WHERE owner = 4 AND balance > 1000;
-- args: 5 | 'five'
UPDATE accounts SET tag = $2 WHERE owner = $1;
-- args: 2.5 | 5
UPDATE accounts AS a SET balance = a.balance * $1 WHERE a.owner = $2 RETURNING a.balance, a.balance - 1 AS less;
UPDATE accounts SET tag = 'nobody' WHERE owner = 999;
UPDATE accounts SET tag = 'null' WHERE owner = NULL;
SELECT owner, name, balance, currency, tag FROM accounts WHERE owner <= 5 ORDER BY owner;

-- By several keys.
UPDATE accounts SET tag = 'in' WHERE owner IN (6, 7, 8, 999);
UPDATE accounts SET tag = 'or' WHERE owner = 9 OR owner = 10 OR (owner = 11 AND balance < 0);
-- args: '{11,12,13,13}'
UPDATE accounts SET tag = 'any' WHERE owner = ANY($1) RETURNING owner, tag;
-- args: 14 | 15
UPDATE accounts SET tag = 'two' || owner WHERE owner IN ($1, $2) AND balance >= 150;
UPDATE accounts SET tag = 'range' WHERE owner BETWEEN 16 AND 18;
UPDATE entries SET amount = amount + 100 WHERE (owner, no) IN ((1, 5), (2, 6), (2, 999));
SELECT owner, tag FROM accounts WHERE owner > 5 ORDER BY owner;
SELECT owner, no, amount FROM entries WHERE amount > 50 ORDER BY owner, no;

-- Without the key.
UPDATE accounts SET balance = balance + 0.01;
UPDATE accounts SET tag = NULL WHERE tag LIKE 'in%';
UPDATE accounts SET team = team + 10, tag = coalesce(tag, '?') WHERE team = 2 RETURNING owner, team, tag;
UPDATE entries SET done = true, amount = round(amount) WHERE amount > 10;
UPDATE entries SET done = NOT done WHERE amount IS NULL RETURNING owner, no, done;
UPDATE accounts SET tag = 'never' WHERE balance < 0;
SELECT count(*) AS n, sum(balance) AS total, count(tag) AS tags, sum(team) AS teams FROM accounts;
SELECT owner, count(*) AS n, sum(amount) AS amount, bool_or(done) AS some, bool_and(done) AS every FROM entries GROUP BY owner ORDER BY owner;

-- Checks.
UPDATE accounts SET balance = balance - 100 WHERE owner = 2;
UPDATE accounts SET balance = balance - 100;
UPDATE accounts SET name = NULL WHERE owner IN (1, 2, 3);
UPDATE accounts SET balance = 1.0 / (20 - owner);
UPDATE accounts SET nothing = 1;
UPDATE accounts SET tag = 'a', tag = 'b' WHERE owner = 1;
UPDATE accounts SET balance = 'much' WHERE owner = 1;
SELECT count(*) AS n, sum(balance) AS total FROM accounts;

-- FROM: the same key, a reference table, off the key, an unsharded table, VALUES.
UPDATE accounts a SET balance = a.balance + e.amount FROM entries e WHERE e.owner = a.owner AND e.no = 5;
UPDATE accounts a SET tag = 'sum ' || s.total FROM (SELECT owner, sum(amount) AS total FROM entries GROUP BY owner) s WHERE s.owner = a.owner RETURNING a.owner, a.tag, s.total;
UPDATE entries e SET amount = e.amount * 2, done = true FROM accounts a WHERE a.owner = e.owner AND a.currency = 'CHF';
UPDATE accounts SET balance = balance * c.rate, currency = 'EUR' FROM currencies c WHERE c.code = accounts.currency AND c.code <> 'EUR' RETURNING owner, balance, c.code, c.rate;
UPDATE accounts a SET tag = t.title FROM teams t WHERE t.team = a.team;
UPDATE teams t SET members = 100 + t.team FROM accounts a WHERE a.owner = 20 AND t.team = a.team - 10;
UPDATE accounts a SET balance = a.balance + s.value FROM settings s WHERE s.name = 'bonus' AND a.owner < 4;
UPDATE accounts a SET tag = v.word FROM (VALUES (1, 'uno'), (2, 'due'), (55, 'none')) AS v(n, word) WHERE v.n = a.owner RETURNING a.owner, v.word;
SELECT owner, balance, currency, tag FROM accounts ORDER BY owner;
SELECT team, title, members FROM teams ORDER BY team;
SELECT owner, no, amount, done FROM entries WHERE owner IN (1, 5, 77, 78) ORDER BY owner, no;

-- Subqueries: of the same key and not.
UPDATE accounts a SET balance = (SELECT sum(e.amount) FROM entries e WHERE e.owner = a.owner) WHERE EXISTS (SELECT 1 FROM entries e WHERE e.owner = a.owner);
UPDATE accounts a SET (tag, team) = (SELECT 'entries ' || count(*), max(e.no) FROM entries e WHERE e.owner = a.owner) WHERE a.owner <= 6;
UPDATE accounts SET (name, tag) = ('row', name), team = 0 WHERE owner = 7;
UPDATE accounts SET (name, tag) = ROW (DEFAULT, 'x') WHERE owner = 8;
UPDATE accounts SET tag = 'richest' WHERE balance = (SELECT max(balance) FROM accounts);
UPDATE accounts SET balance = (SELECT min(balance) FROM accounts), tag = 'poor' WHERE owner IN (19, 20);
UPDATE accounts SET tag = 'in a team' WHERE team IN (SELECT team FROM teams WHERE title IS NOT NULL) RETURNING owner, team;
UPDATE teams SET members = (SELECT count(*) FROM accounts a WHERE a.team = teams.team);
UPDATE settings SET value = (SELECT count(*) FROM accounts) WHERE name = 'limit';
UPDATE entries SET done = false WHERE owner NOT IN (SELECT owner FROM accounts);
UPDATE accounts SET currency = (SELECT code FROM currencies WHERE rate < 1) WHERE currency IS NULL;
SELECT owner, name, balance, currency, team, tag FROM accounts ORDER BY owner;
SELECT team, members FROM teams ORDER BY team;
SELECT name, value FROM settings ORDER BY name;

-- Time compared with itself, and a column's default.
ALTER TABLE accounts ADD COLUMN changed timestamptz DEFAULT '2000-01-01 00:00:00+00', ADD COLUMN day date;
UPDATE accounts SET changed = now(), day = CURRENT_DATE WHERE owner IN (1, 2, 3, 4);
UPDATE accounts SET changed = DEFAULT, tag = DEFAULT WHERE owner = 4 RETURNING owner, changed = timestamptz '2000-01-01 00:00:00+00' AS reset, tag;
UPDATE accounts SET day = CURRENT_DATE RETURNING owner, day = CURRENT_DATE AS today;
SELECT count(*) AS n, count(DISTINCT changed) AS moments, bool_and(changed <= now()) AS past, count(DISTINCT day) AS days FROM accounts;
