DELETE FROM counts;
DELETE FROM moves;
DROP TRIGGER move_part ON moves;
DROP FUNCTION move_part();
UPDATE parts SET stock = 0;
