-- shard: key.t=id
-- shard: key.u=id
-- shard: reference=r
-- shard: keys=tenant
CREATE TABLE t (id int PRIMARY KEY, v int, x int, s text);
CREATE TABLE u (id int, n int, w int, s text, PRIMARY KEY (id, n));
CREATE TABLE r (v int PRIMARY KEY, name text);
CREATE TABLE h (v int PRIMARY KEY, name text);
CREATE TABLE audit (what text, id int);
INSERT INTO t SELECT i, i % 5, i % 3, 's' || (i % 4) FROM generate_series(1, 30) i;
INSERT INTO u SELECT i, n, i % 4, 'u' || (i % 3) FROM generate_series(1, 20) i, generate_series(1, 2) n WHERE i % 3 <> 0;
INSERT INTO r SELECT i, 'r' || i FROM generate_series(0, 4) i;
INSERT INTO h SELECT i, 'h' || i FROM generate_series(0, 4) i;
-- triggers into an unsharded table
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (TG_OP, coalesce(NEW.id, OLD.id)); RETURN NULL; END $$;
CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO t (id, v) VALUES (201, 1), (202, 1), (203, 1), (204, 2);
UPDATE t SET v = v + 1 WHERE id > 200;
DELETE FROM t WHERE id > 200;
SELECT what, count(*) FROM audit GROUP BY what;
DROP TRIGGER noted ON t;
CREATE RULE logged AS ON UPDATE TO t DO ALSO INSERT INTO audit VALUES ('rule', NEW.id);
UPDATE t SET x = x;
SELECT what, count(*) FROM audit GROUP BY what;
DROP RULE logged ON t;
CREATE RULE skip AS ON DELETE TO t DO INSTEAD NOTHING;
DELETE FROM t WHERE id < 10;
SELECT count(*) FROM t;
DELETE FROM t USING u WHERE t.x = u.w AND u.id = 1;
SELECT count(*) FROM t;
DROP RULE skip ON t;
CREATE RULE instead AS ON INSERT TO t DO INSTEAD INSERT INTO u VALUES (NEW.id, 9, NEW.v, 'rule');
INSERT INTO t (id, v) VALUES (1, 1), (2, 1), (3, 1), (4, 2);
SELECT count(*) FROM u WHERE n = 9;
SELECT count(*) FROM u WHERE id = 3 AND n = 9;
DROP RULE instead ON t;
-- statement triggers
CREATE FUNCTION note_st() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never' USING ERRCODE = 'P0009'; END $$;
CREATE TRIGGER once BEFORE UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION note_st();
UPDATE t SET v = 1 WHERE id = -1;
UPDATE t SET v = 1 WHERE false;
UPDATE t SET v = 1 FROM u WHERE t.v = u.w AND false;
UPDATE t SET v = 1 FROM u WHERE t.v = u.w AND u.id = -1;
DROP TRIGGER once ON t;
CREATE TRIGGER once BEFORE INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION note_st();
INSERT INTO t SELECT * FROM t WHERE false;
INSERT INTO t SELECT id + 1000 FROM t WHERE v = 77;
DROP TRIGGER once ON t;
-- inheritance
CREATE TABLE child (y int) INHERITS (t);
INSERT INTO child (id, v, y) VALUES (5, 50, 1), (6, 60, 2), (7, 70, 3), (8, 80, 4);
SELECT id, v FROM t WHERE id = 5;
SELECT id, v FROM t WHERE id = 6;
SELECT id, v FROM t WHERE id = 7;
SELECT id, v FROM t WHERE id = 8;
SELECT count(*), sum(v) FROM t;
SELECT id, v FROM t WHERE id < 9 ORDER BY id, v;
UPDATE t SET v = v + 1 WHERE id IN (5, 6, 7);
SELECT v FROM child ORDER BY v;
UPDATE t SET v = t.v + u.w FROM u WHERE u.w = t.x AND t.id < 8 AND u.n = 1;
SELECT count(*) FROM ONLY t;
-- inheritance of an unsharded parent by a sharded child
CREATE TABLE base (a int, b text);
CREATE TABLE tn (tenant int PRIMARY KEY) INHERITS (base);
INSERT INTO tn (a, b, tenant) SELECT i, 'b' || i, i FROM generate_series(1, 20) i;
INSERT INTO base VALUES (1, 'base');
SELECT count(*) FROM base;
SELECT count(*) FROM base WHERE a < 10;
UPDATE base SET b = 'x' WHERE a < 4;
SELECT count(*) FROM tn WHERE b = 'x';
-- foreign keys
CREATE TABLE par (id int PRIMARY KEY, q int);
CREATE TABLE kid (tenant int, id int, par int REFERENCES par (id) ON DELETE CASCADE, PRIMARY KEY (tenant, id));
INSERT INTO par SELECT i FROM generate_series(1, 5) i;
INSERT INTO kid SELECT i, i, 1 + i % 5 FROM generate_series(1, 20) i;
DELETE FROM par WHERE id = 3;
SELECT count(*) FROM kid;
-- advisory locks, sequences
CREATE SEQUENCE sq;
SELECT count(nextval('sq')) FROM t WHERE v = 1;
SELECT nextval('sq') > 3 AS q, count(*) FROM t;
BEGIN;
SELECT nextval('sq') > 0, count(*) FROM t;
ROLLBACK;
BEGIN;
ALTER SEQUENCE sq RESTART WITH 1000;
SELECT count(*), nextval('sq') FROM t;
ROLLBACK;
BEGIN;
CREATE SEQUENCE sq2;
SELECT count(*), nextval('sq2') FROM t;
ROLLBACK;
BEGIN;
SELECT pg_advisory_xact_lock(77) IS NULL, count(*) FROM t;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77;
SELECT count(pg_advisory_xact_lock(id)) FROM t WHERE id = 5;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 5;
SELECT pg_advisory_xact_lock(id) IS NULL FROM t WHERE id IN (10, 11, 12, 13, 14) ORDER BY id;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid BETWEEN 10 AND 14;
ROLLBACK;
