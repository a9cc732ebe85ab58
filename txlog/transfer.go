package txlog

import (
	"context"
	"fmt"
	"iter"
)

// Mover is a [Log] whose register can be moved to another place.
//
// A move seals the register where it is, copies all that is in it, and begins a log
// elsewhere with the same identity, openings and records ([OpenOptions.Contents]).
// Since the identity moves along, the names under which transactions are prepared
// still belong to the log; since the marks do, the shards know it again. The sealed
// register stays behind as a copy that decides nothing.
type Mover interface {
	Log

	// Seal makes the register refuse every later Decide, also of openings that other
	// processes have, and every later opening, until Unseal. When it returns, what is
	// stored is all that ever will be; it can still be read and finished. What is
	// refused fails with [*SealedError], and Decide's error matches ErrNotStored, too.
	// To says where the log goes, for those who are refused. Sealing what is sealed
	// keeps the first seal.
	Seal(ctx context.Context, to string) error

	// Unseal takes the seal away, for a move that has failed. Once the log was opened
	// in its new place it must stay: the marks on the shards see to that, too.
	Unseal(ctx context.Context) error

	// Sealed tells where the log has gone, and whether it has.
	Sealed(ctx context.Context) (to string, sealed bool, err error)
}

// SealedError says that a log has been moved, and decides nothing any more where it
// was.
type SealedError struct {
	Log string // where it was: a path or an address, without secrets
	To  string // where it has gone, in the words of whoever moved it
}

func (e *SealedError) Error() string {
	to := e.To
	if to == "" {
		to = "another place"
	}
	return fmt.Sprintf("txlog: the decision log %s was sealed, to be moved to %s: restart the application with log= leading there", e.Log, to)
}

// Contents is all that is in a log. Its sequences are read once, first the openings
// and then the records, both in ascending order; an error ends them.
type Contents struct {
	Identity Identity
	Openings iter.Seq2[Opening, error]
	Records  iter.Seq2[Decision, error]
}

// page is how many entries are read at once.
const page = 1000

// ContentsOf reads a log. It is exact when the log is sealed; else each page is as of
// the moment when it is read.
func ContentsOf(ctx context.Context, l Log) Contents {
	return Contents{
		Identity: l.Identity(),
		Openings: pages(int64(0), func(after int64) ([]Opening, error) { return l.Openings(ctx, after, page) },
			func(o Opening) int64 { return o.Mark.Seq }),
		Records: pages([16]byte{}, func(after [16]byte) ([]Decision, error) { return l.Records(ctx, after, page) },
			func(d Decision) [16]byte { return d.ID }),
	}
}

// pages goes through a list that is read page by page.
func pages[T, K any](first K, read func(after K) ([]T, error), key func(T) K) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for after := first; ; {
			list, err := read(after)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, entry := range list {
				if !yield(entry, nil) {
					return
				}
				after = key(entry)
			}
			if len(list) < page {
				return
			}
		}
	}
}
