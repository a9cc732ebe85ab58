package etcdlog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// keys names the keys of a log. All begin with the prefix, which ends with a slash.
// Numbers have leading zeros, so that keys sort as numbers do; ids sort as their
// bytes do.
type keys struct{ prefix string }

// log identifies the log: whose it is and which one.
func (k keys) log() string { return k.prefix + "log" }

// sealed is there when the log has been moved, and says where to.
func (k keys) sealed() string { return k.prefix + "sealed" }

// lost is there when somebody has noticed that the cluster has lost a part of its
// history.
func (k keys) lost() string { return k.prefix + "lost" }

// filling is there, instead of log, while a new log gets its contents.
func (k keys) filling() string { return k.prefix + "filling" }

// decisions hold what was decided; it is created in the same revision as its key in
// unfinished.
func (k keys) decisions() string            { return k.prefix + "decision/" }
func (k keys) decision(id uuid.UUID) string { return k.decisions() + id.String() }

// unfinished ones have an empty key here until they are finished.
func (k keys) unfinished() string                { return k.prefix + "unfinished/" }
func (k keys) unfinishedOne(id uuid.UUID) string { return k.unfinished() + id.String() }

// finished ones have a key here, in the order in which they were decided.
func (k keys) finished() string { return k.prefix + "finished/" }
func (k keys) finishedOne(revision int64, id uuid.UUID) string {
	return fmt.Sprintf("%s%016x/%s", k.finished(), revision, id)
}

// marks are the openings'.
func (k keys) marks() string         { return k.prefix + "mark/" }
func (k keys) mark(seq int64) string { return fmt.Sprintf("%s%019d", k.marks(), seq) }

// ticks are the log's clock.
func (k keys) ticks() string         { return k.prefix + "clock/" }
func (k keys) tick(seq int64) string { return fmt.Sprintf("%s%019d", k.ticks(), seq) }

// receipt is what one opening leaves with the records that it forgets, until it has
// forgotten all.
func (k keys) receipt(seq int64) string { return fmt.Sprintf("%sforgetting/%019d", k.prefix, seq) }

// endOf is where the keys with a prefix end.
func endOf(prefix string) string { return clientv3.GetPrefixRangeEnd(prefix) }

// next is the first key after a key.
func next(key string) string { return key + "\x00" }

var errKey = errors.New("a key that is not one of the log's")

// idOf reads the id at the end of a key.
func idOf(key []byte) (uuid.UUID, error) {
	name := string(key)
	return uuid.Parse(name[strings.LastIndexByte(name, '/')+1:])
}

// seqOf reads the number at the end of a key.
func seqOf(key []byte) (int64, error) {
	name := string(key)
	return strconv.ParseInt(name[strings.LastIndexByte(name, '/')+1:], 10, 64)
}

// revisionOf reads the revision in a key of finished.
func revisionOf(key []byte) (int64, error) {
	parts := strings.Split(string(key), "/")
	if len(parts) < 2 {
		return 0, errKey
	}
	return strconv.ParseInt(parts[len(parts)-2], 16, 64)
}
