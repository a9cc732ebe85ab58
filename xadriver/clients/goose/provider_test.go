package goose

import (
	"testing"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestUpBringsEveryShardToTheLatestVersionAndRowsWhereTheMapSays(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		p := library(t, c.Open(t), unlocked)
		results, err := p.Up(t.Context())
		require.NoError(t, err)
		require.Len(t, results, latest)
		for i, r := range results {
			assert.NoError(t, r.Error)
			assert.Equal(t, int64(i+1), r.Source.Version)
		}

		current, target, err := p.GetVersions(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []int64{latest, latest}, []int64{current, target})
		pending, err := p.HasPending(t.Context())
		require.NoError(t, err)
		assert.False(t, pending)

		everything := sameEverywhere(t, c)
		for _, what := range []string{"column members.city text NO", "column genres.shelf integer YES", "function count_loan: counts; also", "trigger count_loan", "index loans_due t"} {
			assert.Contains(t, everything, what)
		}

		rowsAreWhereTheMapSays(t, c)
	})
}

func rowsAreWhereTheMapSays(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	if !c.Sharded() {
		assert.Equal(t, []string{"60"}, c.Counts(t, "members"))
		assert.Equal(t, []string{"2"}, c.Counts(t, "notices"))
		return
	}
	total := 0
	for i := range c.URLs {
		n := number(t, c.On(t, i, "SELECT count(*) FROM members"))
		assert.NotZero(t, n, "shard %d has its part of the members", i+1)
		total += n
		// Each loan is beside its member, and the trigger has counted it there.
		assert.Equal(t, n, number(t, c.On(t, i, "SELECT count(*) FROM loans JOIN members ON id = member WHERE lent = 1")))
	}
	assert.Equal(t, members, total)
	assert.Equal(t, []string{"3", "3", "3"}, c.Counts(t, "genres"), "reference tables are everywhere")
	assert.Equal(t, []string{"2", "0", "0"}, c.Counts(t, "notices"), "unsharded tables are at home")
	assert.Equal(t, []string{"6", "0", "0"}, c.Counts(t, "goose_db_version"), "as is goose's own, with its row of version 0")
	assert.Equal(t, "Kisumu: 30, Nairobi: 30", c.On(t, 0, "SELECT string_agg(text, ', ' ORDER BY text) FROM notices"),
		"what an INSERT … SELECT reads comes from all shards")
}

func TestUpByOneAndDownGoOneVersionAtATime(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		p := library(t, c.Open(t), unlocked)
		schemas := []string{""}
		for v := int64(1); v <= latest; v++ {
			r, err := p.UpByOne(t.Context())
			require.NoError(t, err)
			require.Equal(t, v, r.Source.Version)
			schemas = append(schemas, sameEverywhere(t, c))
		}
		_, err := p.UpByOne(t.Context())
		require.ErrorIs(t, err, goose.ErrNoNextVersion)

		for v := int64(latest); v > 0; v-- {
			require.Equal(t, schemas[v], sameEverywhere(t, c), "version %d", v)
			r, err := p.Down(t.Context())
			require.NoError(t, err)
			require.Equal(t, v, r.Source.Version)
		}
		_, err = p.Down(t.Context())
		require.ErrorIs(t, err, goose.ErrNoNextVersion)
		assert.NotContains(t, sameEverywhere(t, c), "members")
	})
}

func TestStatusFollowsUpToDownToAndSingleVersions(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		p := library(t, c.Open(t), unlocked)
		_, err := p.Up(t.Context())
		require.NoError(t, err)
		whole := sameEverywhere(t, c)

		results, err := p.DownTo(t.Context(), 0)
		require.NoError(t, err)
		require.Len(t, results, latest)
		assert.NotContains(t, sameEverywhere(t, c), "members")
		results, err = p.UpTo(t.Context(), 4)
		require.NoError(t, err)
		require.Len(t, results, 4)

		status, err := p.Status(t.Context())
		require.NoError(t, err)
		require.Len(t, status, latest)
		for _, s := range status {
			want := goose.StateApplied
			if s.Source.Version == 5 {
				want = goose.StatePending
			}
			assert.Equal(t, want, s.State, "version %d", s.Source.Version)
			assert.Equal(t, want == goose.StatePending, s.AppliedAt.IsZero())
		}

		for range 2 { // redone
			_, err = p.ApplyVersion(t.Context(), 5, true)
			require.NoError(t, err)
			assert.Equal(t, whole, sameEverywhere(t, c))
			_, err = p.ApplyVersion(t.Context(), 5, true)
			require.ErrorIs(t, err, goose.ErrAlreadyApplied)
			_, err = p.ApplyVersion(t.Context(), 5, false)
			require.NoError(t, err)
		}
		assert.NotContains(t, sameEverywhere(t, c), "members.city")
	})
}
