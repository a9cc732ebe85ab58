// Package bun_test runs bun over xapg: over one server, where it must find
// nothing but PostgreSQL, and over three.
package bun_test

import (
	"testing"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestMain(m *testing.M) { cluster.Main(m) }
