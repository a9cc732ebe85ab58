-- members and loans are sharded, by the number of the member.
-- +goose Up
CREATE TABLE genres (
    code text PRIMARY KEY,
    name text NOT NULL
);
CREATE TABLE members (
    id      bigint PRIMARY KEY,
    name    text NOT NULL,
    joined  timestamptz NOT NULL DEFAULT now(),
    lent    integer NOT NULL DEFAULT 0
);
CREATE TABLE loans (
    member  bigint NOT NULL REFERENCES members (id) DEFERRABLE INITIALLY DEFERRED,
    book    text NOT NULL,
    genre   text NOT NULL REFERENCES genres (code),
    due     date NOT NULL,
    PRIMARY KEY (member, book)
);
CREATE TABLE notices (
    id      serial PRIMARY KEY,
    text    text NOT NULL
);
INSERT INTO genres VALUES ('c', 'crime'), ('p', 'poetry');

-- +goose Down
DROP TABLE notices;
DROP TABLE loans;
DROP TABLE members;
DROP TABLE genres;
