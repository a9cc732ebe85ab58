package xadriver

import (
	"context"
	"sync"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/pglog"
)

// located is a log that can tell on which PostgreSQL server it is.
type located interface {
	Server(ctx context.Context) (string, error)
}

// inspectLog asks the decision log how safe decisions are there. What it finds is
// listed under the name "log".
func (c *Connector) inspectLog(ctx context.Context) []Finding {
	const name = "log"
	var out []Finding
	if log, ok := c.log.(txlog.Checker); ok {
		found, err := log.Check(ctx)
		if err != nil {
			return []Finding{{Shard: name, What: "reachable", Note: err.Error()}}
		}
		for _, w := range found {
			out = append(out, Finding{Shard: name, What: w.What, OK: w.OK, Note: w.Note})
		}
	}
	if log, ok := c.log.(located); ok {
		out = append(out, c.placeOf(ctx, name, log)...)
	}
	return out
}

// placeOf warns of a log on a shard's server. It works, but goes with that server:
// while it is away, no transaction of the other shards commits either.
func (c *Connector) placeOf(ctx context.Context, name string, log located) []Finding {
	server, err := log.Server(ctx)
	if err != nil {
		return nil // a role that may not know
	}
	same := make([]bool, len(c.own))
	var wg sync.WaitGroup
	for i, sh := range c.own {
		wg.Go(func() {
			conn, err := sh.Acquire(ctx)
			if err != nil {
				return
			}
			defer conn.Release()
			in := &inspection{c: c, sh: sh, conn: conn}
			v, err := in.row(ctx, pglog.WhichServer, 1)
			same[i] = err == nil && v[0] == server
		})
	}
	wg.Wait()
	for i, sh := range c.own {
		if same[i] {
			return []Finding{{Shard: name, What: "place", Note: "it is on the server of shard " + sh.Name() +
				": while that is away, nothing that spans shards is decided; better give it a server of its own, with a synchronous standby"}}
		}
	}
	return nil
}
