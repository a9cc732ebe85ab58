package etcdlog_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// A log whose keys are gone, or are those of an older snapshot, decides nothing.
func TestALogThatIsNotTheOneThatWasOpenedDecidesNothing(t *testing.T) {
	t.Parallel()
	c := three(t)
	client := c.client(t)
	for what, harm := range map[string]func(t *testing.T, l txlog.Log, prefix string){
		"all keys deleted": func(t *testing.T, _ txlog.Log, prefix string) {
			_, err := client.Delete(t.Context(), prefix+"/", clientv3.WithPrefix())
			require.NoError(t, err)
		},
		"deleted and begun anew": func(t *testing.T, _ txlog.Log, prefix string) {
			_, err := client.Delete(t.Context(), prefix+"/", clientv3.WithPrefix())
			require.NoError(t, err)
			openLog(t, c.url(prefix))
		},
		"as it was before it was opened": func(t *testing.T, l txlog.Log, prefix string) {
			_, err := client.Delete(t.Context(), fmt.Sprintf("%s/mark/%019d", prefix, l.Mark().Seq))
			require.NoError(t, err)
		},
		"and another opening has the mark's number": func(t *testing.T, l txlog.Log, prefix string) {
			_, err := client.Delete(t.Context(), fmt.Sprintf("%s/mark/%019d", prefix, l.Mark().Seq))
			require.NoError(t, err)
			again := openLog(t, c.url(prefix))
			require.Equal(t, l.Mark().Seq, again.Mark().Seq)
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			place := c.place()
			l := openLog(t, place)
			known := commit(t, l)
			harm(t, l, prefixOf(place))

			var damaged *txlog.DamagedError
			id := newID()
			_, err := l.Decide(t.Context(), id, txlog.Commit, shards)
			require.ErrorIs(t, err, txlog.ErrNotStored)
			require.ErrorAs(t, err, &damaged)
			_, err = l.Lookup(t.Context(), known)
			require.ErrorAs(t, err, &damaged)
			require.NotErrorIs(t, err, txlog.ErrNoDecision)
			_, err = l.Forget(t.Context(), 0)
			require.ErrorAs(t, err, &damaged)
			list, err := client.Get(t.Context(), prefixOf(place)+"/decision/"+id.String())
			require.NoError(t, err)
			assert.Zero(t, list.Count)
		})
	}
}

// A cluster that was begun anew from what one member had has lost what the others had.
func TestACorrectAnswerOfAClusterThatHasLostDecisionsIsNotBelieved(t *testing.T) {
	t.Parallel()
	c := one(t)
	m := c.members[0]
	l := openLog(t, c.url("/bank")+"?timeout=1m") // it says once, for others, what it has found
	commit(t, l)
	m.stop()
	old := m.dir + ".old"
	require.NoError(t, os.CopyFS(old, os.DirFS(m.dir)))
	require.NoError(t, c.start())
	var lost []uuid.UUID
	for range 5 {
		lost = append(lost, commit(t, l))
	}
	m.kill()
	require.NoError(t, os.RemoveAll(m.dir))
	require.NoError(t, os.Rename(old, m.dir))
	require.NoError(t, c.start())

	// The register would take either, and say so in good faith.
	var damaged *txlog.DamagedError
	_, err := l.Decide(t.Context(), lost[4], txlog.Abort, shards)
	require.ErrorAs(t, err, &damaged)
	assert.ErrorContains(t, err, "snapshot")
	_, err = l.Decide(t.Context(), newID(), txlog.Commit, shards)
	require.ErrorIs(t, err, txlog.ErrNotStored, "and nothing more")
	_, err = l.Lookup(t.Context(), lost[4])
	require.ErrorAs(t, err, &damaged)
	require.NotErrorIs(t, err, txlog.ErrNoDecision)
	_, err = open(t.Context(), c.url("/bank"), "bank")
	require.ErrorAs(t, err, &damaged, "who did not know of them is told")
}

func TestWhatIsNoLogIsLeftAlone(t *testing.T) {
	t.Parallel()
	c := three(t)
	client := c.client(t)
	for what, r := range map[string]struct {
		key, value string
		damaged    bool
		says       string
	}{
		"other keys":           {key: "/tea", value: "green", says: "not a decision log's"},
		"another's key":        {key: "/log", value: "a diary", says: "not a decision log's"},
		"a newer format":       {key: "/log", value: `{"format": 7, "cluster": "bank", "id": "aaaaaaaaaaaa"}`, says: "newer version"},
		"another cluster's":    {key: "/log", value: `{"format": 1, "cluster": "casino", "id": "aaaaaaaaaaaa"}`, says: `"casino"`},
		"a move that failed":   {key: "/filling", value: "x", says: "being moved"},
		"a log without a name": {key: "/mark/0000000000000000001", value: "{}", damaged: true, says: "it is missing"},
		"a log without an id":  {key: "/log", value: `{"format": 1, "cluster": "bank"}`, damaged: true, says: "not a log's id"},
		"another etcd's":       {key: "/log", value: `{"format": 1, "cluster": "bank", "id": "aaaaaaaaaaaa", "etcd": "1"}`, damaged: true, says: "snapshot"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			place := c.place()
			_, err := client.Put(t.Context(), prefixOf(place)+r.key, r.value)
			require.NoError(t, err)
			_, err = open(t.Context(), place, "bank")
			require.ErrorContains(t, err, r.says)
			var foreign *txlog.ForeignError
			var damaged *txlog.DamagedError
			if r.damaged {
				require.ErrorAs(t, err, &damaged)
			} else {
				require.ErrorAs(t, err, &foreign)
			}
			left, err := client.Get(t.Context(), prefixOf(place)+"/", clientv3.WithPrefix())
			require.NoError(t, err)
			require.Len(t, left.Kvs, 1)
			assert.Equal(t, r.value, string(left.Kvs[0].Value))
		})
	}
}

func TestARecordThatSomebodyHasWrittenIsNotBelieved(t *testing.T) {
	t.Parallel()
	c := three(t)
	place := c.place()
	l, client := openLog(t, place), c.client(t)
	id := newID()
	_, err := client.Put(t.Context(), prefixOf(place)+"/decision/"+id.String(), "commit")
	require.NoError(t, err)
	var damaged *txlog.DamagedError
	_, err = l.Decide(t.Context(), id, txlog.Abort, shards)
	require.ErrorAs(t, err, &damaged)
	require.NotErrorIs(t, err, txlog.ErrNotStored)
	_, err = l.Lookup(t.Context(), id)
	require.ErrorAs(t, err, &damaged)
	_, err = l.Records(t.Context(), uuid.Nil, 10)
	require.ErrorAs(t, err, &damaged)
	commit(t, l) // others are not concerned
}

func TestTooLargeADecisionIsRefused(t *testing.T) {
	t.Parallel()
	l := openLog(t, three(t).place())
	id := newID()
	_, err := l.Decide(t.Context(), id, txlog.Commit, named(string(make([]byte, 2<<20))))
	require.ErrorIs(t, err, txlog.ErrNotStored)
	_, err = l.Lookup(t.Context(), id)
	require.ErrorIs(t, err, txlog.ErrNoDecision)
}
