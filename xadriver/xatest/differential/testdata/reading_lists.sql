-- shard: key.notes=owner
-- shard: key.blank=k
-- Aggregates that make lists, and those over an order: string_agg, array_agg, json, percentiles.
CREATE TABLE notes (owner text NOT NULL, no int NOT NULL, word text, mark int, rate numeric(6,2), heat float8, at timestamp, flag bool, doc jsonb, PRIMARY KEY (owner, no));
CREATE TABLE blank (k int PRIMARY KEY, word text, mark int, rate numeric, heat float8);
INSERT INTO notes VALUES
  ('kim', 1, 'pear', 3, 1.50, 0.5, '2024-01-01 10:00', true, '{"a": 1}'),
  ('kim', 2, 'Apple', 1, 2.50, 2.5, '2024-01-01 11:30', false, '[1, 2]'),
  ('kim', 3, 'apple', 3, NULL, 4.5, NULL, true, 'null'),
  ('kim', 4, NULL, NULL, 4.00, NULL, '2023-12-31', NULL, NULL),
  ('kim', 5, 'fig', 7, -1.00, 16, '2024-02-29', true, '"x"'),
  ('lou', 1, 'apple', 3, 1.50, 0.5, '2024-01-01 10:00', false, '{"b": [true, null]}'),
  ('lou', 2, 'été', 9, 10.25, 8.5, '2025-01-01', true, '1.50'),
  ('mia', 1, 'zoo, bar', 1, 0.00, -2, '2020-02-02', false, '{}'),
  ('ned', 1, '"quoted" \ back', 5, 3.33, 1024, '2021-05-05 05:05:05.5', NULL, '[]'),
  ('oda', 1, '', 3, 2.50, 2.5, '2024-01-01', true, '{"a": 1}');

SELECT string_agg(word, ',' ORDER BY owner, no) FROM notes;
SELECT string_agg(word, ',' ORDER BY word, owner, no) FROM notes;
SELECT string_agg(word, ',' ORDER BY word COLLATE "C" DESC, owner, no) FROM notes;
SELECT string_agg(word, '' ORDER BY mark NULLS FIRST, owner, no) FROM notes;
SELECT string_agg(word, NULL ORDER BY owner, no) FROM notes;
SELECT string_agg(word, '; ' ORDER BY length(word), word) FILTER (WHERE flag) FROM notes;
SELECT string_agg(DISTINCT word, ',' ORDER BY word) FROM notes;
SELECT string_agg(DISTINCT word, ',') FROM notes WHERE word = 'apple';
SELECT string_agg(DISTINCT lower(word), ',' ORDER BY lower(word) DESC) FROM notes;
SELECT string_agg(mark::text, '+' ORDER BY mark, owner, no) FROM notes;
SELECT string_agg(owner || no, ' ' ORDER BY no DESC, owner) FROM notes;
SELECT string_agg(word, no::text ORDER BY owner, no) FROM notes;
SELECT string_agg(word::bytea, '\x00'::bytea ORDER BY owner, no) FROM notes WHERE word NOT LIKE '%\\%';
SELECT string_agg(word, ',' ORDER BY word), count(*) FROM blank;
-- args: '|'
SELECT string_agg(word, $1 ORDER BY owner, no) FROM notes;
-- args: 3
SELECT string_agg(word, '.' ORDER BY owner, no) FROM notes WHERE mark = $1;
SELECT mark, string_agg(word, ',' ORDER BY word, owner) FROM notes GROUP BY mark ORDER BY mark;
SELECT owner, string_agg(word, ',' ORDER BY no DESC) FROM notes GROUP BY owner ORDER BY owner;
SELECT flag, string_agg(DISTINCT owner, ',' ORDER BY owner) FROM notes GROUP BY flag ORDER BY flag;
SELECT length(string_agg(word, ',' ORDER BY owner, no)), upper(string_agg(word, ',' ORDER BY owner, no)) FROM notes;
SELECT mark FROM notes GROUP BY mark ORDER BY string_agg(word, ',' ORDER BY word, owner) NULLS FIRST, mark;
SELECT mark FROM notes GROUP BY mark HAVING string_agg(word, ',' ORDER BY word) LIKE '%pp%' ORDER BY mark;

