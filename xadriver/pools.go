package xadriver

import (
	"slices"
	"sync"
	"time"
)

// tend looks after idle connections until stopTending is called.
func (c *Connector) tend() {
	if c.cfg.HealthCheck <= 0 {
		return
	}
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		ticks := time.NewTicker(c.cfg.HealthCheck)
		defer ticks.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticks.C:
				for _, sh := range slices.Concat(c.shards, c.own) {
					sh.Tend()
				}
			}
		}
	})
	c.stopTending = func() {
		close(stop)
		running.Wait()
	}
}

// PoolStats describes the connections of this process to one shard.
type PoolStats struct {
	Shard string // its name
	Own   bool   // connections for the driver's own questions and for merging, not for statements

	Max    int // setting shard_conns; 0 is no limit
	Open   int // connections, those being opened included
	InUse  int // by statements and transactions, or being opened
	Idle   int
	Parked int // kept for idle sessions with settings of their own; another may take their place

	Acquired     int64         // times a connection was taken
	Opened       int64         // connections opened since the beginning
	OpeningTime  time.Duration // for how long statements waited while one was opened, all together
	ClosedBroken int64         // because their state was not known, or the server was gone
	ClosedOld    int64         // because of conn_lifetime
	ClosedIdle   int64         // because of conn_max_idle
	ClosedParked int64         // because their place was needed
}

// Stats is what a Connector tells of itself at one moment.
type Stats struct {
	Pools []PoolStats // two for each shard; none with a single shard, whose connections are sql.DB's own

	Recovery []RecoveryStats // one for each shard; none with a single shard

	Queue    int           // statements and transactions that wait for a connection, because of shard_conns
	Waits    int64         // that have waited for one since the beginning
	WaitTime time.Duration // for how long, all together
}

// RecoveryStats is what the search for transactions in doubt knows of one shard. The
// search looks at every shard each resolve_every.
type RecoveryStats struct {
	Shard      string
	Looked     time.Time     // when it was last looked at with success; zero before
	Err        error         // why the last look failed; nil if it did not
	InDoubt    int           // transactions that the last successful look left prepared: too young to touch, or not to be finished yet
	Oldest     time.Duration // the age of the oldest of them, at that time
	Committed  int64         // finished there since the beginning
	RolledBack int64
	Pending    int   // decided transactions of which the shard has yet to hear
	Overdue    int   // transactions in doubt there for longer than alarm_after
	Alarms     int64 // transactions that have been, since the beginning
	Lost       int   // committed transactions that a failover of the shard has lost, or may have, and that nobody has acknowledged: see Connector.Lost
}

// Stats returns figures of the connector. It asks no server and may be called at
// any time.
func (c *Connector) Stats() Stats {
	var out Stats
	for i, sh := range slices.Concat(c.shards, c.own) {
		s := sh.Stat()
		out.Pools = append(out.Pools, PoolStats{
			Shard: sh.Name(), Own: i >= len(c.shards),
			Max: s.Max, Open: s.Open, InUse: s.Open - s.Idle - s.Parked, Idle: s.Idle, Parked: s.Parked,
			Acquired: s.Acquired, Opened: s.Opened, OpeningTime: s.AcquireWaited,
			ClosedBroken: s.Broken, ClosedOld: s.Expired, ClosedIdle: s.Unused, ClosedParked: s.Evicted,
		})
	}
	if c.resolver != nil {
		for _, s := range c.resolver.States() {
			out.Recovery = append(out.Recovery, RecoveryStats(s))
		}
	}
	if c.slots != nil {
		s := c.slots.Stat()
		out.Queue, out.Waits, out.WaitTime = s.Queue, s.Waits, s.Waiting
	}
	return out
}
