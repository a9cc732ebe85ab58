// Package sqlc runs code of sqlc over xapg: schema.sql, query.sql and typed.sql are
// written by hand, the packages shop and typed are generated of them.
package sqlc

//go:generate go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1 generate