SELECT array_agg(no ORDER BY owner, no) FROM notes;
SELECT array_agg(word ORDER BY owner DESC, no) FROM notes;
SELECT array_agg(mark ORDER BY mark DESC NULLS LAST) FROM notes;
SELECT array_agg(rate ORDER BY rate, owner, no) FROM notes;
SELECT array_agg(heat ORDER BY heat) FROM notes WHERE owner <> 'kim';
SELECT array_agg(at ORDER BY at) FROM notes;
SELECT array_agg(flag ORDER BY owner, no) FROM notes;
SELECT array_agg(DISTINCT mark) FROM notes;
SELECT array_agg(DISTINCT mark ORDER BY mark DESC) FROM notes;
SELECT array_agg(DISTINCT word ORDER BY word) FILTER (WHERE mark > 1) FROM notes;
SELECT array_agg(ARRAY[no, mark] ORDER BY owner, no) FROM notes;
SELECT array_agg((owner, no) ORDER BY owner, no) FROM notes;
SELECT array_agg(no ORDER BY no) FROM notes WHERE false;
SELECT array_agg(k ORDER BY k) FROM blank;
SELECT mark, array_agg(owner ORDER BY owner, no) FROM notes GROUP BY mark ORDER BY mark DESC;
SELECT cardinality(array_agg(word ORDER BY no, owner)), (array_agg(word ORDER BY rate DESC NULLS LAST, owner))[1] FROM notes;
SELECT (array_agg(word ORDER BY heat, owner))[2:3] FROM notes;
SELECT array_to_string(array_agg(mark ORDER BY owner, no), ',', '-') FROM notes;
SELECT unnest(array_agg(no ORDER BY owner, no)) FROM notes;
SELECT 3 = ANY (array_agg(mark)) FROM notes;

