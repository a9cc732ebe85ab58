package resolve

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
)

// watchLog looks for records that nobody finishes, and forgets old ones.
func (r *Resolver) watchLog(ctx context.Context) {
	r.load(ctx, true)
	tick := time.NewTicker(r.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.load(ctx, false)
			r.forget(ctx)
		}
	}
}

// load takes over unfinished records. A record that is met for the first time
// is its coordinator's to finish; one that is still there at the next look is
// taken over, without any clock being asked.
func (r *Resolver) load(ctx context.Context, all bool) {
	const page = 500
	seen := make(map[uuid.UUID]bool)
	for after := uuid.Nil; ; {
		records, err := r.Log.Unfinished(ctx, after, page)
		if err != nil {
			if ctx.Err() == nil {
				r.Logger.Warn("could not read the decision log; it will be tried again", "err", err)
			}
			return
		}
		for _, d := range records {
			after = d.ID
			seen[d.ID] = true
			r.mu.Lock()
			mine := all || r.stuck[d.ID]
			r.mu.Unlock()
			if mine {
				r.Finish(d.ID, d.Outcome, names(d.Participants), true)
			}
		}
		if len(records) < page {
			break
		}
	}
	r.mu.Lock()
	r.stuck = seen
	r.mu.Unlock()
}

func (r *Resolver) forget(ctx context.Context) {
	if r.Retain < 0 {
		return
	}
	if _, err := r.Log.Forget(ctx, r.Retain); err != nil && ctx.Err() == nil {
		r.Logger.Warn("could not drop old records from the decision log", "err", err)
	}
}

func names(participants []txlog.Participant) []string {
	list := make([]string, len(participants))
	for i, p := range participants {
		list[i] = p.Name
	}
	return list
}
