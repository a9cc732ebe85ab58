package etcdlog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

// checked is what Check has found, by what was looked at.
func checked(t *testing.T, l txlog.Log) map[string]txlog.Warning {
	t.Helper()
	list, err := l.(txlog.Checker).Check(t.Context())
	assert.NoError(t, err)
	found := make(map[string]txlog.Warning)
	for _, w := range list {
		found[w.What] = w
	}
	return found
}

func TestCheckTellsWhatTheClusterCanBear(t *testing.T) {
	t.Parallel()
	c := three(t)
	place := c.place()
	l := openLog(t, place)
	require.EventuallyWithT(t, func(now *assert.CollectT) { // a leader may just be elected
		for what, w := range checked(t, l) {
			assert.True(now, w.OK, "%s: %s", what, w.Note)
		}
	}, patience, pause)

	nobody := new(member)
	gone, err := nobody.address()
	require.NoError(t, err)
	defer nobody.ports[0].Release() //nolint:errcheck // it can only have been
	l = openLog(t, strings.Replace(place, c.members[2].client, gone, 1))
	require.Eventually(t, func() bool { return checked(t, l)["member "+c.members[0].client].OK }, patience, pause)
	found := checked(t, l)
	assert.False(t, found["member "+gone].OK)
	assert.Contains(t, found["member "+gone].Note, "does not answer")

	found = checked(t, openLog(t, (&cluster{scheme: "etcd", members: c.members[:1]}).url(prefixOf(place))))
	assert.Contains(t, found["members named"].Note, "1 of 3")

	alone := one(t)
	found = checked(t, openLog(t, alone.url("/bank")))
	assert.False(t, found["members"].OK)
	assert.Contains(t, found["members"].Note, "run three")
}