SELECT json_agg(word ORDER BY owner, no) FROM notes;
SELECT json_agg(mark ORDER BY mark NULLS FIRST) FROM notes;
SELECT json_agg(rate ORDER BY owner, no), jsonb_agg(rate ORDER BY owner, no) FROM notes;
SELECT json_agg(heat ORDER BY heat) FROM notes;
SELECT json_agg(at ORDER BY owner, no), jsonb_agg(flag ORDER BY owner, no) FROM notes;
SELECT json_agg(doc ORDER BY owner, no) FROM notes;
SELECT jsonb_agg(doc ORDER BY owner, no) FROM notes;
SELECT json_agg(n ORDER BY owner, no) FROM notes n WHERE owner IN ('mia', 'oda');
SELECT jsonb_agg(n ORDER BY owner, no) FROM notes n;
SELECT json_agg(json_build_object('o', owner, 'n', no) ORDER BY owner, no) FROM notes;
SELECT jsonb_agg(DISTINCT mark ORDER BY mark) FROM notes;
SELECT json_agg(row(owner, no) ORDER BY owner, no) FROM notes WHERE mark = 3;
SELECT json_agg(k) FROM blank;
SELECT json_object_agg(owner || no, mark ORDER BY owner, no) FROM notes;
SELECT json_object_agg(owner, word ORDER BY owner, no) FROM notes;
SELECT jsonb_object_agg(owner || no, word) FROM notes;
SELECT jsonb_object_agg(owner, word ORDER BY owner, no) FROM notes;
SELECT jsonb_object_agg(owner, no ORDER BY no DESC) FILTER (WHERE mark > 1) FROM notes;
SELECT jsonb_object_agg(k, word) FROM blank;
SELECT mark, json_agg(owner ORDER BY owner, no) FROM notes GROUP BY mark ORDER BY mark;
SELECT mark, jsonb_object_agg(owner, rate ORDER BY no) FROM notes GROUP BY mark ORDER BY mark;
SELECT jsonb_agg(word ORDER BY owner, no) -> 1, jsonb_array_length(jsonb_agg(word)) FROM notes;
SELECT xmlagg(xmlelement(name w, word) ORDER BY owner, no)::text FROM notes WHERE mark = 3;

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY heat) FROM notes;
SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY mark) FROM notes;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY heat DESC), percentile_disc(0.5) WITHIN GROUP (ORDER BY heat) FROM notes;
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY word) FROM notes;
SELECT percentile_disc(0.75) WITHIN GROUP (ORDER BY rate DESC) FROM notes;
SELECT percentile_disc(ARRAY[0, 0.5, 1]) WITHIN GROUP (ORDER BY mark) FROM notes;
SELECT percentile_cont(ARRAY[0, 0.5, 1, NULL]) WITHIN GROUP (ORDER BY heat) FROM notes;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY at - timestamp '2020-01-01') FROM notes WHERE at < '2024-01-01';
SELECT mode() WITHIN GROUP (ORDER BY mark) FROM notes;
SELECT mode() WITHIN GROUP (ORDER BY word) FROM notes;
SELECT flag, mode() WITHIN GROUP (ORDER BY mark DESC), percentile_cont(0.5) WITHIN GROUP (ORDER BY mark) FROM notes GROUP BY flag ORDER BY flag;
SELECT owner, percentile_disc(0.5) WITHIN GROUP (ORDER BY no) FROM notes GROUP BY owner ORDER BY owner;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY heat), mode() WITHIN GROUP (ORDER BY word) FROM blank;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY heat) FILTER (WHERE flag) FROM notes;
-- args: 0.5
SELECT percentile_disc($1) WITHIN GROUP (ORDER BY mark) FROM notes;
SELECT rank(3) WITHIN GROUP (ORDER BY mark), dense_rank(3) WITHIN GROUP (ORDER BY mark) FROM notes;
SELECT percent_rank(2.5) WITHIN GROUP (ORDER BY rate), cume_dist(2.5) WITHIN GROUP (ORDER BY rate) FROM notes;
SELECT rank('apple', 'kim') WITHIN GROUP (ORDER BY word DESC, owner) FROM notes;

-- several at once, and mistakes
SELECT string_agg(word, ',' ORDER BY owner, no), array_agg(no ORDER BY owner, no), count(*), sum(mark), max(word) FROM notes;
SELECT string_agg(word, ',' ORDER BY owner, no), string_agg(word, ',' ORDER BY no, owner) FROM notes;
SELECT mark, count(*), sum(rate), string_agg(owner, '' ORDER BY owner, no), percentile_disc(0.5) WITHIN GROUP (ORDER BY no) FROM notes GROUP BY mark ORDER BY mark;
SELECT string_agg(word) FROM notes;
SELECT string_agg(mark, ',') FROM notes;
SELECT string_agg(DISTINCT word, ',' ORDER BY owner) FROM notes;
SELECT array_agg(ARRAY[no, no] || CASE WHEN no = 5 THEN 1 END ORDER BY no) FROM notes WHERE owner = 'kim' AND no > 4 OR owner = 'mia';
SELECT array_agg(CASE WHEN owner = 'kim' THEN ARRAY[1] ELSE ARRAY[1, 2] END ORDER BY owner, no) FROM notes;
SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY heat) FROM notes;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY word) FROM notes;
SELECT percentile_cont(heat) WITHIN GROUP (ORDER BY heat) FROM notes;
SELECT percentile_cont(0.5) FROM notes;
SELECT mode(1) WITHIN GROUP (ORDER BY word) FROM notes;
SELECT json_object_agg(word, mark ORDER BY owner, no) FROM notes;
SELECT jsonb_object_agg(word, mark) FROM notes;
SELECT count(*) WITHIN GROUP (ORDER BY mark) FROM notes;
