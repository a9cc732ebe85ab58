-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY loans_due ON loans (due);

-- +goose Down
DROP INDEX CONCURRENTLY loans_due;
