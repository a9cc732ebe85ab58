DROP TABLE counts, moves, parts, units;
