// Package otelsql runs xapg under the wrapper github.com/XSAM/otelsql, as its users would:
// its spans and metrics, and that everything works through it as without.
package otelsql

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
