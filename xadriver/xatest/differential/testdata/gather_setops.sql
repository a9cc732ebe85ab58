-- shard: key.north=id
-- shard: key.south=code
-- shard: key.void=id
-- shard: reference=fixed
-- UNION, INTERSECT, EXCEPT, with and without ALL, nested, ordered and limited; GROUPING SETS, ROLLUP and CUBE.
CREATE TABLE north (id int NOT NULL, tag text, v int, w numeric(6,2));
CREATE TABLE south (code text NOT NULL, tag text, v int, w numeric(6,2));
CREATE TABLE void (id int NOT NULL, tag text, v int, w numeric(6,2));
CREATE TABLE fixed (tag text, v int);
CREATE TABLE local (tag text, v int);
INSERT INTO north SELECT 7, (ARRAY['a', 'b', 'c', NULL])[1 + g % 4], g % 3, g * 0.5 FROM generate_series(1, 10) g;
INSERT INTO north VALUES (1, 'a', 1, 1.0), (1, 'a', 1, 1.00), (2, NULL, NULL, NULL), (3, 'd', NULL, 2), (4, 'A', 2, 2), (5, NULL, NULL, 0), (6, 'b', 2, 0);
INSERT INTO south VALUES ('k1', 'a', 1, 1), ('k1', 'a', 1, 1.0), ('k2', NULL, NULL, NULL), ('k3', 'e', 5, 2), ('k3', 'b', 2, 2.50), ('k4', 'a', 1, 9), ('k5', 'B', 0, -1), ('k6', NULL, 2, 0);
INSERT INTO fixed VALUES ('a', 1), ('a', 1), ('z', 26), (NULL, NULL);
INSERT INTO local VALUES ('b', 2), ('z', 26), ('z', 26), (NULL, 3);

-- set operations
SELECT tag FROM north UNION SELECT tag FROM south;
SELECT tag, v FROM north UNION ALL SELECT tag, v FROM south;
SELECT tag, v FROM north UNION SELECT tag, v FROM south ORDER BY tag, v;
SELECT tag, v FROM north INTERSECT SELECT tag, v FROM south ORDER BY 1, 2;
SELECT tag, v FROM north INTERSECT ALL SELECT tag, v FROM south ORDER BY 1, 2;
SELECT tag, v FROM north EXCEPT SELECT tag, v FROM south ORDER BY 1 NULLS FIRST, 2;
SELECT tag, v FROM north EXCEPT ALL SELECT tag, v FROM south ORDER BY 1 NULLS FIRST, 2;
SELECT tag, v FROM south EXCEPT ALL SELECT tag, v FROM north ORDER BY tag DESC, v;
SELECT w FROM north UNION SELECT w FROM south;
SELECT id, tag FROM north UNION SELECT v, code FROM south ORDER BY 1, 2;
SELECT tag FROM north UNION SELECT tag FROM void ORDER BY tag;
SELECT tag FROM void UNION ALL SELECT tag FROM void;
SELECT tag FROM north INTERSECT SELECT tag FROM void;
SELECT tag FROM north WHERE v = 2 EXCEPT SELECT tag FROM void ORDER BY 1;
SELECT tag, v FROM north UNION SELECT tag, v FROM fixed ORDER BY tag, v;
SELECT tag, v FROM fixed EXCEPT SELECT tag, v FROM north ORDER BY tag, v;
SELECT tag, v FROM fixed INTERSECT ALL SELECT tag, v FROM north ORDER BY tag, v;
SELECT tag, v FROM local INTERSECT SELECT tag, v FROM north;
SELECT tag, v FROM local UNION ALL SELECT tag, v FROM south UNION ALL SELECT tag, v FROM fixed ORDER BY v DESC NULLS LAST, tag;
SELECT tag FROM local EXCEPT ALL SELECT tag FROM fixed ORDER BY 1;
SELECT 'north' AS src, count(*) AS n FROM north UNION ALL SELECT 'south', count(*) FROM south UNION ALL SELECT 'void', count(*) FROM void ORDER BY src;
SELECT tag, sum(v) FROM north GROUP BY tag UNION ALL SELECT tag, -sum(v) FROM south GROUP BY tag ORDER BY 1, 2;
SELECT sum(n) FROM (SELECT count(*) AS n FROM north UNION ALL SELECT count(*) FROM south) t;
SELECT NULL AS x UNION ALL SELECT v FROM south ORDER BY x NULLS FIRST;
SELECT v FROM north UNION SELECT length(code)::bigint FROM south ORDER BY 1;
SELECT v::numeric(6,2) AS x FROM north UNION SELECT w FROM south ORDER BY x;
SELECT 1 AS a UNION SELECT 2 UNION ALL SELECT 2 ORDER BY a;
SELECT id FROM north WHERE id = 7 UNION SELECT id FROM north WHERE id = 1 ORDER BY id;

