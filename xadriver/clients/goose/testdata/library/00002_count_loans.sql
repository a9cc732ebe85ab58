-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION count_loan() RETURNS trigger LANGUAGE plpgsql AS $count$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE members SET lent = lent + 1 WHERE id = NEW.member;
        RETURN NEW;
    END IF;
    UPDATE members SET lent = lent - 1 WHERE id = OLD.member;
    RETURN OLD;
END;
$count$;
-- +goose StatementEnd
CREATE TRIGGER count_loan AFTER INSERT OR DELETE ON loans
    FOR EACH ROW EXECUTE FUNCTION count_loan();
-- +goose StatementBegin
/* xapg:shard=* */ DO $look$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_proc WHERE proname = 'count_loan') THEN
        RAISE EXCEPTION 'this shard has no function';
    END IF;
    COMMENT ON FUNCTION count_loan IS 'counts; also those of the past';
END;
$look$;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER count_loan ON loans;
DROP FUNCTION count_loan();
