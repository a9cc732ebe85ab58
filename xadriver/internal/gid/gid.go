// Package gid names the prepared transactions that xapg leaves on its shards.
//
// PostgreSQL lists prepared transactions per server, under a name of at most
// 199 bytes that whoever prepares may choose. Recovery reads nothing but these
// names, so each one carries all that recovery must know: whose cluster it
// belongs to, which decision log decides it, which transaction it is part of,
// and on which shard it was prepared. The shard is part of the name because two
// shards may be two databases of one server, which share one list.
package gid

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// MaxLen is the longest name, in bytes, that PostgreSQL accepts for a prepared
// transaction (GIDSIZE in PostgreSQL's access/xact.h, less its terminator).
const MaxLen = 199

const prefix = "xapg_"

// ErrForeign says that a name is not one of xapg's: some other program prepared
// that transaction, and nobody but that program may finish it.
var ErrForeign = errors.New("gid: not a name that xapg makes")

// ID is the content of a name.
type ID struct {
	Cluster string    // 1 to 16 of a-z 0-9 -
	Log     string    // identity of the decision log, without '_'
	Txn     uuid.UUID // of the whole distributed transaction
	Shard   string    // where this part was prepared
}

// String is the name under which the shard knows its part of the transaction.
func (id ID) String() string {
	var b strings.Builder
	b.Grow(len(prefix) + len(id.Cluster) + len(id.Log) + len(id.Shard) + 39)
	b.WriteString(prefix)
	b.WriteString(id.Cluster)
	b.WriteByte('_')
	b.WriteString(id.Log)
	b.WriteByte('_')
	b.WriteString(id.Txn.String())
	b.WriteByte('_')
	b.WriteString(id.Shard)
	return b.String()
}

// Prefix begins every name that the given log decides, and no other.
func Prefix(cluster, log string) string {
	return prefix + cluster + "_" + log + "_"
}

// Parse reads a name. The error is ErrForeign, possibly wrapped, for anything
// that String could not have made.
func Parse(name string) (ID, error) {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok || len(name) > MaxLen {
		return ID{}, ErrForeign
	}
	parts := strings.SplitN(rest, "_", 4)
	if len(parts) != 4 || parts[0] == "" || parts[1] == "" || parts[3] == "" {
		return ID{}, ErrForeign
	}
	txn, err := uuid.Parse(parts[2])
	if err != nil || txn.String() != parts[2] {
		return ID{}, fmt.Errorf("%w: bad transaction id in %q", ErrForeign, name)
	}
	return ID{Cluster: parts[0], Log: parts[1], Txn: txn, Shard: parts[3]}, nil
}
