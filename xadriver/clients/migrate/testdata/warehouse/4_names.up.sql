BEGIN;
ALTER TABLE parts ADD COLUMN name text;
UPDATE parts SET name = upper(sku);
ALTER TABLE parts ALTER COLUMN name SET NOT NULL;
ALTER TABLE units RENAME COLUMN name TO title;
INSERT INTO units VALUES ('l', 'litre');
COMMIT;
