package tpc_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/xapg/xapg/xadriver/xatest/tpc"
)

const (
	inSequence  = 300 // transactions
	seed        = 7
	concurrency = 4
	atOnceFor   = 2 * time.Second
)

func TestTPCCTransactionsDoTheSameOverShards(t *testing.T) {
	company := tpc.SmallCompany
	tables := company.Tables()
	one := plain(t, "tpcc")
	fill(t, one, tpc.TPCCSchema, tables)
	consistent(t, one)
	wanted := play(t, one, company.Mix(seed))
	consistent(t, one)
	for _, shards := range systems {
		t.Run(named(shards), func(t *testing.T) {
			s := target(t, "tpcc", shards, append(tpc.TPCCSettings, "lock_wait=500ms")...)
			fill(t, s, tpc.TPCCSchema, tables)
			for i, screen := range play(t, s, company.Mix(seed)) {
				require.Equal(t, wanted[i], screen, "transaction %d", i+1)
			}
			sameTables(t, one, s, tables)
			consistent(t, s)
			if shards > 1 {
				atOnce(t, s, company)
				consistent(t, s)
			}
			addsUp(t, s, tables)
		})
	}
}

// play runs transactions one after the other.
func play(t *testing.T, s *system, mix *tpc.Mix) (screens [][]string) {
	t.Helper()
	refused := 0
	for i := range inSequence {
		transaction := mix.Next()
		screen, err := transaction.Run(t.Context(), s.DB)
		require.NoError(t, err, "%s: transaction %d: %+v", s.name, i+1, transaction)
		screens = append(screens, screen)
		if slices.Contains(screen, "Item number is not valid") {
			refused++
		}
	}
	require.NotZero(t, refused, "some of the orders must have been rolled back")
	return screens
}

// atOnce runs transactions that are in each other's way.
func atOnce(t *testing.T, s *system, company tpc.Company) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	end := time.Now().Add(atOnceFor)
	var group errgroup.Group
	for i := range concurrency {
		group.Go(func() error {
			for mix := company.Mix(uint64(1000 + i)); time.Now().Before(end); {
				transaction := mix.Next()
				if _, err := tpc.Retry(ctx, s.DB, transaction); err != nil {
					return fmt.Errorf("%+v: %w", transaction, err)
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
}

// consistent checks TPC-C's conditions.
func consistent(t *testing.T, s *system) {
	t.Helper()
	for _, c := range tpc.Conditions() {
		a, err := ask(t.Context(), s, c.SQL)
		if assert.NoError(t, err, c.Name) {
			assert.Empty(t, a.rows, c.Name)
		}
	}
}
