// Package otelsql runs xapg under the wrapper github.com/XSAM/otelsql, as its users would:
// its spans and metrics, and that everything works through it as without.
package otelsql

import (
	"testing"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestMain(m *testing.M) { cluster.Main(m) }
