package shardmap_test

import "database/sql/driver"

type failingValuer struct{ err error }

func (v failingValuer) Value() (driver.Value, error) { return nil, v.err }

type loop struct{}

func (l loop) Value() (driver.Value, error) { return l, nil }
