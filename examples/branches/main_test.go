package main

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// TestMain is also the coordinators that are killed and stopped, and the backup.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-child") {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestTheStoryHolds(t *testing.T) {
	require.NoError(t, run(t.Context(), options{block: 500 * time.Millisecond, clients: 2}))
}
