// Package bun_test runs bun over xapg: over one server, where it must find
// nothing but PostgreSQL, and over three.
package bun_test

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
