package sqlitelog_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/txlog/txlogtest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	txlogtest.Child(open)
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	txlogtest.Run(t, txlogtest.Factory{Fresh: fresh, Open: open})
}

func open(ctx context.Context, place, cluster string) (txlog.Log, error) {
	l, err := sqlitelog.Open(ctx, place, sqlitelog.Options{Cluster: cluster})
	if err != nil {
		return nil, err // not a nil *Log, which would be no nil Log
	}
	return l, nil
}

func fresh(t testing.TB) string { return filepath.Join(t.TempDir(), "log.db") }
