package xadriver

import (
	"errors"

	"github.com/xapg/xapg/xadriver/internal/origin"
)

// ShardOf tells the name of the shard that an error came from, "" when it came
// from none, or from several. PostgreSQL's errors are bare *pgconn.PgError, which
// have no room for a name: it is remembered for as long as the error itself lives,
// and for no copies of it. Where several shards failed, the error is that of the
// one that failed first.
func ShardOf(err error) string {
	if name := origin.Of(err); name != "" {
		return name
	}
	var doubt *InDoubtError
	if errors.As(err, &doubt) && len(doubt.Shards) == 1 {
		return doubt.Shards[0]
	}
	return ""
}