-- nested, and bound by parentheses
SELECT tag FROM north UNION SELECT tag FROM south INTERSECT SELECT tag FROM fixed ORDER BY tag;
(SELECT tag FROM north UNION SELECT tag FROM south) INTERSECT SELECT tag FROM fixed ORDER BY tag;
SELECT tag FROM north EXCEPT (SELECT tag FROM south EXCEPT SELECT tag FROM fixed) ORDER BY tag;
(SELECT tag FROM north EXCEPT SELECT tag FROM south) EXCEPT SELECT tag FROM fixed ORDER BY tag;
SELECT tag FROM north UNION ALL (SELECT tag FROM south UNION SELECT tag FROM local) ORDER BY tag;
(SELECT tag FROM north UNION ALL SELECT tag FROM south) EXCEPT ALL (SELECT tag FROM fixed UNION ALL SELECT tag FROM local) ORDER BY tag;
SELECT count(*), count(tag) FROM (SELECT tag, v FROM north INTERSECT (SELECT tag, v FROM south UNION SELECT tag, v FROM local)) t;
SELECT tag FROM south WHERE tag IN (SELECT tag FROM north EXCEPT SELECT tag FROM local) ORDER BY code, tag;
SELECT EXISTS (SELECT tag FROM north INTERSECT SELECT tag FROM local) AS some, EXISTS (SELECT tag FROM void UNION SELECT tag FROM void) AS none;

-- order and limit on the whole and on the arms
SELECT tag, v FROM north UNION ALL SELECT tag, v FROM south ORDER BY v NULLS FIRST, tag NULLS FIRST LIMIT 6;
SELECT tag, v FROM north UNION SELECT tag, v FROM south ORDER BY 2 DESC, 1 LIMIT 4 OFFSET 2;
(SELECT id AS k, tag FROM north ORDER BY id, tag LIMIT 3) UNION ALL (SELECT v, tag FROM south ORDER BY v DESC NULLS LAST, tag LIMIT 2) ORDER BY k, tag;
(SELECT w FROM north ORDER BY w DESC NULLS LAST LIMIT 2) UNION (SELECT w FROM south ORDER BY w LIMIT 2);
(SELECT tag FROM north ORDER BY tag LIMIT 1) UNION ALL SELECT tag FROM fixed ORDER BY 1 OFFSET 1;
SELECT * FROM (SELECT tag, v FROM south UNION ALL SELECT tag, v FROM north) u WHERE v = 1 ORDER BY tag;
SELECT u.tag, count(*) FROM (SELECT tag FROM north UNION ALL SELECT tag FROM south) u GROUP BY u.tag ORDER BY 2 DESC, 1 LIMIT 3;
SELECT u.tag, f.v FROM (SELECT tag FROM north UNION SELECT tag FROM south) u LEFT JOIN fixed f USING (tag) ORDER BY 1, 2;
SELECT tag FROM (SELECT tag FROM north UNION SELECT tag FROM south) t ORDER BY tag COLLATE "C" DESC NULLS LAST;
SELECT DISTINCT tag FROM (SELECT tag FROM north UNION ALL SELECT tag FROM south) t ORDER BY tag FETCH FIRST 3 ROWS ONLY;
SELECT v FROM south UNION ALL SELECT v FROM north ORDER BY v FETCH FIRST 2 ROWS WITH TIES;
-- args: 2 | 'a'
SELECT tag, v FROM north WHERE v = $1 UNION SELECT tag, v FROM south WHERE tag = $2 ORDER BY 1, 2;
-- args: 1
SELECT tag FROM north WHERE v = $1 INTERSECT SELECT tag FROM south WHERE v = $1 ORDER BY tag LIMIT $1;

