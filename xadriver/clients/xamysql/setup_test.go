// Package xamysql_test runs transactions over PostgreSQL and a real MySQL or MariaDB.
// Where no such server is installed, its tests are skipped, and say so.
package xamysql_test

import (
	"os"
	"testing"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestMain(m *testing.M) {
	if os.Getenv(childDSN) != "" {
		child()
	}
	if shared, failure = startServer(); failure == nil {
		cluster.AtEnd(func() { _ = shared.stop() })
	}
	cluster.Main(m)
}
