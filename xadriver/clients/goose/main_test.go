// Package goose runs github.com/pressly/goose over xapg, as its users would: SQL
// and Go migrations, its session locker, and what is left of one that fails.
package goose

import (
	"testing"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestMain(m *testing.M) { cluster.Main(m) }
