// Package goose runs github.com/pressly/goose over xapg, as its users would: SQL
// and Go migrations, its session locker, and what is left of one that fails.
package goose

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestMain(m *testing.M) {
	code := cluster.Main(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
