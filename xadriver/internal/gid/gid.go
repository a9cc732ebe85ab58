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

// NewTxn makes the id of a transaction: a UUID of version 7 that also tells by which
// opening of the log its coordinator is known, so that anybody who meets the
// transaction can ask the log whose it is. Its 74 bits beside the time are 12 of a
// counter, 24 of the opening's number, and 38 that are random.
func NewTxn(opening int64) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if opening < 0 || opening > maxOpening {
		opening = 0
	}
	id[9], id[10], id[11] = byte(opening>>16), byte(opening>>8), byte(opening)
	return id, err
}

const maxOpening = 1<<24 - 1

// Opening is the number (txlog.Mark.Seq) of the opening of the log whose owner
// coordinated a transaction; 0 where the id does not tell.
func Opening(txn uuid.UUID) int64 {
	return int64(txn[9])<<16 | int64(txn[10])<<8 | int64(txn[11])
}
