CREATE INDEX CONCURRENTLY parts_unit ON parts (unit);