-- grouping sets
SELECT tag, v, count(*) FROM north GROUP BY ROLLUP (tag, v) ORDER BY grouping(tag), grouping(v), tag, v;
SELECT tag, v, count(*), grouping(tag, v) AS g FROM north GROUP BY CUBE (tag, v) ORDER BY g, tag, v;
SELECT tag, v, sum(w) FROM south GROUP BY GROUPING SETS ((tag), (v), ()) ORDER BY grouping(tag, v), tag, v;
SELECT id, tag, count(*) FROM north GROUP BY id, ROLLUP (tag) ORDER BY id, grouping(tag), tag;
SELECT id, count(*), sum(v) FROM north GROUP BY ROLLUP (id) ORDER BY id NULLS FIRST;
SELECT tag, grouping(tag) AS g, count(*) FROM north GROUP BY GROUPING SETS ((tag), (tag)) ORDER BY tag;
SELECT tag, v, count(DISTINCT w) FROM north GROUP BY GROUPING SETS ((tag, v), (v), ()) HAVING count(*) > 1 ORDER BY grouping(tag, v), tag, v;
SELECT coalesce(tag, CASE grouping(tag) WHEN 1 THEN 'all' ELSE 'none' END) AS t, sum(w) FROM south GROUP BY ROLLUP (tag) ORDER BY grouping(tag), tag;
SELECT v % 2 AS odd, tag, max(w) FROM north GROUP BY CUBE (v % 2, tag) ORDER BY grouping(v % 2, tag), 1, 2;
SELECT tag, v, id, count(*) FROM north GROUP BY GROUPING SETS (ROLLUP (tag, v), CUBE (id)) ORDER BY grouping(tag, v, id), tag, v, id;
SELECT n.tag, s.code, count(*) FROM north n JOIN south s ON n.tag = s.tag GROUP BY CUBE (n.tag, s.code) ORDER BY grouping(n.tag, s.code), 1, 2;
SELECT tag, count(*) FROM void GROUP BY ROLLUP (tag);
SELECT tag, count(*) FROM void GROUP BY tag;
SELECT count(*), sum(v), grouping(tag) FROM void GROUP BY GROUPING SETS ((), (tag));
SELECT tag, v, count(*) FILTER (WHERE w > 1) AS c, string_agg(id::text, '' ORDER BY id) AS s FROM north GROUP BY GROUPING SETS ((tag), (v)) ORDER BY grouping(tag), tag, v;
SELECT tag, v, count(*) FROM (SELECT tag, v FROM north UNION ALL SELECT tag, v FROM south) u GROUP BY ROLLUP (v, tag) HAVING grouping(tag) = 1 ORDER BY grouping(v), v;
SELECT tag, rank() OVER (ORDER BY sum(v) DESC NULLS LAST) AS r FROM north GROUP BY ROLLUP (tag) ORDER BY r, grouping(tag), tag;
SELECT DISTINCT grouping(tag, v) AS g FROM north GROUP BY CUBE (tag, v) ORDER BY g;
SELECT tag, count(*) FROM north GROUP BY DISTINCT ROLLUP (tag), ROLLUP (tag) ORDER BY grouping(tag), tag;
SELECT tag, v, count(*) FROM north GROUP BY ALL ROLLUP (tag), ROLLUP (v) ORDER BY grouping(tag, v), tag, v;

-- errors
SELECT tag FROM north UNION SELECT tag, v FROM south;
SELECT tag FROM north UNION SELECT v FROM south;
SELECT tag FROM north ORDER BY tag UNION SELECT tag FROM south;
SELECT tag FROM north UNION SELECT tag FROM south ORDER BY v;
SELECT tag FROM north UNION SELECT tag FROM south ORDER BY upper(tag);
SELECT grouping(v) FROM north GROUP BY tag;
SELECT v, count(*) FROM north GROUP BY ROLLUP (tag);
SELECT 6 / v FROM north UNION SELECT v FROM south;
SELECT tag FROM north UNION SELECT tag FROM south ORDER BY 2;
SELECT tag FROM north INTERSECT SELECT tag FROM south FOR UPDATE;
