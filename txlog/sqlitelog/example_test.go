package sqlitelog_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "bank")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()

	l, err := sqlitelog.Open(ctx, filepath.Join(dir, "decisions.db"), sqlitelog.Options{Cluster: "bank"})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	fmt.Println(l.Identity().Cluster, len(l.Identity().ID), l.Mark().Seq)

	// The file belongs to this cluster from now on.
	_, err = sqlitelog.Open(ctx, filepath.Join(dir, "decisions.db"), sqlitelog.Options{Cluster: "casino"})
	var foreign *txlog.ForeignError
	if errors.As(err, &foreign) {
		fmt.Println(foreign.Reason)
	}
	// Output:
	// bank 12 1
	// it is the log of cluster "bank", not of "casino"; name another file, or correct the cluster's name
}

func ExampleLog_Decide() {
	dir, err := os.MkdirTemp("", "bank")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	l, err := sqlitelog.Open(ctx, filepath.Join(dir, "decisions.db"), sqlitelog.Options{Cluster: "bank"})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	// A resolver has found the transaction prepared, and nobody who decides.
	transaction := uuid.Must(uuid.NewV7())
	voters := []txlog.Participant{{Name: "athos"}, {Name: "porthos"}}
	outcome, err := l.Decide(ctx, transaction, txlog.Abort, voters)
	fmt.Println("resolver:", outcome, err)

	// The coordinator was only slow. It is told what was decided, and obeys.
	outcome, err = l.Decide(ctx, transaction, txlog.Commit, voters)
	fmt.Println("coordinator:", outcome, err)

	// Both shards have rolled back.
	if err := l.Finish(ctx, transaction); err != nil {
		log.Fatal(err)
	}
	// Output:
	// resolver: abort <nil>
	// coordinator: abort <nil>
}
