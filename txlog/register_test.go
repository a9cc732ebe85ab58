package txlog_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

func TestALogIsOpenedByTheSchemeOfItsURL(t *testing.T) {
	broken := errors.New("no luck")
	var got string
	open := func(_ context.Context, url string, o txlog.OpenOptions) (txlog.Log, error) {
		got = url + " of " + o.Cluster
		return nil, broken
	}
	txlog.Register("stone", open)
	assert.PanicsWithValue(t, "txlog: Register called twice for stone", func() { txlog.Register("stone", open) })
	assert.PanicsWithValue(t, "txlog: Register without an opener for wax", func() { txlog.Register("wax", nil) })
	_, err := txlog.Open(t.Context(), "stone://tablet/1?secret=x", txlog.OpenOptions{Cluster: "bank"})
	require.ErrorIs(t, err, broken)
	assert.Equal(t, "stone://tablet/1?secret=x of bank", got)
	require.NoError(t, txlog.CheckURL("stone:tablet"))
	assert.Equal(t, []string{"stone://…"}, txlog.Examples())

	for url, want := range map[string]string{
		"wax://u:s3cret@h/x":  "txlog: this kind of log is not known; write stone://…",
		"s3cret":              "txlog: this kind of log is not known; write stone://…",
		"":                    "txlog: this kind of log is not known; write stone://…",
		"stone://":            "txlog: this log has no place; write stone://…",
		"stone:":              "txlog: this log has no place; write stone://…",
		"etcd://h:s3cret/x":   `txlog: logs in etcd are no part of this program: import _ "github.com/xapg/xapg/txlog/etcdlog" in it`,
		"etcds://h/x":         `txlog: logs in etcds are no part of this program: import _ "github.com/xapg/xapg/txlog/etcdlog" in it`,
		"postgres://s3cret@h": `txlog: logs in postgres are no part of this program: import _ "github.com/xapg/xapg/txlog/pglog" in it`,
	} {
		assert.EqualError(t, txlog.CheckURL(url), want)
		_, err := txlog.Open(t.Context(), url, txlog.OpenOptions{})
		assert.EqualError(t, err, want)
	}
}

func TestURLsAreShownWithoutSecrets(t *testing.T) {
	for url, want := range map[string]string{
		"":                                   "",
		"sqlite:/var/lib/app/xapg.db":        "sqlite:/var/lib/app/xapg.db",
		"postgres://h/d":                     "postgres://h/d",
		"postgres://app@h:5432/d":            "postgres://app@h:5432/d",
		"postgres://app:s3cret@h1:1,h2:2/d":  "postgres://app@h1:1,h2:2/d",
		"postgres://app:s3@cret@h/d":         "postgres://app@h/d",
		"postgres://app@h/d?password=s3cret": "postgres://app@h/d",
		"postgres://[::1]:5432/d":            "postgres://[::1]:5432/d",
		"etcd://root:s3cret@a,b,c/bank/log":  "etcd://root@a,b,c/bank/log",
		"etcd://a:2379,b:2379":               "etcd://a:2379,b:2379",
		"postgres://app:s3/cret@h/d":         "(not shown)",
		"postgres://app:s3?cret@h/d":         "(not shown)",
		"postgres://app%3As3cret@h/d":        "(not shown)",
		"postgres://s3cret:@@@h/d e":         "(not shown)",
		"host=h password=s3cret":             "(not shown)",
		"s3cret":                             "(not shown)",
	} {
		assert.Equal(t, want, txlog.Redact(url), url)
	}
}
