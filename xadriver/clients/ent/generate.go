// Package ent runs ent over xapg: schema is what is written by hand, the package
// ent below is generated of it.
package ent

//go:generate go run entc.go
