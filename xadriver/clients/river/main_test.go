// Package river runs github.com/riverqueue/river over xapg, as its users would: jobs that
// are inserted, and completed, in the distributed transaction that writes their data.
package river

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
