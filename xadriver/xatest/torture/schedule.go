package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// trouble is a kind of fault.
type trouble string

const (
	killApp       trouble = "application killed"
	killBackup    trouble = "backup killed"
	stopServer    trouble = "server stopped at once"
	freezeServer  trouble = "server frozen"
	freezeApp     trouble = "application frozen"
	cutAll        trouble = "all connections cut"
	cutOne        trouble = "one connection cut"
	loseAnswer    trouble = "cut before the answer"   // to a given command
	loseQuestion  trouble = "cut before the question" // a given command never arrives
	delayAsking   trouble = "questions delayed"
	delayAnswers  trouble = "answers delayed"
	stallAsking   trouble = "questions stalled" // one way is dead for a while; what was said arrives late
	stallAnswers  trouble = "answers stalled"
	stallAndCut   trouble = "one way dead, then cut"
	refuseToServe trouble = "connections refused"
	fillLog       trouble = "log disk full"
	stopLog       trouble = "log server stopped" // instead, where a server keeps the log
	loseLog       trouble = "answers of the log lost"
)

// odds is how often each comes, relative to the others.
var odds = []struct {
	kind   trouble
	weight int
}{
	{killApp, 16}, {killBackup, 7}, {stopServer, 9}, {freezeServer, 5}, {freezeApp, 9}, {cutAll, 6}, {cutOne, 7}, {loseAnswer, 9}, {loseQuestion, 6},
	{delayAsking, 4}, {delayAnswers, 3}, {stallAsking, 4}, {stallAnswers, 4}, {stallAndCut, 4}, {refuseToServe, 3}, {fillLog, 3}, {loseLog, 3},
}

// commands are those whose connections are cut. The plain COMMIT ends with the
// string's terminator, by which it differs from COMMIT PREPARED.
var commands = []string{"PREPARE TRANSACTION", "COMMIT PREPARED", "ROLLBACK PREPARED", "COMMIT\x00", "COMMIT\x00", "BEGIN", "UPDATE"}

// fault is one entry of the schedule.
type fault struct {
	N     int
	Wait  time.Duration // since the one before
	Kind  trouble
	Shard int
	App   int // whose connections; -1 for everybody's
	For   time.Duration
	Say   string // the command at which a connection is cut
}

func (f fault) String() string {
	return fmt.Sprintf("%4d after %4d ms: %s (shard %d, application %d, for %d ms, at %q)", f.N, f.Wait.Milliseconds(), f.Kind, f.Shard+1, f.App, f.For.Milliseconds(), f.Say)
}

// schedule draws faults. The same seed gives the same faults in the same order:
// nothing that happens has any influence on what is drawn.
type schedule struct {
	r            *rand.Rand
	rate         float64 // faults per second
	shards, apps int
	n            int
}

func newSchedule(seed uint64, rate float64, shards, apps int) *schedule {
	return &schedule{r: rand.New(rand.NewPCG(seed, 1)), rate: rate, shards: shards, apps: apps}
}

func (s *schedule) next() fault {
	s.n++
	f := fault{
		N:     s.n,
		Wait:  time.Duration(min(3, s.r.ExpFloat64()) / s.rate * float64(time.Second)),
		Kind:  s.kind(),
		Shard: s.r.IntN(s.shards),
		App:   s.r.IntN(s.apps),
		For:   time.Duration(20+s.r.IntN(600)) * time.Millisecond,
		Say:   commands[s.r.IntN(len(commands))],
	}
	long, everybody := s.r.IntN(3) == 0, s.r.IntN(3) == 0
	switch f.Kind {
	case freezeServer, freezeApp, stallAsking, stallAnswers, stallAndCut:
		if long {
			f.For *= 4 // somebody is presumed dead meanwhile
		}
	case delayAsking, delayAnswers:
		f.For *= 2
	}
	if everybody && f.Kind != killApp && f.Kind != freezeApp {
		f.App = -1
	}
	return f
}

func (s *schedule) kind() trouble {
	total := 0
	for _, o := range odds {
		total += o.weight
	}
	n := s.r.IntN(total)
	for _, o := range odds {
		if n -= o.weight; n < 0 {
			return o.kind
		}
	}
	panic("unreachable")
}
