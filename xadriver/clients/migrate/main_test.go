// Package migrate runs github.com/golang-migrate/migrate over xapg, as its users would:
// with its drivers pgx/v5 and postgres, files of one statement and of many, its lock,
// and what is left of a migration that fails.
package migrate

import (
	"testing"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestMain(m *testing.M) { cluster.Main(m) }
