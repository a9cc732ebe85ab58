package xamysql

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/xapg/xapg/xadriver/internal/gid"
)

// A branch's identifier has two parts of at most 64 bytes, and a number that says
// whose format it is. A gid is longer than 64 bytes, so it is cut where the
// transaction's id begins:
//
//	xapg_bank_k3v9…   0192f6a0-…-…_stock
//	      gtrid              bqual
const (
	maxPart = 64
	maxName = maxPart - 36 - 1 // after a UUID and '_'

	// format marks the identifiers that this package makes. Anything else that is
	// prepared on the server is somebody else's, whatever its name looks like.
	format = 0x78617067
)

// xid is an identifier of XA.
type xid struct {
	format       int64
	gtrid, bqual string
}

// xidOf is the identifier of the branch with a gid.
func xidOf(name string) (xid, error) {
	id, err := gid.Parse(name)
	if err != nil {
		return xid{}, err
	}
	x := xid{format, strings.TrimSuffix(gid.Prefix(id.Cluster, id.Log), "_"), id.Txn.String() + "_" + id.Shard}
	if len(x.gtrid) > maxPart || len(x.bqual) > maxPart {
		return xid{}, fmt.Errorf("xamysql: %s is too long for MySQL", name)
	}
	return x, nil
}

// gid is the name of a branch of the resource, false when it is not one of its own.
func (x xid) gid(resource string) (string, bool) {
	if x.format != format {
		return "", false
	}
	name := x.gtrid + "_" + x.bqual
	id, err := gid.Parse(name)
	if err != nil || id.Shard != resource || id.Txn == uuid.Nil {
		return "", false
	}
	back, err := xidOf(name)
	return name, err == nil && back == x
}

// String is how statements write the identifier. None of its characters needs quoting.
func (x xid) String() string { return fmt.Sprintf("'%s','%s',%d", x.gtrid, x.bqual, x.format) }

func (x xid) in(list []xid) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}
