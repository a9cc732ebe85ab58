// Package river runs github.com/riverqueue/river over xapg, as its users would: jobs that
// are inserted, and completed, in the distributed transaction that writes their data.
package river

import (
	"testing"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestMain(m *testing.M) { cluster.Main(m) }
