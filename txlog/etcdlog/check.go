package etcdlog

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/xapg/xapg/txlog"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// nearlyFull is the part of etcd's quota, in percent, above which Check warns.
const nearlyFull = 80

var _ txlog.Checker = (*Log)(nil)

// Check looks whether the cluster can lose a member, whether all that the URL names
// answer, and whether there is room.
func (l *Log) Check(ctx context.Context) ([]txlog.Warning, error) {
	if err := l.use(ctx); err != nil {
		return nil, err
	}
	defer l.open.RUnlock()
	var members *clientv3.MemberListResponse
	err := l.ask(ctx, func(ctx context.Context, client *clientv3.Client) (err error) {
		members, err = client.MemberList(ctx)
		return err
	})
	if err != nil {
		return nil, l.explain("looking at", err)
	}
	voters := 0
	for _, m := range members.Members {
		if !m.IsLearner {
			voters++
		}
	}
	list := []txlog.Warning{warnOfCount(voters)}
	if named := len(l.to.place.endpoints); named < voters {
		list = append(list, txlog.Warning{What: "members named", Note: fmt.Sprintf("%d of %d: when those are down, the others are not found; name them all in the URL", named, voters)})
	}
	return append(list, l.eachMember(ctx)...), nil
}

func warnOfCount(voters int) txlog.Warning {
	w := txlog.Warning{What: "members", OK: voters > 2, Note: fmt.Sprint(voters)}
	if !w.OK {
		w.Note += ": when one is down, nothing that spans shards is decided; run three, on three machines"
	}
	return w
}

// eachMember asks those that the URL names by themselves.
func (l *Log) eachMember(ctx context.Context) []txlog.Warning {
	ctx, cancel := context.WithTimeout(ctx, l.wait/attempts)
	defer cancel()
	endpoints := l.to.place.endpoints
	found := make([]txlog.Warning, len(endpoints))
	var wg sync.WaitGroup
	for i, endpoint := range endpoints {
		wg.Go(func() {
			name := endpoint
			if u, err := url.Parse(endpoint); err == nil {
				name = u.Host
			}
			found[i] = txlog.Warning{What: "member " + name}
			client, err := l.to.at(i)
			if err != nil {
				found[i].Note = "it does not answer: " + err.Error()
				return
			}
			status, err := client.Status(ctx, endpoint)
			found[i].OK, found[i].Note = health(status, err)
		})
	}
	wg.Wait()
	return found
}

// health is what a member's answer means.
func health(status *clientv3.StatusResponse, err error) (ok bool, note string) {
	switch {
	case err != nil:
		return false, "it does not answer: " + err.Error()
	case len(status.Errors) > 0:
		return false, strings.Join(status.Errors, "; ") + ": see etcdctl alarm list"
	case status.Leader == 0:
		return false, "it has no leader: most members are down, or cut off from it"
	case status.DbSizeQuota > 0 && status.DbSizeInUse > status.DbSizeQuota/100*nearlyFull:
		return false, fmt.Sprintf("%d of %d MB are used: compact more often (--auto-compaction-retention), lower retain, or raise --quota-backend-bytes",
			status.DbSizeInUse>>20, status.DbSizeQuota>>20)
	}
	return true, "etcd " + status.Version
}
