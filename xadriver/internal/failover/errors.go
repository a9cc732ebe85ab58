package failover

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/xadriver/internal/shard"
)

// StaleError says that a shard's server is not the one that the shard was last known
// to be.
type StaleError = shard.StaleError

// OvertakenError says that a transaction was rolled back because a standby of one of
// its shards took over after the shard had voted, and may not have the vote. It can be
// run again.
type OvertakenError struct {
	Shard    string
	Vote     string
	Timeline uint32
}

func (e *OvertakenError) Error() string {
	return fmt.Sprintf("the transaction is rolled back: shard %s had voted for it at %s, and then a standby took over (timeline %d) that may not have the vote; run it again",
		e.Shard, e.Vote, e.Timeline)
}

// SQLState is PostgreSQL's code for the case (transaction_rollback).
func (e *OvertakenError) SQLState() string { return "40000" }

// Loss is a transaction that the log has committed and a shard has, or may have, lost:
// its vote was acknowledged by a server whose successor does not have it.
type Loss struct {
	ID       uuid.UUID
	Shard    string
	Fate     Fate     // Lost or Untold
	Vote     string   // where the shard had voted: timeline and position
	LeftAt   string   // where that timeline was left, "" when that is not known
	Timeline uint32   // of the server that took over
	Others   []string // the other shards of the transaction
	Decided  time.Time
	Found    time.Time
	Acked    time.Time // zero while nobody has acknowledged it
	AckedBy  string
	AckedWhy string
}

func (l Loss) String() string {
	what := "lost"
	if l.Fate == Untold {
		what = "may have lost"
	}
	left := "where that was left is not known"
	if l.LeftAt != "" {
		left = "which was left at " + l.LeftAt
	}
	return fmt.Sprintf("shard %s %s transaction %s (committed on %s): its vote was at %s on a timeline %s", l.Shard, what, l.ID, strings.Join(l.Others, ", "), l.Vote, left)
}
