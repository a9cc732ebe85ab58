-- Changes all three kinds of tables, and moves data between them.
-- +goose Up
ALTER TABLE members ADD COLUMN city text NOT NULL DEFAULT 'Kisumu';
UPDATE members SET city = 'Nairobi' WHERE id % 2 = 0;
ALTER TABLE genres ADD COLUMN shelf integer;
UPDATE genres SET shelf = length(name);
INSERT INTO genres (code, name, shelf) VALUES ('t', 'travel', 9);
ALTER TABLE notices ADD COLUMN posted timestamptz NOT NULL DEFAULT now();
INSERT INTO notices (text) SELECT city || ': ' || count(*) FROM members GROUP BY city ORDER BY city;

-- +goose Down
DELETE FROM notices;
ALTER TABLE notices DROP COLUMN posted;
DELETE FROM genres WHERE code = 't';
ALTER TABLE genres DROP COLUMN shelf;
ALTER TABLE members DROP COLUMN city;
