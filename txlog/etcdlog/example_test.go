package etcdlog_test

import (
	"context"
	"fmt"
	"log"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/etcdlog"
)

// An application names the log in its configuration, and imports this package:
//
//	cluster: bank
//	log: etcd://h1:2379,h2:2379,h3:2379/xapg/bank?cacert=/etc/etcd/ca.pem
//
// The password comes from the environment (XAPG_ETCD_USER, XAPG_ETCD_PASSWORD), or
// from it through the file: ?user=app&password=${ETCD_PASSWORD}.
func Example() {
	c, err := shared()
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	url := c.place() // such as etcd://h1:2379,h2:2379,h3:2379/xapg/bank

	// A resolver, on one host, has found a transaction prepared, and nobody who decides.
	resolver, err := etcdlog.Open(ctx, url, etcdlog.Options{Cluster: "bank", By: "host b, process 7, resolver"})
	if err != nil {
		log.Fatal(err)
	}
	defer resolver.Close()
	transaction := uuid.Must(uuid.NewV7())
	voters := []txlog.Participant{{Name: "athos"}, {Name: "porthos"}}
	outcome, err := resolver.Decide(ctx, transaction, txlog.Abort, voters)
	fmt.Println("resolver:", outcome, err)

	// The coordinator, on another, was only slow. It is told what was decided, and obeys.
	coordinator, err := etcdlog.Open(ctx, url, etcdlog.Options{Cluster: "bank", By: "host a, process 12, bank"})
	if err != nil {
		log.Fatal(err)
	}
	defer coordinator.Close()
	outcome, err = coordinator.Decide(ctx, transaction, txlog.Commit, voters)
	fmt.Println("coordinator:", outcome, err)
	fmt.Println(coordinator.Identity() == resolver.Identity(), coordinator.Mark().Seq-resolver.Mark().Seq)
	// Output:
	// resolver: abort <nil>
	// coordinator: abort <nil>
	// true 1
}
