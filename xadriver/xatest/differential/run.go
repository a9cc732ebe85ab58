package differential

import (
	"context"
	"database/sql"
	"time"
)

// stepTimeout is how long one side may take for a step.
const stepTimeout = time.Minute

// Run runs a script on one connection of each side, on the sharded one first. Its
// error says that there were no connections; all else is in the report. When a
// connection is lost, the rest of the script is skipped.
func Run(ctx context.Context, plain, sharded *sql.DB, s *Script) (*Report, error) {
	r := &run{script: s, report: &Report{Refused: make(map[string]int)}}
	var err error
	if r.plain, err = plain.Conn(ctx); err != nil {
		return nil, err
	}
	defer r.plain.Close()
	if r.sharded, err = sharded.Conn(ctx); err != nil {
		return nil, err
	}
	defer r.sharded.Close()
	for i := range s.Steps {
		if r.lost {
			r.report.Skipped += len(s.Steps) - i
			break
		}
		r.step(ctx, &s.Steps[i])
	}
	r.rollback(ctx)
	return r.report, nil
}

type run struct {
	script         *Script
	plain, sharded *sql.Conn
	report         *Report
	inside         bool // a transaction is open
	skipping       bool // it was given up: skip to its end
	lost           bool
}

func (r *run) step(ctx context.Context, s *Step) {
	if r.skipping {
		r.report.Skipped++
		if s.endsTransaction() {
			r.skipping = false
		}
		return
	}
	sharded := ask(ctx, r.sharded, s)
	if clause, ok := sharded.refusal(); ok {
		r.refused(ctx, s, clause, sharded.err)
		return
	}
	plain := ask(ctx, r.plain, s)
	wrong := difference(s, plain, sharded)
	switch {
	case wrong != "":
		r.report.Wrong = append(r.report.Wrong, r.difference(s, wrong))
	case s.Refused:
		r.report.Answered = append(r.report.Answered, r.difference(s, "it was meant to be refused, and was answered as PostgreSQL does: "+sharded.outline()))
	default:
		r.report.Identical++
		if plain.err != nil {
			r.report.Failed = append(r.report.Failed, r.difference(s, plain.outline()))
		}
	}
	r.lost = plain.lost() || sharded.lost()
	if inside := r.inside; inside && (plain.err == nil) != (sharded.err == nil) {
		// One transaction goes on and the other is broken.
		r.giveUp(ctx, s)
		return
	}
	r.track(s, plain.err == nil)
}

// refused leaves a step out on both sides, and in a transaction all of it.
func (r *run) refused(ctx context.Context, s *Step, clause string, err error) {
	if s.Refused {
		r.report.Expected++
	} else {
		r.report.Refused[clause]++
		r.report.Refusals = append(r.report.Refusals, r.difference(s, excerpt(err.Error())))
	}
	if r.inside || len(s.control) > 0 {
		r.giveUp(ctx, s)
	}
}

// giveUp rolls both sides back, and skips what is left of the transaction.
func (r *run) giveUp(ctx context.Context, s *Step) {
	r.rollback(ctx)
	r.skipping = r.inside && !s.endsTransaction()
	r.inside = false
}

func (r *run) rollback(ctx context.Context) {
	if r.lost {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	// Outside of a transaction this is a warning only.
	for _, conn := range []*sql.Conn{r.sharded, r.plain} {
		if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
			r.lost = true
		}
	}
}

// track follows what a step did to the transaction. One whose COMMIT fails has
// ended all the same.
func (r *run) track(s *Step, done bool) {
	for _, c := range s.control {
		switch {
		case c == begins && done:
			r.inside = true
		case c == ends, c == chains && !done:
			r.inside = false
		}
	}
}

// endsTransaction says whether no transaction is open after the step.
func (s *Step) endsTransaction() bool {
	return len(s.control) > 0 && s.control[len(s.control)-1] == ends
}

func (r *run) difference(s *Step, what string) Difference {
	return Difference{Script: r.script.Name, Line: s.Line, SQL: s.SQL, What: what}
}
