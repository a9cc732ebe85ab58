-- A function's body has semicolons that end nothing.
CREATE FUNCTION move_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE parts SET stock = stock + NEW.amount WHERE sku = NEW.sku;
    RETURN NEW;
END;
$$;
CREATE TRIGGER move_part AFTER INSERT ON moves FOR EACH ROW EXECUTE FUNCTION move_part();
INSERT INTO moves SELECT sku, 1, length(sku) FROM parts;
INSERT INTO moves SELECT sku, 2, 10 FROM parts WHERE unit = 'kg';
INSERT INTO counts (what, n) SELECT unit, sum(stock) FROM parts GROUP BY unit ORDER BY unit;
