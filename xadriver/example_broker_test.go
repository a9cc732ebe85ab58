package xadriver_test

import (
	"context"
	"database/sql"
	"log"
	"strings"
	"sync"

	"github.com/xapg/xapg/xadriver"
)

// broker is a message broker that publishes with transactions. A real one keeps
// what is prepared on its disk, and tells its clients' connections apart.
type broker struct {
	mu        sync.Mutex
	published []string
	prepared  map[string][]string // messages by gid
}

func (b *broker) Name() string { return "broker" }

// Begin is called by Enlist.
func (b *broker) Begin(_ context.Context, gid string) (*batch, error) {
	return &batch{broker: b, gid: gid}, nil
}

// InDoubt, Commit and Rollback are the recovery's.
func (b *broker) InDoubt(_ context.Context, prefix string) (list []xadriver.PreparedBranch, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for gid := range b.prepared {
		if strings.HasPrefix(gid, prefix) {
			list = append(list, xadriver.PreparedBranch{GID: gid})
		}
	}
	return list, nil
}

func (b *broker) Commit(_ context.Context, gid string) error   { return b.finish(gid, true) }
func (b *broker) Rollback(_ context.Context, gid string) error { return b.finish(gid, false) }

func (b *broker) finish(gid string, publish bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	messages, ok := b.prepared[gid]
	if !ok {
		return xadriver.ErrNoSuchBranch
	}
	delete(b.prepared, gid)
	if publish {
		b.published = append(b.published, messages...)
	}
	return nil
}

// batch is one transaction's part: the messages that it publishes.
type batch struct {
	broker   *broker
	gid      string
	messages []string
	voted    bool
}

// Publish is what the application works with.
func (b *batch) Publish(message string) { b.messages = append(b.messages, message) }

// Idle says that a transaction without messages needs no vote of the broker.
func (b *batch) Idle() bool { return len(b.messages) == 0 }

// Prepare makes the messages durable, without showing them to anybody.
func (b *batch) Prepare(context.Context) error {
	b.broker.mu.Lock()
	defer b.broker.mu.Unlock()
	if b.broker.prepared == nil {
		b.broker.prepared = make(map[string][]string)
	}
	b.broker.prepared[b.gid], b.voted = b.messages, true
	return nil
}

// Commit publishes the messages, prepared or, with nobody else in the transaction
// who wrote, at once.
func (b *batch) Commit(context.Context) error {
	if b.voted {
		return b.broker.finish(b.gid, true)
	}
	b.broker.mu.Lock()
	defer b.broker.mu.Unlock()
	b.broker.published = append(b.broker.published, b.messages...)
	return nil
}

// Rollback drops the messages.
func (b *batch) Rollback(context.Context) error {
	if b.voted {
		return b.broker.finish(b.gid, false)
	}
	b.messages = nil
	return nil
}

// Release has no connection to give back here.
func (b *batch) Release() {}

// A message broker takes part in a transaction: the message is published if and
// only if the order is stored.
func Example_broker() {
	cfg, err := xadriver.ParseDSN("cluster=shop log=sqlite:shop.db shard.main='host=db1 dbname=shop'")
	if err != nil {
		log.Fatal(err)
	}
	messages := &broker{}
	cfg.Resources = []xadriver.Resource{messages}
	connector, err := xadriver.NewConnector(*cfg)
	if err != nil {
		log.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()

	ctx := context.Background()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing is left to roll back after Commit
	if _, err := tx.ExecContext(ctx, "INSERT INTO orders (id, item) VALUES ($1, $2)", 17, "tea"); err != nil {
		log.Fatal(err)
	}
	batch, err := xadriver.Enlist(ctx, tx, messages)
	if err != nil {
		log.Fatal(err)
	}
	batch.Publish("order 17")
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}
}
